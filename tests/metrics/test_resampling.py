"""Fast intervals agree with separate computations on each half."""

import pytest
import torch

from ganarium.metrics import frechet_distance, interval, kernel_distance, precision_recall_density_coverage
from ganarium.metrics.neighbors import precision_recall_of_parts
from ganarium.metrics.resampling import (
    frechet_interval,
    frechet_of_halves,
    halves,
    kernel_interval,
    kernel_of_halves,
    membership,
    precision_recall_intervals,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


MIX = 0.4 * normal(12, 12, seed=1)


def fresh(seed, count=90):
    return (normal(count, 12, seed=2 * seed) @ MIX + 0.1).relu()


REAL = (normal(120, 12, seed=77) @ (MIX + 0.1)).relu()


@pytest.mark.parametrize(("count", "dimensions"), [(90, 12), (20, 12), (14, 12)])
def test_frechet_distance_of_halves(count, dimensions):
    samples, real = fresh(3, count)[:, :dimensions], REAL[:, :dimensions]
    quick = frechet_of_halves(samples, real, 5, seed=2)
    by_hand = [frechet_distance(samples[rows], real) for rows in halves(count, 5, seed=2)]
    assert quick.tolist() == pytest.approx(by_hand, rel=1e-6)


def test_kernel_distance_of_halves_but_for_a_constant(monkeypatch):
    samples = fresh(3)
    quick = kernel_of_halves(samples, REAL, 5, seed=2)
    by_hand = torch.tensor([every_pair(samples[rows], REAL) for rows in halves(90, 5, seed=2)])
    assert (quick - quick.mean()).tolist() == pytest.approx((by_hand - by_hand.mean()).tolist(), rel=1e-5)
    monkeypatch.setattr("ganarium.metrics.resampling.CHUNK", 7 * 120)
    torch.testing.assert_close(kernel_of_halves(samples, REAL, 5, seed=2), quick)


def every_pair(a, b):
    """The squared discrepancy with all pairs across, none of a sample with itself."""

    def kernel(x, y):
        return (x @ y.T / 12 + 1) ** 3

    within = [(kernel(x, x).sum() - kernel(x, x).trace()) / (len(x) * (len(x) - 1)) for x in (a, b)]
    return (sum(within) - 2 * kernel(a, b).mean()).item()


def test_parts_within_the_neighbourhoods_of_all():
    samples, parts = fresh(3), membership(90, 6, seed=4)
    assert parts.sum(1).tolist() == [45] * 6
    whole = torch.ones(1, 90, dtype=torch.bool)
    of_all, *of_parts = precision_recall_of_parts(samples, REAL, torch.cat([whole, parts]))
    assert of_all.tolist() == list(precision_recall_density_coverage(samples, REAL))
    for part, found in zip(parts, of_parts, strict=True):
        precision, recall, density, coverage = found.tolist()
        alone = precision_recall_density_coverage(samples[part], REAL)
        # The real neighbourhoods are the same; the samples' own are smaller among all than among a half.
        assert (precision, density, coverage) == pytest.approx(
            (alone.precision, alone.density, alone.coverage)
        )
        assert 0 < recall < alone.recall


def measures(samples):
    distances = [frechet_distance(samples, REAL), every_pair(samples, REAL)]
    return [*distances, *precision_recall_density_coverage(samples, REAL)]


def quick_intervals(samples):
    value = every_pair(samples, REAL)
    return [
        frechet_interval(samples, REAL),
        kernel_interval(samples, REAL, value),
        *precision_recall_intervals(samples, REAL)[1],
    ]


def test_intervals_hold_what_fresh_samples_give():
    typical = torch.tensor([measures(fresh(1000 + seed)) for seed in range(100)]).double().mean(0)
    held, widths = torch.zeros(6), torch.zeros(6, dtype=torch.float64)
    for seed in range(20):
        low, high = torch.tensor(quick_intervals(fresh(seed)), dtype=torch.float64).T
        held += (low <= typical) & (typical <= high)
        widths += (high - low) / 20
    assert (held >= 16).all(), held.tolist()
    scatter = torch.tensor([measures(fresh(2000 + seed)) for seed in range(100)]).double().std(0)
    assert (widths < 2.2 * 2 * 1.96 * scatter).all(), (widths / (2 * 1.96 * scatter)).tolist()


def test_they_agree_with_the_slow_ones():
    samples = fresh(5)
    slow = [
        interval(lambda x: frechet_distance(x, REAL), samples, resamples=400),
        interval(lambda x: kernel_distance(x, REAL, subsets=20).mean, samples, resamples=200),
    ]
    for ours, theirs in zip(quick_intervals(samples)[:2], slow, strict=True):
        assert ours.high - ours.low == pytest.approx(theirs.high - theirs.low, rel=0.35)
