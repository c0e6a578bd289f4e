"""Conditional generators and discriminators, by concatenation or addition of the condition.

Conditions are labels `[N]`, attribute vectors `[N, A]` or images `[N, C, H, W]`. They join the noise of the
generator, and the sample or its features in the discriminator (Mirza & Osindero 2014, arXiv:1411.1784,
sec. 3.2).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu
from torch.nn.utils.parametrize import is_parametrized

from ganarium.networks.layers.linear_score import as_scoring
from ganarium.networks.layers.norms import spectral

Join = Literal["concatenate", "add"]


class ConditionVector(nn.Module):
    """Condition as a vector: embedded labels, linearly mapped attributes, or an encoded image."""

    def __init__(self, condition_shape: Sequence[int], num_classes: int, size: int):
        super().__init__()
        if not condition_shape:
            self.encode: nn.Module = nn.Embedding(num_classes, size)
        elif len(condition_shape) == 1:
            self.encode = nn.Linear(condition_shape[0], size)
        else:
            self.encode = _image_encoder(condition_shape[0], size)

    def forward(self, condition: Tensor) -> Tensor:
        """Condition `[N]`, `[N, A]` or `[N, C, H, W]` to `[N, size]`."""
        return self.encode(condition)


def _image_encoder(channels: int, size: int, width: int = 32) -> nn.Module:
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
    """Generator whose `body` is given noise and the condition's vector, or the vector alone without noise."""

    def __init__(self, body: nn.Module, vector: ConditionVector, *, join: Join):
        super().__init__()
        self.body, self.vector, self.join = body, vector, join

    def forward(self, noise: Tensor | None, condition: Tensor) -> Tensor:
        """Generate samples of the condition, from noise or, if `noise` is None, from the condition alone."""
        vector = self.vector(condition)
        if noise is None:
            return self.body(vector)
        return self.body(noise + vector if self.join == "add" else torch.cat([noise, vector], 1))


class JointScore(nn.Module):
    """Discriminator that scores how well samples match labels or attributes, joined with their features.

    As in the paper (sec. 3.2), a joint hidden layer takes both, and the score is computed from this layer.
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
        body = as_scoring(body)
        features, wanted = body.score.in_features, is_parametrized(body.score)
        size = features if join == "add" else size
        self.body, self.join = body, join
        self.vector = ConditionVector(condition_shape, num_classes, size)
        joint = features if join == "add" else features + size
        self.hidden = spectral(nn.Linear(joint, width), wanted=wanted)
        self.score = spectral(nn.Linear(width, 1), wanted=wanted)
        del body.score  # not used any more

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return the joint hidden layer `[N, width]`."""
        features, vector = self.body.features(samples), self.vector(condition)
        add = self.join == "add"
        joined = features + vector if add else torch.cat([features, vector.to(features.dtype)], 1)
        return leaky_relu(self.hidden(joined), 0.2)

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return one score per sample, `[N]`."""
        return self.score(self.features(samples, condition)).squeeze(1)


class ImageScore(nn.Module):
    """Discriminator that scores how well samples match images, concatenated with or added to the samples."""

    def __init__(self, body: nn.Module, planes: nn.Module, *, join: Join):
        super().__init__()
        self.body, self.planes, self.join = as_scoring(body), planes, join

    def joined(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return the samples with the condition's planes concatenated or added."""
        planes = self.planes(interpolate(condition, samples.shape[2:])).to(samples.dtype)
        return samples + planes if self.join == "add" else torch.cat([samples, planes], 1)

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return the body's features of the joined sample and condition."""
        return self.body.features(self.joined(samples, condition))

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return one score per sample, `[N]`."""
        return self.body(self.joined(samples, condition))


class ProjectionScore(nn.Module):
    """Discriminator whose score is the body's own, plus an inner product of features and condition.

    Miyato & Koyama 2018, arXiv:1802.05637, eq. 8; for labels, attributes and images.
    """

    def __init__(self, body: nn.Module, condition_shape: Sequence[int], num_classes: int):
        super().__init__()
        self.body = as_scoring(body)
        wanted = is_parametrized(self.body.score)
        self.vector = ConditionVector(condition_shape, num_classes, self.body.score.in_features)
        if wanted and isinstance(self.vector.encode, nn.Embedding | nn.Linear):
            spectral(self.vector.encode)

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return the body's features, which do not depend on the condition."""
        return self.body.features(samples)

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return one score per sample, `[N]`."""
        features = self.body.features(samples)
        return self.body.score(features).squeeze(1) + (self.vector(condition) * features).sum(1)


class ConditionedDiscriminator(nn.Module):
    """Discriminator that scores the match of sample and condition, and optionally realism separately."""

    def __init__(self, matching: JointScore | ImageScore | ProjectionScore, realism: nn.Module | None = None):
        super().__init__()
        self.matching, self.realism = matching, realism

    def features(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return the features that the score of sample and condition is computed from."""
        return self.matching.features(samples, condition)

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Return scores `[N, 1]`, or `[N, 2]` with realism in the first column."""
        matching = self.matching(samples, condition)
        return torch.stack([matching] if self.realism is None else [self.realism(samples), matching], 1)
