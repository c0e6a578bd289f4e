"""Measures that ask who lies near whom: fidelity and diversity apart, and whether samples are copies."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ganarium.metrics.features import checked_features

CHUNK = 2**23
"""Distances held at a time: 64 MiB in float64."""
TIE = 1e-12
"""Squared distances that differ by less than this share of the largest squared norm are equal: the difference
is one of rounding."""


class PrecisionRecall(NamedTuple):
    """Fidelity (precision, density) and diversity (recall, coverage) of samples beside real ones."""

    precision: float
    """Share of the samples within the real manifold."""
    recall: float
    """Share of the real ones within the samples' manifold."""
    density: float
    """In how many real neighbourhoods a sample lies, over the number to be expected: about 1, and not
    bounded by it."""
    coverage: float
    """Share of the real neighbourhoods in which a sample lies."""


class Neighbors(NamedTuple):
    """The nearest real ones of each sample, nearest first."""

    distances: Tensor
    """float64 `[N, count]`, Euclidean."""
    indices: Tensor
    """int64 `[N, count]`: rows of the real features."""


class Memorization(NamedTuple):
    """How many samples lie as near to a training sample as hardly any unseen real one does."""

    share: float
    """Share of the samples that lie within the threshold."""
    expected: float
    """Share of unseen real ones that do: what a model that copies nothing is to have."""
    threshold: float
    """Distance."""
    memorized: bool
    """Whether `share` is above `expected` by more than three standard errors."""


def precision_recall_density_coverage(samples: Tensor, real: Tensor, *, nearest: int = 5) -> PrecisionRecall:
    """Precision and recall (Kynkäänniemi et al. 2019, section 2), density and coverage (Naeem et al. 2020,
    section 3).

    A neighbourhood is the ball around a feature that reaches to its `nearest`-th neighbour of its own kind,
    itself not counted; a manifold is the union of the balls. As in the official codes, the surface belongs to
    the ball for precision and recall, not for density and coverage. All but density depend on the numbers of
    samples, and an outlier's large ball flatters precision: compare like with like.

    Args:
        samples: features `[N, D]`, N > nearest.
        real: features `[M, D]`, M > nearest.
        nearest: k of the papers: 3 in the first, 5 in the second.

    Raises:
        ValueError: shapes that do not fit, too few samples, or features that are not finite.
    """
    everybody = torch.ones(1, len(samples), dtype=torch.bool)
    (values,) = precision_recall_of_parts(samples, real, everybody, nearest=nearest).tolist()
    return PrecisionRecall(*values)


def precision_recall_of_parts(samples: Tensor, real: Tensor, parts: Tensor, *, nearest: int = 5) -> Tensor:
    """Precision, recall, density and coverage of parts of the samples, float64 `[P, 4]`, in one pass.

    The neighbourhoods are those among all samples. Raises as `precision_recall_density_coverage`.

    Args:
        samples: features `[N, D]`.
        real: features `[M, D]`.
        parts: which samples each part has, bool `[P, N]`.
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
    there = parts.T.float()  # [N, P]
    for rows, squares in _squared_distances(real, samples):
        reach = reach_of_real[rows, None]
        precise |= (squares <= reach + slack).any(0)
        recalled += ((squares <= reach_of_samples + slack).float() @ there > 0).sum(0)
        within = squares < reach - slack
        inside += within.sum(0)
        covered += (within.float() @ there > 0).sum(0)
    sizes, members = parts.sum(1), parts.double()
    precision, density = members @ precise.double() / sizes, members @ inside / (nearest * sizes)
    return torch.stack([precision, recalled / len(real), density, covered / len(real)], 1)


def nearest_neighbors(samples: Tensor, real: Tensor, *, count: int = 3) -> Neighbors:
    """For each sample the nearest real ones: what a picture must be shown beside before it counts as new.

    Args:
        samples: features `[N, D]`.
        real: features `[M, D]` of the training data, M >= count.
        count: so many neighbours of each.

    Raises:
        ValueError: shapes that do not fit, too few real ones, or features that are not finite.
    """
    samples, real = _centered(*checked_features(samples, real, least=1))
    if not 0 < count <= len(real):
        raise ValueError(f"count is between 1 and the {len(real)} real features; given: {count}")
    squares, indices = _nearest(samples, real, count)
    return Neighbors(squares.sqrt(), indices)


def memorized_share(
    samples: Tensor, real: Tensor, *, held_out: Tensor | None = None, percentile: float = 1.0
) -> Memorization:
    """Share of the samples that lie nearer to the training data than nearly all unseen real ones do.

    The idea of Meehan et al. 2020 with a threshold in place of ranks: it is the `percentile` of
    the distances from `held_out` to the training data; without `held_out`, of those from each training sample
    to the nearest other one. Only copies of the samples given as `real` are found, and only as far as the
    features keep what makes a picture itself. A model that draws nothing but typical pictures is above the
    expected share without a copy: look at the pairs that `nearest_neighbors` gives.

    Args:
        samples: features `[N, D]`.
        real: features `[M, D]` of the training data, M >= 2.
        held_out: features `[K, D]` of real samples that the model was not trained on.
        percentile: between 0 and 100.

    Raises:
        ValueError: shapes that do not fit, too few samples, features that are not finite, or a percentile
            out of range.
    """
    if not 0 < percentile < 100:
        raise ValueError(f"percentile is between 0 and 100; given: {percentile}")
    distances = nearest_neighbors(samples, real, count=1).distances[:, 0]
    if held_out is None:
        real, _ = checked_features(real, real)
        unseen = _others(real - real.mean(0), 1)[0][:, 0].sqrt()
    else:
        unseen = nearest_neighbors(held_out, real, count=1).distances[:, 0]
    threshold = unseen.quantile(percentile / 100, interpolation="higher")
    # Data that repeat themselves have a threshold of 0, within which copies must still be.
    share, expected = ((x <= threshold).double().mean().item() for x in (distances, unseen))
    error = (expected * (1 - expected) * (1 / len(distances) + 1 / len(unseen))) ** 0.5
    return Memorization(share, expected, threshold.item(), share > expected + 3 * error)


def _centered(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both about the mean of the second: distances by matrix products cancel less near the origin."""
    return a - b.mean(0), b - b.mean(0)


def _others(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Squared distances and indices, each `[N, count]`, of the rows nearest to each, itself not counted."""
    return _nearest(x, x, count, among_themselves=True)


def _nearest(a: Tensor, b: Tensor, count: int, *, among_themselves: bool = False) -> tuple[Tensor, Tensor]:
    """Squared distances and indices, each `[N, count]`, of the rows of b nearest to each row of a."""
    parts = []
    for rows, squares in _squared_distances(a, b, count):
        if among_themselves:
            squares[torch.arange(len(squares)), torch.arange(rows.start, rows.stop)] = torch.inf
        indices = squares.topk(count, largest=False).indices
        # Again by differences, so that a copy is at a distance of exactly 0.
        exact, order = (a[rows, None] - b[indices]).square().sum(2).sort(dim=1, stable=True)
        parts.append((exact, indices.gather(1, order)))
    return torch.cat([exact for exact, _ in parts]), torch.cat([indices for _, indices in parts])


def _squared_distances(a: Tensor, b: Tensor, count: int = 1) -> Iterator[tuple[slice, Tensor]]:
    """Rows of a, and their squared distances `[rows, M]` to all of b, a chunk at a time."""
    step = max(1, CHUNK // max(len(b), count * b.shape[1]))
    squares = b.square().sum(1)
    for start in range(0, len(a), step):
        part = a[start : start + step]
        yield (
            slice(start, start + len(part)),
            torch.addmm(part.square().sum(1, keepdim=True) + squares, part, b.T, alpha=-2),
        )
