"""Stabilizers of training for any objective.

Feature matching and historical averaging (Salimans et al. 2016, arXiv:1606.03498) and instance noise
(Sønderby et al. 2017, arXiv:1610.04490).
"""

import torch
from torch import Tensor, nn


def feature_distance(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """Compute the squared distance between the mean features of two batches `[N, D]`.

    This is the loss of feature matching (Salimans et al. 2016, sec. 3.1).
    """
    return (real_features.mean(0) - fake_features.mean(0)).square().sum()


def with_instance_noise(samples: Tensor, deviation: float) -> Tensor:
    """Add normal noise, so that real and fake samples overlap (Sønderby et al. 2017, sec. 3.2)."""
    return samples + deviation * torch.randn_like(samples) if deviation else samples


class History(nn.Module):
    """Mean of a network's weights so far, for historical averaging (Salimans et al. 2016, sec. 3.2)."""

    rounds: Tensor

    def __init__(self, net: nn.Module):
        super().__init__()
        self.register_buffer("rounds", torch.ones(()))
        for i, weights in enumerate(_weights(net)):
            self.register_buffer(f"mean_{i}", weights.detach().clone())

    def distance(self, net: nn.Module) -> Tensor:
        """Return the squared distance of the weights from their mean so far."""
        pairs = zip(_weights(net), self._means(), strict=True)
        return torch.stack([(now - mean).square().sum() for now, mean in pairs]).sum()

    @torch.no_grad()
    def remember(self, net: nn.Module) -> None:
        """Add the current weights to the mean; call it once a round."""
        self.rounds += 1
        for now, mean in zip(_weights(net), self._means(), strict=True):
            mean.lerp_(now, 1 / self.rounds)

    def _means(self) -> list[Tensor]:
        return [buffer for name, buffer in self.named_buffers() if name != "rounds"]


def _weights(net: nn.Module) -> list[Tensor]:
    return [p for p in net.parameters() if p.requires_grad]
