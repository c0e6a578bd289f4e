"""Discriminators whose score is read from features by a last linear layer."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Scoring(nn.Module, ABC):
    """Samples `[N, ...]` to scores `[N]` (logits), by way of features that others may read, too."""

    score: nn.Linear

    @abstractmethod
    def features(self, samples: Tensor) -> Tensor:
        """What the score is read from: `[N, score.in_features]`."""

    def forward(self, samples: Tensor) -> Tensor:
        """One score a sample."""
        return self.score(self.features(samples)).squeeze(1)


def scoring(net: nn.Module) -> Scoring:
    """The network itself, where it is one whose score is read from features.

    Raises:
        ValueError: it shows none.
    """
    if not isinstance(net, Scoring):
        raise ValueError(
            f"{type(net).__name__} shows no features for others to read: make it a Scoring network "
            "(ganarium.networks.layers.scoring)"
        )
    return net
