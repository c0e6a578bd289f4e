"""Quality of points in the plane, compared with a known density."""

import math

import torch
from torch import Tensor

from ganarium.data.sources.densities import Points

NEAR = 4.0
"""Radius of a mode, in standard deviations, within which a sample is good: 99.97 % of the true samples are.

The tables of VEEGAN (Srivastava et al. 2017, section 4.1) use 3, which holds for 98.9 % of the true samples.
"""


def modes_covered(samples: Tensor, points: Points, *, deviations: float = NEAR) -> int:
    """Return the number of covered modes; see `covered_modes`."""
    return int(covered_modes(samples, points, deviations=deviations).sum())


def covered_modes(samples: Tensor, points: Points, *, deviations: float = NEAR) -> Tensor:
    """Return a mask of the modes that have more than a quarter of their fair share of the samples: `[M]`.

    A sample belongs to the nearest mode if its distance is at most `deviations` standard deviations. The fair
    share is the number of all samples, good or bad, divided by the number of modes.

    Args:
        samples: `[N, 2]`.
        points: true distribution, whose `centers` are the modes.
        deviations: radius of a mode, see `NEAR`.

    Raises:
        ValueError: samples that are not points in the plane, no samples, or samples that are not finite.
    """
    distances, nearest = _nearest_modes(samples, points)
    found = nearest[distances <= deviations * points.deviation].bincount(minlength=len(points.centers))
    return found > len(samples) / len(points.centers) / 4


def mode_widths(samples: Tensor, points: Points, *, deviations: float = NEAR) -> Tensor:
    """Return the standard deviation of the samples of each mode, over that of the data: float64 `[M]`.

    It is 1 if the samples spread like the data, near 0 if different noise gives the same sample, and NaN if
    the mode is not covered. Arguments and errors are those of `covered_modes`.
    """
    distances, nearest = _nearest_modes(samples, points)
    widths = torch.full((len(points.centers),), math.nan, dtype=torch.float64)
    for mode in covered_modes(samples, points, deviations=deviations).nonzero().flatten().tolist():
        found = _plane(samples)[(nearest == mode) & (distances <= deviations * points.deviation)]
        widths[mode] = (found - found.mean(0)).square().mean().sqrt() / points.deviation
    return widths


def share_of_good_samples(samples: Tensor, points: Points, *, deviations: float = NEAR) -> float:
    """Return the share, in [0, 1], of the samples within `deviations` standard deviations of a mode.

    Arguments and errors are those of `covered_modes`.
    """
    distances, _ = _nearest_modes(samples, points)
    return (distances <= deviations * points.deviation).double().mean().item()


def sliced_wasserstein(a: Tensor, b: Tensor, *, directions: int = 64, seed: int = 0) -> float:
    """Compute the mean Wasserstein-1 distance of two sets of points over projections on lines.

    Rabin et al. 2012, section 2.3, with absolute differences. The directions are evenly spaced from a random
    first one, so a few are as good as many random ones. On each line the distance is the exact area between
    the two quantile functions, which are step functions: sets of different sizes need no interpolation.

    Args:
        a: `[N, 2]`.
        b: `[M, 2]`.
        directions: number of lines.
        seed: seed of the first direction.

    Raises:
        ValueError: set that does not consist of points in the plane, is empty, or is not finite.
    """
    first = torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    angles = math.pi * (torch.arange(directions) + first) / directions
    lines = torch.stack([angles.cos(), angles.sin()])  # [2, directions]
    quantiles_a = (_plane(a) @ lines).sort(0).values
    quantiles_b = (_plane(b) @ lines).sort(0).values
    # Both quantile functions are constant between adjacent breakpoints, counted in units of 1 / (N M).
    steps = torch.cat([len(b) * torch.arange(len(a) + 1), len(a) * torch.arange(len(b) + 1)]).unique()
    starts, widths = steps[:-1], steps.diff().double() / (len(a) * len(b))
    gaps = (quantiles_a[starts // len(b)] - quantiles_b[starts // len(a)]).abs()
    return (widths @ gaps).mean().item()


def _nearest_modes(samples: Tensor, points: Points) -> tuple[Tensor, Tensor]:
    """Return the distance to the nearest mode and its index, both `[N]`."""
    distances = torch.cdist(
        _plane(samples), points.centers.double(), compute_mode="donot_use_mm_for_euclid_dist"
    )
    nearest = distances.min(1)
    return nearest.values, nearest.indices


def _plane(samples: Tensor) -> Tensor:
    """Return points in the plane in float64 on the CPU; raise ValueError for other samples."""
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        raise ValueError(
            f"points in the plane must have the shape [N, 2] with N > 0; given: {list(samples.shape)}"
        )
    if not samples.isfinite().all():
        raise ValueError(f"{int((~samples.isfinite()).any(1).sum())} of {len(samples)} points are not finite")
    return samples.detach().double().cpu()
