"""Divergences of two supports, exact and estimated by trained networks."""

import itertools
import math

import numpy as np
import pytest
import torch

from ganarium.lab import distances
from ganarium.lab.distances import blurred_jensen_shannon, cost, exact, plan

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def result():
    return distances(shifts=(0.0, 0.5, 1.0, 2.0), lessons_each=200, rounds=80, looks=10)


def row_of(result, what, of):
    (row,) = (row for row in result.rows if (row["what"], row["of"]) == (what, of))
    return row


def test_the_exact_distances_of_lines():
    """Arjovsky et al. 2017, example 1."""
    for shift in (0.1, 1.0, 5.0):
        assert exact(shift) == {
            "KL": math.inf,
            "total variation": 1.0,
            "Jensen-Shannon": math.log(2),
            "Wasserstein": shift,
        }
    assert set(exact(0.0).values()) == {0.0}


def test_a_discriminator_finds_no_slope_between_lines(result):
    for shift in ("0.5", "1", "2"):
        js = row_of(result, "Jensen-Shannon", f"lines {shift} apart")["learned"]
        assert 0.99 * math.log(2) < js <= math.log(2)
    assert abs(row_of(result, "slope of Jensen-Shannon", "lines apart")["learned"]) < 0.01
    assert row_of(result, "Jensen-Shannon", "lines 0 apart")["learned"] < 0.01


def test_a_critic_finds_slope_one(result):
    for shift in (0.5, 1.0, 2.0):
        found = row_of(result, "Wasserstein", f"lines {shift:g} apart")["learned"]
        assert found == pytest.approx(shift, rel=0.1)
    assert row_of(result, "slope of Wasserstein", "lines apart")["learned"] == pytest.approx(1, abs=0.1)
    assert abs(row_of(result, "Wasserstein", "lines 0 apart")["learned"]) < 0.05


def test_who_has_not_learned_finds_neither():
    result = distances(shifts=(0.5, 2.0), lessons_each=1, rounds=2, looks=2)
    assert row_of(result, "Jensen-Shannon", "lines 2 apart")["learned"] < 0.9 * math.log(2)
    assert row_of(result, "slope of Wasserstein", "lines apart")["learned"] < 0.5


def test_noise_brings_the_slope_back():
    """Two Gaussians that overlap: less than log 2, and rising."""
    values = [blurred_jensen_shannon(shift, 0.5) for shift in (0.0, 0.5, 1.0, 2.0, 20.0)]
    assert values[0] == pytest.approx(0, abs=1e-9)
    assert values[-1] == pytest.approx(math.log(2), rel=1e-6)
    assert values == sorted(values)
    assert values[2] < 0.6 * math.log(2)


def test_the_critics_estimate_follows_the_true_distance(result):
    estimate = row_of(result, "correlation with the true distance", "critic's estimate")["learned"]
    assert estimate > 0.8
    for indicator in ("discriminator's loss", "generator's loss"):
        assert row_of(result, "correlation with the true distance", indicator)["learned"] < estimate - 0.2


def test_no_plan_is_cheaper():
    """Six grains on five places: each of the 720 ways to move them is tried."""
    rng = np.random.default_rng(0)
    axis = np.sort(rng.normal(size=5))
    for _ in range(3):
        here, there = rng.multinomial(6, np.full(5, 0.2), size=2)
        grains, holes = np.repeat(axis, here), np.repeat(axis, there)
        cheapest = min(
            np.abs(grains - holes[list(order)]).mean() for order in itertools.permutations(range(6))
        )
        moved = plan(here / 6, there / 6)
        np.testing.assert_allclose(moved.sum(1), here / 6, atol=1e-12)
        np.testing.assert_allclose(moved.sum(0), there / 6, atol=1e-12)
        assert cost(moved, axis) == pytest.approx(cheapest)


def test_the_critic_is_the_plans_dual(result):
    best = row_of(result, "Wasserstein", "histograms, by the best plan")
    assert best["learned"] == pytest.approx(best["exact"], rel=0.05)
    assert best["exact"] < row_of(result, "cost", "histograms, each place to all alike")["exact"]
