"""How a condition joins a network: beside what is there (concatenation) or on top of it (addition).

Conditions are labels `[N]`, attribute vectors `[N, A]` or pictures `[N, C, H, W]`. They join the
generator's noise, and in the discriminator the sample or its features (Mirza & Osindero 2014,
arXiv:1411.1784, sec. 3.2).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu
from torch.nn.utils.parametrize import is_parametrized

from ganarium.networks.layers.linear_score import scoring
from ganarium.networks.layers.norms import spectral

Join = Literal["concatenate", "add"]


class ConditionVector(nn.Module):
    """A condition as a vector `[N, size]`: embedded labels, mixed attributes, or an encoded picture."""

    def __init__(self, condition_shape: Sequence[int], num_classes: int, size: int):
        super().__init__()
        if not condition_shape:
            self.encode: nn.Module = nn.Embedding(num_classes, size)
        elif len(condition_shape) == 1:
            self.encode = nn.Linear(condition_shape[0], size)
        else:
            self.encode = _picture_encoder(condition_shape[0], size)

    def forward(self, condition: Tensor) -> Tensor:
        """`[N, size]`."""
        return self.encode(condition)


def _picture_encoder(channels: int, size: int, width: int = 32) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(2 * width * 16, size),
    )


class ConditionedGenerator(nn.Module):
    """`body` fed with noise and the condition's vector; with the vector alone where there is no noise."""

    def __init__(self, body: nn.Module, vector: ConditionVector, *, join: Join):
        super().__init__()
        self.body, self.vector, self.join = body, vector, join

    def forward(self, noise: Tensor | None, condition: Tensor) -> Tensor:
        """Samples that should show the condition."""
        wish = self.vector(condition)
        if noise is None:
            return self.body(wish)
        return self.body(noise + wish if self.join == "add" else torch.cat([noise, wish], 1))


class JointScore(nn.Module):
    """Scores "does it match?" of labels and attributes, which join the features of the sample.

    As in the paper, both meet in a joint hidden layer (sec. 3.2), from which the score is read.
    """

    def __init__(
        self,
        body: nn.Module,
        condition_shape: Sequence[int],
        num_classes: int,
        size: int,
        *,
        join: Join,
        width: int = 256,
    ):
        super().__init__()
        body = scoring(body)
        features, wanted = body.score.in_features, is_parametrized(body.score)
        size = features if join == "add" else size
        self.body, self.join = body, join
        self.vector = ConditionVector(condition_shape, num_classes, size)
        joint = features if join == "add" else features + size
        self.hidden = spectral(nn.Linear(joint, width), wanted=wanted)
        self.score = spectral(nn.Linear(width, 1), wanted=wanted)
        del body.score  # asked no more

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """The joint hidden layer: `[N, width]`."""
        features, wish = self.body.features(samples), self.vector(condition)
        joined = features + wish if self.join == "add" else torch.cat([features, wish.to(features.dtype)], 1)
        return leaky_relu(self.hidden(joined), 0.2)

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """One score a sample."""
        return self.score(self.features(samples, condition)).squeeze(1)


class ImageScore(nn.Module):
    """Scores "does it match?" of pictures, which join the sample: beside its channels, or on top of them."""

    def __init__(self, body: nn.Module, planes: nn.Module, *, join: Join):
        super().__init__()
        self.body, self.planes, self.join = scoring(body), planes, join

    def joined(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Pictures with the condition's planes beside or on top of them."""
        planes = self.planes(interpolate(condition, samples.shape[2:])).to(samples.dtype)
        return samples + planes if self.join == "add" else torch.cat([samples, planes], 1)

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """The body's features of both."""
        return self.body.features(self.joined(samples, condition))

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """One score a sample."""
        return self.body(self.joined(samples, condition))


class ProjectionScore(nn.Module):
    """Scores "does it match?" by an inner product of features and condition, on top of the body's own score.

    Miyato & Koyama 2018, arXiv:1802.05637, eq. 8; labels, attributes and pictures alike.
    """

    def __init__(self, body: nn.Module, condition_shape: Sequence[int], num_classes: int):
        super().__init__()
        self.body = scoring(body)
        wanted = is_parametrized(self.body.score)
        self.vector = ConditionVector(condition_shape, num_classes, self.body.score.in_features)
        if wanted and isinstance(self.vector.encode, nn.Embedding | nn.Linear):
            spectral(self.vector.encode)

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """The body's features, which the condition does not enter."""
        return self.body.features(samples)

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """One score a sample."""
        features = self.body.features(samples)
        return self.body.score(features).squeeze(1) + (self.vector(condition) * features).sum(1)


class ConditionedDiscriminator(nn.Module):
    """One network asks "does it match?", and another "is it real?" where they are judged apart."""

    def __init__(self, matching: JointScore | ImageScore | ProjectionScore, realism: nn.Module | None = None):
        super().__init__()
        self.matching, self.realism = matching, realism

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """What the score for sample and condition is read from."""
        return self.matching.features(samples, condition)

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Scores `[N, 1]`, or `[N, 2]` with realism in the first column."""
        matching = self.matching(samples, condition)
        return torch.stack([matching] if self.realism is None else [self.realism(samples), matching], 1)
