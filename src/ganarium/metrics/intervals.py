"""Intervals of metrics, by half-samples."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

FEWEST = 4
"""Smallest number of rows: half of them have a deviation."""


class Interval(NamedTuple):
    """Ends of a 95 % interval."""

    low: float
    high: float


def interval(metric: Callable[..., float], *sets: Tensor, resamples: int = 100, seed: int = 0) -> Interval:
    """Compute the 95 % interval of a metric: `interval(frechet_distance, samples, real)`.

    See `intervals`, which does the same for metrics of several values.
    """
    return intervals(lambda *halves: (metric(*halves),), *sets, resamples=resamples, seed=seed)[0]


def intervals(
    metric: Callable[..., Sequence[float]], *sets: Tensor, resamples: int = 100, seed: int = 0
) -> list[Interval]:
    """Compute the 95 % percentile interval of each value of a metric, by half-samples.

    Half of the rows of each set are drawn repeatedly, without replacement. The values of the metric on such
    halves vary about as much as on fresh sets of the full size (Efron 1982, chapter 8). With replacement, as
    in the plain bootstrap, rows would meet their own copies, which are nearest neighbours at distance 0 and
    shrink covariances: coverage and Fréchet distance would mostly lie outside their own intervals. The mean
    of the halves is shifted to the metric of all rows, which removes the dependence of metrics on the number
    of rows; an end of the interval may therefore lie beyond the metric's range.

    The interval covers other samples and other real samples of the same numbers, but not another training of
    the same model. It does not cover the value for infinitely many samples: a Fréchet distance is too large
    by a bias that falls with the number of samples and differs between models (Chong & Forsyth 2020), and the
    interval is about the biased value. Distances of equal distributions have intervals that are too wide.

    Args:
        metric: function of the sets, for example `precision_recall_density_coverage`.
        sets: sets of samples along the first dimension, each drawn separately: `samples, real`. Tensors that
            belong together, such as logits and labels, are indexed in the metric by a set of row numbers.
        resamples: number of draws.
        seed: seed of the draws.

    Raises:
        ValueError: no set, a set of fewer than 4 rows, fewer than two resamples, or an error of the metric
            on half of the rows.
    """
    if resamples < 2 or not sets or min(map(len, sets)) < FEWEST:
        raise ValueError(
            f"an interval needs at least two resamples and {FEWEST} rows in each set; "
            f"given: {resamples} resamples of {[len(x) for x in sets]} rows"
        )
    rng = torch.Generator().manual_seed(seed)
    draws = [metric(*(_half(x, rng) for x in sets)) for _ in range(resamples)]
    of_halves = torch.tensor(draws, dtype=torch.float64)  # [resamples, values]
    return [interval_around(*pair) for pair in zip(metric(*sets), of_halves.T, strict=True)]


def interval_around(value: float, of_halves: Tensor) -> Interval:
    """Return the 95 % interval of a value, from values of halves `[resamples]` up to a common constant."""
    low, high = of_halves.quantile(of_halves.new_tensor([0.025, 0.975])) + value - of_halves.mean()
    return Interval(low.item(), high.item())


def _half(x: Tensor, rng: torch.Generator) -> Tensor:
    return x[torch.randperm(len(x), generator=rng)[: len(x) // 2].to(x.device)]
