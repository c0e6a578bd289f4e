"""Kernel distance of two sets of features."""

from typing import NamedTuple

import torch
from torch import Tensor

from ganarium.metrics.features import checked_features


class KernelDistance(NamedTuple):
    """Mean and standard deviation over subsets."""

    mean: float
    std: float


def kernel_distance(
    a: Tensor, b: Tensor, *, subset: int = 1000, subsets: int = 100, seed: int = 0
) -> KernelDistance:
    """Compute the squared maximum mean discrepancy of two sets of features under the kernel (x·y / D + 1)³.

    Binkowski et al. 2018, section 4; known as KID on Inception features. The estimate is unbiased: its mean
    does not depend on the number of samples, and is zero for equal distributions, with values of either sign.

    Args:
        a: features `[N, D]`, N >= 2.
        b: features `[M, D]`, M >= 2.
        subset: number of samples drawn from each side without replacement, at most N or M. If these are all
            samples of both sides, there is one estimate and its deviation is 0.
        subsets: number of draws.
        seed: seed of the draws.

    Raises:
        ValueError: shapes that do not match, too few samples, or features that are not finite.
    """
    from torchmetrics.image.kid import poly_mmd  # takes two seconds to import

    a, b = checked_features(a, b)
    if subset < 2 or subsets < 1:
        raise ValueError(f"subset must be at least 2 and subsets at least 1; given: {subset} and {subsets}")
    subset = min(subset, len(a), len(b))
    if subset == len(a) == len(b):
        subsets = 1
    rng = torch.Generator().manual_seed(seed)
    estimates = torch.stack(
        [poly_mmd(_random_rows(a, subset, rng), _random_rows(b, subset, rng)) for _ in range(subsets)]
    )
    return KernelDistance(estimates.mean().item(), estimates.std(correction=0).item())


def _random_rows(x: Tensor, count: int, rng: torch.Generator) -> Tensor:
    return x[torch.randperm(len(x), generator=rng)[:count]]
