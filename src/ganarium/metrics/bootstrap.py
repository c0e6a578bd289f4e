"""How far a measure would move with other samples of the same number."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Interval(NamedTuple):
    """Ends of a 95 % interval."""

    low: float
    high: float


def interval(metric: Callable[..., float], *sets: Tensor, resamples: int = 100, seed: int = 0) -> Interval:
    """The 95 % bootstrap interval of a metric: `interval(frechet_distance, samples, real)`.

    See `intervals`, which does the same for metrics of several values.
    """
    return intervals(lambda *drawn: (metric(*drawn),), *sets, resamples=resamples, seed=seed)[0]


def intervals(
    metric: Callable[..., Sequence[float]], *sets: Tensor, resamples: int = 100, seed: int = 0
) -> list[Interval]:
    """The 95 % percentile intervals (Efron & Tibshirani 1993, section 13.3) of each value of a metric.

    Args:
        metric: of as many sets as are given, for example `precision_recall_density_coverage`.
        sets: of samples along the first dimension, resampled each by itself: `samples, real`. What must stay
            together, as logits and labels, is indexed within the metric by a set of row numbers.
        resamples: how often.
        seed: of the draws.

    Raises:
        ValueError: an empty set, fewer than two resamples, or as the metric.
    """
    if resamples < 2 or not all(len(x) for x in sets):
        raise ValueError(
            f"needs at least two resamples and one row in each set; given: {resamples} resamples, "
            f"rows: {[len(x) for x in sets]}"
        )
    dice = torch.Generator().manual_seed(seed)
    draws = [
        metric(*(x[torch.randint(len(x), (len(x),), generator=dice)] for x in sets)) for _ in range(resamples)
    ]
    ends = torch.tensor(draws, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975]).double(), dim=0)
    return [Interval(low, high) for low, high in ends.T.tolist()]
