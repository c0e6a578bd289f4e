"""Kernel distance of two sets of features."""

from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics.image.kid import poly_mmd

from ganarium.metrics.features import checked_features


class KernelDistance(NamedTuple):
    """Mean and standard deviation over subsets."""

    mean: float
    std: float


def kernel_distance(
    a: Tensor, b: Tensor, *, subset: int = 1000, subsets: int = 100, seed: int = 0
) -> KernelDistance:
    """Squared maximum mean discrepancy of two sets of features under the kernel (x·y / D + 1)³.

    Binkowski et al. 2018, section 4; known as KID on Inception features. The estimate is unbiased, so it does
    not depend on the number of samples, and is about zero, of either sign, where the distributions are equal.

    Args:
        a: features `[N, D]`, N >= 2.
        b: features `[M, D]`, M >= 2.
        subset: samples drawn from each side without replacement, N or M at most. Where these are all there
            are on both sides, there is one estimate and its deviation is 0.
        subsets: number of draws.
        seed: of the draws.

    Raises:
        ValueError: shapes that do not fit, too few samples, or features that are not finite.
    """
    a, b = checked_features(a, b)
    if subset < 2 or subsets < 1:
        raise ValueError(f"subset is at least 2 and subsets at least 1; given: {subset} and {subsets}")
    subset = min(subset, len(a), len(b))
    if subset == len(a) == len(b):
        subsets = 1
    shared_random = torch.Generator().manual_seed(seed)
    estimates = torch.stack(
        [poly_mmd(_drawn(a, subset, shared_random), _drawn(b, subset, shared_random)) for _ in range(subsets)]
    )
    return KernelDistance(estimates.mean().item(), estimates.std(correction=0).item())


def _drawn(x: Tensor, count: int, shared_random: torch.Generator) -> Tensor:
    return x[torch.randperm(len(x), generator=shared_random)[:count]]
