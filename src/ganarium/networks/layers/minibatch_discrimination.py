"""Minibatch discrimination (Salimans et al. 2016, arXiv:1606.03498, sec. 3.2)."""

import math

import torch
from torch import Tensor, nn

from ganarium.networks.layers.norms import spectral

KERNEL_DIM = 16


class MinibatchDiscrimination(nn.Module):
    r"""Beside each sample's features, how many of its batch lie near it: a generator that collapses is seen.

    With features f(x_i) and the weight T `[A, B, C]` of B kernels,

    $$o(x_i)_b = \sum_j \exp(-\|(f(x_i) - f(x_j))\, T_b\|_1)$$

    over the batch, x_i itself included. The batch is what one call is given: each process' and each
    micro-batch's own part, so cutting a batch up changes its scores. T starts such that features which
    differ by one each are about one apart.
    """

    uses_batch_statistics = True

    def __init__(self, features: int, kernels: int, *, kernel_dim: int = KERNEL_DIM):
        super().__init__()
        scale = kernel_dim * math.sqrt(features)
        self.weight = nn.Parameter(torch.randn(features, kernels, kernel_dim) / scale)

    def forward(self, features: Tensor) -> Tensor:
        """`[N, A]` to `[N, A + B]`."""
        projected = torch.einsum("na,abc->nbc", features, self.weight)
        projected = projected.to(torch.promote_types(projected.dtype, torch.float32))
        apart = (projected[:, None] - projected).abs().sum(3)  # [N, N, B]
        return torch.cat([features, apart.neg().exp().sum(1)], 1)


def minibatch(features: int, kernels: int, *, spectral_norm: bool = False) -> nn.Module:
    """Minibatch discrimination with so many kernels; nothing for 0."""
    if not kernels:
        return nn.Identity()
    return spectral(MinibatchDiscrimination(features, kernels), wanted=spectral_norm)
