import json
import math
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ganarium.metrics import (
    memorized_share,
    nearest_neighbors,
    neighbors,
    precision_recall_density_coverage,
)

PARITY = Path(os.environ.get("GANARIUM_PARITY", Path(__file__).parents[3] / "shared/parity"))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.skipif(not (PARITY / "metrics_features.json").exists(), reason=f"no fixtures in {PARITY}")
def test_official_values():
    values = json.loads((PARITY / "metrics_features.json").read_text())["values_float64"]
    tensors = load_file(PARITY / "metrics_features.safetensors")
    measured = partial(precision_recall_density_coverage, tensors["in/gen"], tensors["in/real"])
    expected = [values[f"prdc_{name}"] for name in ("precision", "recall", "density", "coverage")]
    assert list(measured(nearest=5)) == pytest.approx(expected, rel=1e-12)
    # Kynkäänniemi et al.'s, recorded in float32.
    expected = [values[f"{name}_fp32"] for name in ("precision", "recall")]
    assert list(measured(nearest=3)[:2]) == pytest.approx(expected, rel=1e-6)


def by_the_papers(samples, real, nearest):
    """The formulas, a pair of features at a time."""
    samples, real = samples.numpy(), real.numpy()

    def distance(x, y):
        return np.sqrt(((x - y) ** 2).sum())

    def reach(x, others, i):
        return sorted(distance(x, other) for j, other in enumerate(others) if i != j)[nearest - 1]

    reach_of_real = [reach(x, real, i) for i, x in enumerate(real)]
    reach_of_samples = [reach(x, samples, i) for i, x in enumerate(samples)]
    precise = [any(distance(y, x) <= r for x, r in zip(real, reach_of_real, strict=True)) for y in samples]
    recalled = [
        any(distance(x, y) <= r for y, r in zip(samples, reach_of_samples, strict=True)) for x in real
    ]
    inside = [[distance(y, x) < r for y in samples] for x, r in zip(real, reach_of_real, strict=True)]
    density = np.sum(inside) / (nearest * len(samples))
    return [np.mean(precise), np.mean(recalled), density, np.mean([any(row) for row in inside])]


@pytest.mark.parametrize(
    ("num_samples", "num_real", "dimension", "nearest", "seed"),
    [(40, 60, 3, 5, 1), (70, 25, 8, 3, 2), (30, 30, 100, 1, 3), (9, 50, 1, 8, 4), (50, 7, 2, 6, 5)],
)
def test_equals_the_papers_formulas(num_samples, num_real, dimension, nearest, seed, monkeypatch):
    samples = 1.5 * normal(num_samples, dimension, seed=seed) + 0.3
    real = normal(num_real, dimension, seed=100 + seed).float()
    expected = by_the_papers(samples, real.double(), nearest)
    assert 0 < sum(expected) < 4  # the case is not trivial
    whole = precision_recall_density_coverage(samples, real, nearest=nearest)
    assert list(whole) == pytest.approx(expected, abs=1e-12)
    monkeypatch.setattr(neighbors, "CHUNK", 130)  # a few rows at a time
    assert precision_recall_density_coverage(samples, real, nearest=nearest) == whole


def test_equal_sets_are_perfect_and_far_ones_nothing():
    real = normal(80, 4)
    # The surface is the only place where copies tie; density counts each ball's own centre, not its surface.
    assert precision_recall_density_coverage(real.flip(0), real) == (1, 1, 1, 1)
    assert precision_recall_density_coverage(real + 100, real) == (0, 0, 0, 0)


def test_ties_survive_rounding_far_from_the_origin():
    # Whole numbers tie all over; a shift and a scale must not break them.
    rng = torch.Generator().manual_seed(3)
    samples, real = (torch.randint(4, (n, 3), generator=rng).double() for n in (50, 60))
    expected = by_the_papers(samples, real, 3)
    for scale, shift in ((1.0, 0.0), (1 / 3, 0.1), (1e-3, 7.0)):
        moved = precision_recall_density_coverage(samples * scale + shift, real * scale + shift, nearest=3)
        assert list(moved) == pytest.approx(expected, abs=1e-12)


def test_a_collapsed_model_is_precise_without_recall():
    real, one = normal(200, 4), 0.01 * normal(200, 4, seed=1)
    collapsed = precision_recall_density_coverage(one, real)
    assert collapsed.precision == 1
    assert collapsed.recall < 0.02
    assert collapsed.coverage < 0.2
    broad = precision_recall_density_coverage(3 * normal(200, 4, seed=2), real)
    assert broad.precision < 0.6 < 0.9 < broad.recall


def test_bad_features_are_named():
    good = normal(6, 3)
    assert len(precision_recall_density_coverage(good, good)) == 4
    with pytest.raises(ValueError, match=r"more than 6 .* given: 6 samples and 9 real"):
        precision_recall_density_coverage(good, normal(9, 3), nearest=6)
    with pytest.raises(ValueError, match="nearest >= 1"):
        precision_recall_density_coverage(good, good, nearest=0)
    with pytest.raises(ValueError, match=r"\[6, 3\] and \[6, 4\]"):
        precision_recall_density_coverage(good, normal(6, 4))
    with pytest.raises(ValueError, match="6 of 6 samples are not finite"):
        nearest_neighbors(good, good * torch.nan)
    with pytest.raises(ValueError, match=r"count.*6.*given: 7"):
        nearest_neighbors(good, good, count=7)
    with pytest.raises(ValueError, match="at least 1 sample"):
        nearest_neighbors(good[:0], good)
    with pytest.raises(ValueError, match="given: 100"):
        memorized_share(good, good, percentile=100)
    with pytest.raises(ValueError, match=r"at least 2 sample.*\[1, 3\]"):
        memorized_share(good, good[:1])


def test_nearest_neighbours_by_hand():
    real = torch.tensor([[0.0, 0], [3, 4], [10, 0], [0, 1]])
    found = nearest_neighbors(torch.tensor([[0.0, 0], [9, 0]]), real, count=2)
    assert found.indices.tolist() == [[0, 3], [2, 1]]
    assert found.distances.flatten().tolist() == pytest.approx([0, 1, 1, math.sqrt(52)], abs=1e-15)


@pytest.mark.parametrize("chunk", [neighbors.CHUNK, 500])
def test_nearest_neighbours_equal_all_distances_sorted(chunk, monkeypatch):
    monkeypatch.setattr(neighbors, "CHUNK", chunk)
    samples, real = normal(30, 5, seed=1) + 50, normal(100, 5, seed=2) + 50
    distances = (samples[:, None] - real).square().sum(2).sqrt().sort(1)
    found = nearest_neighbors(samples, real, count=4)
    torch.testing.assert_close(found.distances, distances.values[:, :4])
    assert found.indices.equal(distances.indices[:, :4])


def test_a_copy_is_at_no_distance_at_all():
    real = normal(50, 64) + 1e4
    found = nearest_neighbors(real[[7, 31]].float(), real.float(), count=1)
    assert found.distances.flatten().tolist() == [0, 0]
    assert found.indices.flatten().tolist() == [7, 31]


def test_copies_among_the_samples_are_counted():
    real, fresh = normal(400, 6), normal(270, 6, seed=1)
    copies = real[:30] + 1e-6 * normal(30, 6, seed=2)
    clean, dirty = memorized_share(fresh, real), memorized_share(torch.cat([fresh, copies]), real)
    assert not clean.memorized
    assert clean.share < 0.03
    assert dirty.memorized
    assert dirty.share == pytest.approx((30 + 270 * clean.share) / 300)
    # Held-out samples give the same verdicts.
    held_out = normal(300, 6, seed=3)
    assert not memorized_share(fresh, real, held_out=held_out).memorized
    assert memorized_share(torch.cat([fresh, copies]), real, held_out=held_out).memorized


@pytest.mark.parametrize("held_out", [True, False])
def test_fresh_samples_have_the_expected_share(held_out):
    shares, accused = [], 0
    for seed in range(0, 120, 3):
        unseen = normal(200, 5, seed=seed + 2) if held_out else None
        verdict = memorized_share(
            normal(200, 5, seed=seed), normal(200, 5, seed=seed + 1), held_out=unseen, percentile=10
        )
        shares.append(verdict.share)
        accused += verdict.memorized
        # Two that are each other's nearest tie.
        assert 0.1 <= verdict.expected <= 0.11
    assert sum(shares) / len(shares) == pytest.approx(0.1, abs=0.02)
    assert accused <= 1


def test_data_that_repeat_themselves_expect_copies():
    real = torch.cat([normal(50, 3), normal(50, 3)])
    verdict = memorized_share(real, real)
    assert (verdict.threshold, verdict.expected, verdict.share) == (0, 1, 1)
    assert not verdict.memorized
    half = torch.cat([normal(50, 3), normal(900, 3, seed=1), normal(50, 3)])
    assert memorized_share(half[:500], half).memorized
    assert not memorized_share(normal(500, 3, seed=2), half).memorized
