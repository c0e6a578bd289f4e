"""Effect of each bound on a critic (Gulrajani et al. 2017, section 3)."""

import numpy as np
import pytest
import torch

from ganarium.lab import lipschitz

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def rows():
    result = lipschitz(clip_bounds=(0.01, 0.1), rounds=250, deep_rounds=60)
    return {row["bounded by"]: row for row in result.rows}


def test_clipped_weights_pile_up_at_the_bound(rows):
    for name, row in rows.items():
        share = row["weights at their largest"]
        assert share > 0.5 if name.startswith("clipping") else share < 0.05, name


def test_clipped_gradients_vanish_or_explode_and_others_do_not(rows):
    ratios = {name: row["gradient of 12 layers, first over last"] for name, row in rows.items()}
    assert ratios["clipping at 0.01"] < 1e-6
    assert ratios["clipping at 0.1"] > 1e3
    assert 0.1 < ratios["gradient penalty"] < 10
    assert 0.1 < ratios["spectral norm"] < 10


def test_only_some_bounds_hold_the_slope(rows):
    assert rows["spectral norm"]["steepest slope"] <= 1.01
    assert 0.5 < rows["gradient penalty"]["steepest slope"] < 3
    assert rows["clipping at 0.01"]["steepest slope"] < 0.01
    assert rows["clipping at 0.1"]["steepest slope"] > 3


def test_at_equal_slope_the_penalized_critic_estimates_most(rows):
    estimates = {name: row["distance at slope one"] for name, row in rows.items()}
    assert max(estimates, key=estimates.get) == "gradient penalty"
    assert estimates["gradient penalty"] > 1.2 * estimates["clipping at 0.1"]
    # No more than the mean length of the noise, by which every point could be moved back.
    assert max(estimates.values()) < np.sqrt(np.pi / 2)
