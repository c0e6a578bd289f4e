"""Minibatch discrimination (Salimans et al. 2016, arXiv:1606.03498, sec. 3.2)."""

import math

import torch
from torch import Tensor, nn

from ganarium.networks.layers.norms import spectral

KERNEL_DIM = 16
"""Default of C, the dimension of a kernel."""


class MinibatchDiscrimination(nn.Module):
    r"""Features of each sample, with the number of similar samples in its batch, which shows mode collapse.

    With features f(x_i) and the weight T `[A, B, C]` of B kernels,

    $$o(x_i)_b = \sum_j \exp(-\|(f(x_i) - f(x_j))\, T_b\|_1)$$

    over the batch, x_i itself included. The batch is the input of one call, that is the part of one
    process or micro-batch, so splitting a batch changes its scores. T is initialized such that features
    which differ by one each have a distance of about one.
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
        distances = (projected[:, None] - projected).abs().sum(3)  # [N, N, B]
        return torch.cat([features, distances.neg().exp().sum(1)], 1)


def minibatch(features: int, kernels: int, *, spectral_norm: bool = False) -> nn.Module:
    """Build minibatch discrimination with `kernels` kernels, the identity for 0."""
    if not kernels:
        return nn.Identity()
    return spectral(MinibatchDiscrimination(features, kernels), wanted=spectral_norm)
