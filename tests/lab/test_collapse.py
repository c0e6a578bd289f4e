"""Collapse and dropping are distinguished, and the standard game has both."""

import math

import numpy as np
import pytest
import torch

from ganarium.data.sources.densities import ring
from ganarium.lab import collapse
from ganarium.lab.collapse import summarize

torch.set_num_threads(1)
POINTS = ring(deviation=0.1)
LAST = POINTS.sample(800)
MODES = np.eye(8, dtype=bool)


def verdict(covered):
    return summarize(covered, LAST, POINTS)["verdict"]


def test_one_mode_after_another_is_collapse_though_all_are_visited():
    covered = np.tile(MODES, (4, 1))
    row = summarize(covered, LAST, POINTS)
    assert (row["modes at once"], row["modes ever"], row["verdict"]) == (1, 8, "collapse")
    assert row["changes a look"] == 2


def test_many_modes_and_some_never_is_dropping():
    covered = np.ones((20, 8), bool)
    covered[:, 5] = False
    row = summarize(covered, LAST, POINTS)
    assert (row["modes at once"], row["modes ever"], row["verdict"]) == (7, 7, "dropping")
    covered[15, 5] = True
    assert verdict(covered) == "all covered"


def test_only_the_second_half_counts():
    covered = np.ones((20, 8), bool)
    covered[:10] = False
    assert verdict(covered) == "all covered"
    assert verdict(~covered) == "collapse"


def test_the_last_samples_are_measured():
    row = summarize(np.ones((2, 8), bool), LAST, POINTS)
    assert row["width of modes"] == pytest.approx(1, abs=0.05)
    assert row["good samples"] > 0.99
    nowhere = summarize(np.zeros((2, 8), bool), torch.zeros(10, 2), POINTS)
    assert math.isnan(nowhere["width of modes"])
    assert nowhere["good samples"] == 0


def test_a_weak_discriminator_has_collapse_and_a_strong_one_has_not():
    weak, strong = collapse(cures=("none",), rounds=300, looks=20, seed=3).rows
    assert weak["verdict"] == "collapse"
    assert strong["verdict"] != "collapse"
    assert weak["modes at once"] < 2 < strong["modes at once"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_each_failure_has_its_cure(seed):
    result = collapse(cures=("none", "minibatch discrimination", "R1"), seed=seed)
    verdicts = {(row["discriminator"], row["cure"]): row["verdict"] for row in result.rows}
    assert verdicts["weak", "none"] == verdicts["weak", "R1"] == "collapse"
    assert verdicts["weak", "minibatch discrimination"] == "all covered"
    assert verdicts["strong", "none"] == "dropping"
    assert verdicts["strong", "R1"] == "all covered"
    assert "minibatch discrimination (weak discriminator)" in result.words
