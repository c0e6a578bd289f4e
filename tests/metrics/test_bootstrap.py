import pytest
import torch

from ganarium.metrics import (
    class_accuracy,
    frechet_distance,
    interval,
    intervals,
    precision_recall_density_coverage,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_of_a_mean_is_the_textbooks():
    x = 3 + 2 * normal(400)
    low, high = interval(lambda a: a.mean().item(), x, resamples=4000)
    error = x.std().item() / 400**0.5
    assert (low + high) / 2 == pytest.approx(x.mean().item(), abs=0.1 * error)
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.08)
    one, two = normal(400, seed=1), normal(100, seed=2)
    low, high = interval(lambda a, b: (a.mean() - b.mean()).item(), one, two, resamples=4000)
    error = (one.var() / 400 + two.var() / 100).sqrt().item()
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.08)


def measures(samples, real):
    return [frechet_distance(samples, real), *precision_recall_density_coverage(samples, real)]


def test_intervals_hold_what_fresh_sets_give():
    mix = 0.4 * normal(12, 12, seed=1)

    def fresh(seed):
        samples = (normal(90, 12, seed=2 * seed) @ mix + 0.1).relu()
        return samples, (normal(120, 12, seed=2 * seed + 1) @ (mix + 0.1)).relu()

    typical = torch.tensor([measures(*fresh(1000 + seed)) for seed in range(100)]).double().mean(0)
    held, held_by_plain_bootstrap = torch.zeros(5), torch.zeros(5)
    rng = torch.Generator().manual_seed(0)
    for seed in range(20):
        sets = fresh(seed)
        found = torch.tensor(intervals(measures, *sets, resamples=40))
        held += (found[:, 0] <= typical) & (typical <= found[:, 1])
        again = [
            measures(*(x[torch.randint(len(x), (len(x),), generator=rng)] for x in sets)) for _ in range(40)
        ]
        low, high = torch.tensor(again).double().quantile(torch.tensor([0.025, 0.975]).double(), dim=0)
        held_by_plain_bootstrap += (low <= typical) & (typical <= high)
    assert (held >= 16).all(), held.tolist()
    # Fréchet distance and coverage.
    assert held_by_plain_bootstrap[[0, 4]].max() <= 6, held_by_plain_bootstrap.tolist()


def test_narrower_with_more_samples():
    def width(count):
        low, high = interval(frechet_distance, normal(count, 8), 1 + normal(count, 8, seed=1))
        return high - low

    assert 1.5 < width(200) / width(800) < 2.7


def test_several_values_at_once_and_the_seed():
    samples, real = normal(60, 3), normal(80, 3, seed=1)
    found = intervals(precision_recall_density_coverage, samples, real, resamples=20, seed=4)
    precision = interval(
        lambda a, b: precision_recall_density_coverage(a, b).precision, samples, real, resamples=20, seed=4
    )
    assert found[0] == precision
    assert all(low < high for low, high in found)
    assert intervals(precision_recall_density_coverage, samples, real, resamples=20, seed=5) != found


def test_rows_that_belong_together():
    logits, labels = normal(500, 4), torch.zeros(500, dtype=torch.long)
    accuracy = class_accuracy(logits, labels).overall
    low, high = interval(lambda rows: class_accuracy(logits[rows], labels[rows]).overall, torch.arange(500))
    assert low < accuracy < high
    assert (high - low) / (2 * 1.96 * (accuracy * (1 - accuracy) / 500) ** 0.5) == pytest.approx(1, abs=0.25)


def test_bad_input_is_named():
    x = normal(10, 2)
    with pytest.raises(ValueError, match="given: 1 resamples"):
        interval(frechet_distance, x, x, resamples=1)
    with pytest.raises(ValueError, match=r"of \[10, 3\] rows"):
        interval(frechet_distance, x, x[:3])
    with pytest.raises(ValueError, match=r"of \[\] rows"):
        interval(lambda: 0.0)
    with pytest.raises(ValueError, match="given: 5 samples and 5 real"):
        intervals(precision_recall_density_coverage, x, x)
