"""All objectives cover the ring; untrained generators do not."""

import pytest
import torch

from ganarium.lab import ring

torch.set_num_threads(1)


def test_a_short_run_covers_the_ring():
    (row,) = ring(objectives=("hinge",), rounds=1000, looks=5, seed=3).rows
    assert row["modes covered"] == "8 of 8"
    assert row["sliced W1"] < 0.1
    assert 0 < row["all since round"] <= 1000


def test_the_beginning_does_not():
    (row,) = ring(objectives=("hinge",), rounds=10, looks=2, seed=3).rows
    assert row["modes covered"] == "0 of 8"
    assert row["all since round"] == "never"
    assert row["sliced W1"] > 0.5


def test_all_begin_with_the_same_weights_and_data():
    result = ring(objectives=("non-saturating", "least-squares"), rounds=1, looks=1)
    one, other = result.arrays["distances"]
    assert one[0] == other[0]
    assert [row["penalty"] for row in result.rows] == ["r1, weight 0.1"] * 2
    assert ring(objectives=("hinge",), rounds=1, looks=1, r1_weight=0.0).rows[0]["penalty"] == "none"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_five_objectives_from_any_seed(seed):
    result = ring(seed=seed)
    assert len(result.rows) == 5
    for row in result.rows:
        assert row["modes covered"] == "8 of 8", row
        assert row["sliced W1"] <= (0.2 if row["objective"] == "wasserstein-gp" else 0.1), row
