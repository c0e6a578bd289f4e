"""One body, many readings: the score of a discriminator, and what else is read from its features."""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrize import is_parametrized

from ganarium.networks.layers.linear_score import scoring
from ganarium.networks.layers.norms import spectral


class MultiHead(nn.Module):
    """A discriminator whose features another head reads `outputs` numbers from.

    `width` > 0 puts a hidden layer of so many units between them. Where the body's score has spectral norm,
    the head has it, too.
    """

    def __init__(self, body: nn.Module, outputs: int, *, width: int = 0):
        super().__init__()
        self.body = scoring(body)
        features, wanted = self.body.score.in_features, is_parametrized(self.body.score)
        self.hidden = spectral(nn.Linear(features, width), wanted=wanted) if width else None
        self.head = spectral(nn.Linear(width or features, outputs), wanted=wanted)

    def features(self, samples: Tensor) -> Tensor:
        """What both are read from: `[N, D]`."""
        return self.body.features(samples)

    def forward(self, samples: Tensor) -> Tensor:
        """`[N, 1 + outputs]`: the score in the first column, then the head's readings."""
        features = self.features(samples)
        read = features if self.hidden is None else leaky_relu(self.hidden(features), 0.2)
        return torch.cat([self.body.score(features), self.head(read)], 1)


class ClassLogits(nn.Module):
    """A discriminator that puts out a logit for each class in place of its score."""

    def __init__(self, body: nn.Module, classes: int):
        super().__init__()
        self.body = scoring(body)
        self.logits = spectral(
            nn.Linear(self.body.score.in_features, classes), wanted=is_parametrized(self.body.score)
        )
        del self.body.score  # asked no more

    def features(self, samples: Tensor) -> Tensor:
        """What the logits are read from: `[N, D]`."""
        return self.body.features(samples)

    def forward(self, samples: Tensor) -> Tensor:
        """`[N, classes]`."""
        return self.logits(self.features(samples))
