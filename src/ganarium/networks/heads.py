"""Discriminators with another output head, besides the score or in its place."""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrize import is_parametrized

from ganarium.networks.layers.linear_score import as_scoring
from ganarium.networks.layers.norms import spectral


class MultiHead(nn.Module):
    """Discriminator with a second head that computes `outputs` numbers from the same features.

    `width` > 0 adds a hidden layer of `width` units to this head. If the body's score has spectral norm, the
    head has it, too.
    """

    def __init__(self, body: nn.Module, outputs: int, *, width: int = 0):
        super().__init__()
        self.body = as_scoring(body)
        features, wanted = self.body.score.in_features, is_parametrized(self.body.score)
        self.hidden = spectral(nn.Linear(features, width), wanted=wanted) if width else None
        self.head = spectral(nn.Linear(width or features, outputs), wanted=wanted)

    def features(self, samples: Tensor) -> Tensor:
        """Return the features `[N, D]`, the input of both heads."""
        return self.body.features(samples)

    def forward(self, samples: Tensor) -> Tensor:
        """`[N, ...]` to `[N, 1 + outputs]`: first the score, then the outputs of the second head."""
        features = self.features(samples)
        hidden = features if self.hidden is None else leaky_relu(self.hidden(features), 0.2)
        return torch.cat([self.body.score(features), self.head(hidden)], 1)


class ClassLogits(nn.Module):
    """Discriminator with a logit for each class in place of its score."""

    def __init__(self, body: nn.Module, classes: int):
        super().__init__()
        self.body = as_scoring(body)
        self.logits = spectral(
            nn.Linear(self.body.score.in_features, classes), wanted=is_parametrized(self.body.score)
        )
        del self.body.score  # not used any more

    def features(self, samples: Tensor) -> Tensor:
        """Return the features `[N, D]`, the input of the logits."""
        return self.body.features(samples)

    def forward(self, samples: Tensor) -> Tensor:
        """`[N, ...]` to logits `[N, classes]`."""
        return self.logits(self.features(samples))
