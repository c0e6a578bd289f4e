"""Discriminators whose last layer is linear."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Scoring(nn.Module, ABC):
    """Base class: samples `[N, ...]` to scores `[N]` (logits), from features that other heads can use."""

    score: nn.Linear

    @abstractmethod
    def features(self, samples: Tensor) -> Tensor:
        """Return the input of `score`: `[N, score.in_features]`."""

    def forward(self, samples: Tensor) -> Tensor:
        """Return one score per sample, `[N]`."""
        return self.score(self.features(samples)).squeeze(1)


def as_scoring(net: nn.Module) -> Scoring:
    """Return `net` if it is a `Scoring` network.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(net, Scoring):
        raise ValueError(
            f"{type(net).__name__} has no features for other heads; derive it from "
            "ganarium.networks.layers.linear_score.Scoring"
        )
    return net
