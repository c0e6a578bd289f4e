"""Fast intervals of feature metrics, computed as in `ganarium.metrics.intervals`, for fixed real samples.

Decompositions and distances of thousands of rows are computed once, and the halves of the samples select from
them. An interval covers the variation of a value over other samples of the same number, compared with the
same real ones.
"""

import torch
from torch import Tensor

from ganarium.metrics.features import checked_features
from ganarium.metrics.frechet import covariance_root, frechet_distance
from ganarium.metrics.intervals import Interval, interval_around
from ganarium.metrics.neighbors import precision_recall_of_parts

CHUNK = 2**23
"""Largest number of kernel values in memory: 64 MiB in float64."""


def frechet_interval(samples: Tensor, real: Tensor, *, resamples: int = 100, seed: int = 0) -> Interval:
    """Compute the 95 % interval of `frechet_distance`.

    Args:
        samples: features `[N, D]`, N >= 4.
        real: features `[M, D]`.
        resamples: number of halves of the samples.
        seed: seed of the halves.
    """
    return interval_around(frechet_distance(samples, real), frechet_of_halves(samples, real, resamples, seed))


def frechet_of_halves(samples: Tensor, real: Tensor, resamples: int, seed: int = 0) -> Tensor:
    """Compute `frechet_distance` of halves of the samples, float64 `[resamples]`."""
    samples, real = checked_features(samples, real)
    root, middle = covariance_root(real), real.mean(0)
    projected = samples @ root.T
    distances = []
    for rows in halves(len(samples), resamples, seed):
        half, part = samples[rows], projected[rows]
        mean, degrees = half.mean(0), len(rows) - 1
        part = (part - part.mean(0)) / degrees**0.5
        # Singular values from the smaller Gram matrix; the rounding error is far below the interval.
        gram = part @ part.T if len(part) < part.shape[1] else part.T @ part
        shared = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt().sum()
        trace = (half - mean).square().sum() / degrees
        distances.append((mean - middle).square().sum() + trace + root.square().sum() - 2 * shared)
    return torch.stack(distances)


def kernel_interval(
    samples: Tensor, real: Tensor, value: float, *, resamples: int = 100, seed: int = 0
) -> Interval:
    """Compute the 95 % interval of `kernel_distance` around `value`, its result for all samples."""
    return interval_around(value, kernel_of_halves(samples, real, resamples, seed))


def kernel_of_halves(samples: Tensor, real: Tensor, resamples: int, seed: int = 0) -> Tensor:
    """Compute the squared discrepancy of halves of the samples over all pairs, float64 `[resamples]`.

    The mean kernel among the real samples is omitted, since it is the same for all halves.
    """
    samples, real = checked_features(samples, real)
    parts = membership(len(samples), resamples, seed).double()
    within, across = torch.zeros(resamples, dtype=torch.float64), []
    step = max(1, CHUNK // max(len(samples), len(real)))
    for start in range(0, len(samples), step):
        some = slice(start, start + step)
        kernel = _kernel(samples[some], samples)
        kernel.diagonal(start).zero_()  # a sample makes no pair with itself
        within += ((parts @ kernel.T) * parts[:, some]).sum(1)
        across.append(_kernel(samples[some], real).mean(1))
    count = parts.sum(1)
    return within / (count * (count - 1)) - 2 * (parts @ torch.cat(across)) / count


def precision_recall_intervals(
    samples: Tensor, real: Tensor, *, resamples: int = 100, seed: int = 0
) -> tuple[list[float], list[Interval]]:
    """Return the four values of `precision_recall_density_coverage` and their 95 % intervals."""
    all_rows = torch.ones(1, len(samples), dtype=torch.bool)
    parts = torch.cat([all_rows, membership(len(samples), resamples, seed)])
    of_all, *of_halves = precision_recall_of_parts(samples, real, parts)
    values = of_all.tolist()
    ends = [
        interval_around(value, draws) for value, draws in zip(values, torch.stack(of_halves, 1), strict=True)
    ]
    return values, ends


def halves(count: int, resamples: int, seed: int = 0) -> list[Tensor]:
    """Return row numbers, int64 `[count // 2]`, of halves drawn without replacement."""
    rng = torch.Generator().manual_seed(seed)
    return [torch.randperm(count, generator=rng)[: count // 2] for _ in range(resamples)]


def membership(count: int, resamples: int, seed: int = 0) -> Tensor:
    """Return masks of the rows in each half, bool `[resamples, count]`."""
    parts = torch.zeros(resamples, count, dtype=torch.bool)
    return parts.scatter_(1, torch.stack(halves(count, resamples, seed)), True)


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return (x·y / D + 1)³ of each pair, as in `kernel_distance`."""
    return (a @ b.T / a.shape[1] + 1) ** 3
