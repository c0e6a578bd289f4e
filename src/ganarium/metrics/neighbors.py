"""Metrics of nearest neighbours: precision, recall, density, coverage, and memorisation."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ganarium.metrics.features import checked_features

CHUNK = 2**23
"""Largest number of distances in memory: 64 MiB in float64."""
TIE = 1e-12
"""Tolerance for rounding, as a share of the largest squared norm: squared distances within it are equal."""


class PrecisionRecall(NamedTuple):
    """Fidelity (precision, density) and diversity (recall, coverage) of samples compared with real ones."""

    precision: float
    """Share of the samples inside the real manifold."""
    recall: float
    """Share of the real samples inside the manifold of the samples."""
    density: float
    """Mean number of real neighbourhoods that contain a sample, over the expected number; may exceed 1."""
    coverage: float
    """Share of the real neighbourhoods that contain a sample."""


class Neighbors(NamedTuple):
    """Nearest real samples of each sample, nearest first."""

    distances: Tensor
    """Euclidean distances, float64 `[N, count]`."""
    indices: Tensor
    """Rows of the real features, int64 `[N, count]`."""


class Memorization(NamedTuple):
    """Share of the samples that are nearer to a training sample than almost all unseen real samples."""

    share: float
    """Share of the samples within the threshold."""
    expected: float
    """Share of unseen real samples within the threshold: the expectation for a model without copies."""
    threshold: float
    """Distance to the nearest training sample, up to which a sample counts in the shares."""
    memorized: bool
    """True if `share` exceeds `expected` by more than three standard errors."""


def precision_recall_density_coverage(samples: Tensor, real: Tensor, *, nearest: int = 5) -> PrecisionRecall:
    """Compute precision, recall, density and coverage of samples.

    Precision and recall are those of Kynkäänniemi et al. 2019, section 2; density and coverage are those of
    Naeem et al. 2020, section 3. A neighbourhood is the ball around a feature that reaches to its
    `nearest`-th neighbour in its own set, itself not counted; a manifold is the union of the balls. As in the
    official codes, the surface belongs to the ball for precision and recall, but not for density and
    coverage. All but density depend on the numbers of samples: compare values for equal numbers. The large
    ball of an outlier raises precision.

    Args:
        samples: features `[N, D]`, N > nearest.
        real: features `[M, D]`, M > nearest.
        nearest: k of the papers: 3 in the first, 5 in the second.

    Raises:
        ValueError: shapes that do not match, too few samples, or features that are not finite.
    """
    all_rows = torch.ones(1, len(samples), dtype=torch.bool)
    (values,) = precision_recall_of_parts(samples, real, all_rows, nearest=nearest).tolist()
    return PrecisionRecall(*values)


def precision_recall_of_parts(samples: Tensor, real: Tensor, parts: Tensor, *, nearest: int = 5) -> Tensor:
    """Compute precision, recall, density and coverage of parts of the samples in one pass: float64 `[P, 4]`.

    The neighbourhoods are those among all samples. Errors are those of `precision_recall_density_coverage`.

    Args:
        samples: features `[N, D]`.
        real: features `[M, D]`.
        parts: masks of the samples in each part, bool `[P, N]`.
        nearest: k of the papers.
    """
    samples, real = _centered(*checked_features(samples, real))
    if not 0 < nearest < min(len(samples), len(real)):
        raise ValueError(
            f"the {nearest}-th neighbour needs nearest >= 1 and more than {nearest} features on each side; "
            f"given: {len(samples)} samples and {len(real)} real"
        )
    reach_of_samples, reach_of_real = (_others(x, nearest)[0][:, -1] for x in (samples, real))
    slack = TIE * max(x.square().sum(1).max().item() for x in (samples, real))
    precise = torch.zeros(len(samples), dtype=torch.bool)
    inside = torch.zeros(len(samples), dtype=torch.float64)  # real neighbourhoods around each sample
    recalled, covered = torch.zeros(2, len(parts), dtype=torch.float64)
    members = parts.T.float()  # [N, P]
    for rows, squares in _squared_distances(real, samples):
        reach = reach_of_real[rows, None]
        precise |= (squares <= reach + slack).any(0)
        recalled += ((squares <= reach_of_samples + slack).float() @ members > 0).sum(0)
        within = squares < reach - slack
        inside += within.sum(0)
        covered += (within.float() @ members > 0).sum(0)
    sizes, weights = parts.sum(1), parts.double()
    precision, density = weights @ precise.double() / sizes, weights @ inside / (nearest * sizes)
    return torch.stack([precision, recalled / len(real), density, covered / len(real)], 1)


def nearest_neighbors(samples: Tensor, real: Tensor, *, count: int = 3) -> Neighbors:
    """Find the nearest real samples of each sample.

    A generated image is new only if it differs from its nearest real images.

    Args:
        samples: features `[N, D]`.
        real: features `[M, D]` of the training data, M >= count.
        count: number of neighbours of each sample.

    Raises:
        ValueError: shapes that do not match, too few real samples, or features that are not finite.
    """
    samples, real = _centered(*checked_features(samples, real, least=1))
    if not 0 < count <= len(real):
        raise ValueError(f"count must be 1 to {len(real)}, the number of real features; given: {count}")
    squares, indices = _nearest(samples, real, count)
    return Neighbors(squares.sqrt(), indices)


def memorized_share(
    samples: Tensor, real: Tensor, *, held_out: Tensor | None = None, percentile: float = 1.0
) -> Memorization:
    """Compute the share of samples that are nearer to the training data than almost all unseen real samples.

    This is the idea of Meehan et al. 2020 with a threshold in place of ranks. The threshold is the
    `percentile` of the distances from `held_out` to the training data; without `held_out`, of the distances
    from each training sample to the nearest other one. Only copies of samples in `real` are found, and only
    as far as the features identify an image. A model that generates typical images alone exceeds the expected
    share without a copy: inspect the pairs that `nearest_neighbors` returns.

    Args:
        samples: features `[N, D]`.
        real: features `[M, D]` of the training data, M >= 2.
        held_out: features `[K, D]` of real samples that the model was not trained on.
        percentile: percentile of the threshold, between 0 and 100.

    Raises:
        ValueError: shapes that do not match, too few samples, features that are not finite, or a percentile
            out of range.
    """
    if not 0 < percentile < 100:
        raise ValueError(f"percentile must be between 0 and 100; given: {percentile}")
    distances = nearest_neighbors(samples, real, count=1).distances[:, 0]
    if held_out is None:
        real, _ = checked_features(real, real)
        unseen = _others(real - real.mean(0), 1)[0][:, 0].sqrt()
    else:
        unseen = nearest_neighbors(held_out, real, count=1).distances[:, 0]
    threshold = unseen.quantile(percentile / 100, interpolation="higher")
    # Data with duplicates have a threshold of 0; copies must be within it.
    share, expected = ((x <= threshold).double().mean().item() for x in (distances, unseen))
    error = (expected * (1 - expected) * (1 / len(distances) + 1 / len(unseen))) ** 0.5
    return Memorization(share, expected, threshold.item(), share > expected + 3 * error)


def _centered(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Subtract the mean of `b` from both: distances by matrix products cancel less near the origin."""
    return a - b.mean(0), b - b.mean(0)


def _others(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return squared distances and indices, each `[N, count]`, of the nearest other rows of each row."""
    return _nearest(x, x, count, exclude_self=True)


def _nearest(a: Tensor, b: Tensor, count: int, *, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """Return squared distances and indices, each `[N, count]`, of the rows of b nearest to each row of a."""
    parts = []
    for rows, squares in _squared_distances(a, b, count):
        if exclude_self:
            squares[torch.arange(len(squares)), torch.arange(rows.start, rows.stop)] = torch.inf
        indices = squares.topk(count, largest=False).indices
        # Computed again from differences, so that a copy has a distance of exactly 0.
        exact, order = (a[rows, None] - b[indices]).square().sum(2).sort(dim=1, stable=True)
        parts.append((exact, indices.gather(1, order)))
    return torch.cat([exact for exact, _ in parts]), torch.cat([indices for _, indices in parts])


def _squared_distances(a: Tensor, b: Tensor, count: int = 1) -> Iterator[tuple[slice, Tensor]]:
    """Yield rows of a, and their squared distances `[rows, M]` to all rows of b, chunk by chunk."""
    step = max(1, CHUNK // max(len(b), count * b.shape[1]))
    squares = b.square().sum(1)
    for start in range(0, len(a), step):
        part = a[start : start + step]
        yield (
            slice(start, start + len(part)),
            torch.addmm(part.square().sum(1, keepdim=True) + squares, part, b.T, alpha=-2),
        )
