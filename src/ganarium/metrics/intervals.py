"""How far a measure would move with other samples of the same number."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

FEWEST = 4
"""Rows: of half of them a deviation can be told."""


class Interval(NamedTuple):
    """Ends of a 95 % interval."""

    low: float
    high: float


def interval(metric: Callable[..., float], *sets: Tensor, resamples: int = 100, seed: int = 0) -> Interval:
    """The 95 % interval of a metric: `interval(frechet_distance, samples, real)`.

    See `intervals`, which does the same for metrics of several values.
    """
    return intervals(lambda *drawn: (metric(*drawn),), *sets, resamples=resamples, seed=seed)[0]


def intervals(
    metric: Callable[..., Sequence[float]], *sets: Tensor, resamples: int = 100, seed: int = 0
) -> list[Interval]:
    """The 95 % percentile interval of each value of a metric, by half-samples.

    Half of the rows of each set are drawn without replacement, again and again: what the metric says of such
    halves scatters about as it would over fresh sets of the full size (Efron 1982, chapter 8). Drawn with
    replacement, as in the plain bootstrap, rows would meet their own copies, which are nearest neighbours at
    no distance and shrink covariances: coverage and Fréchet distance would mostly lie outside their own
    intervals. What metrics owe to the number of rows is taken out by moving the mean of the halves to the
    metric of all rows; so an end may lie beyond the metric's range.

    The interval tells what other samples and other real ones of the same numbers would give, training apart.
    It does not tell what infinitely many would: a Fréchet distance is too large by a bias that falls with the
    number of samples and differs between models (Chong & Forsyth 2020), and an interval is about the biased
    value. Nor does it tell how another training of the same model would end. Distances of equal distributions
    get intervals that are too wide.

    Args:
        metric: of as many sets as are given, for example `precision_recall_density_coverage`.
        sets: of samples along the first dimension, drawn each by itself: `samples, real`. What must stay
            together, as logits and labels, is indexed within the metric by a set of row numbers.
        resamples: how often.
        seed: of the draws.

    Raises:
        ValueError: no set, one of fewer than 4 rows, fewer than two resamples, or as the metric of half the
            rows.
    """
    if resamples < 2 or not sets or min(map(len, sets)) < FEWEST:
        raise ValueError(
            f"an interval needs at least two resamples and {FEWEST} rows in each set; "
            f"given: {resamples} resamples of {[len(x) for x in sets]} rows"
        )
    shared_random = torch.Generator().manual_seed(seed)
    draws = [metric(*(_half(x, shared_random) for x in sets)) for _ in range(resamples)]
    of_halves = torch.tensor(draws, dtype=torch.float64)  # [resamples, values]
    return [interval_around(*pair) for pair in zip(metric(*sets), of_halves.T, strict=True)]


def interval_around(value: float, of_halves: Tensor) -> Interval:
    """The 95 % interval of a value, from those of halves `[resamples]`, all off by a constant or none."""
    low, high = of_halves.quantile(of_halves.new_tensor([0.025, 0.975])) + value - of_halves.mean()
    return Interval(low.item(), high.item())


def _half(x: Tensor, shared_random: torch.Generator) -> Tensor:
    return x[torch.randperm(len(x), generator=shared_random)[: len(x) // 2].to(x.device)]
