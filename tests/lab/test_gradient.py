"""The better the discriminator, the less of the saturating loss is left."""

import pytest
import torch

from ganarium.lab import gradient

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def rows():
    result = gradient(stages=(0, 600), steps=300, looks=6)
    return {(row["generator"], row["loss"]): row for row in result.rows}


def test_found_out_the_saturating_gradient_dies(rows):
    row = rows["round 0", "saturating"]
    assert row["discriminator right"] > 0.99
    assert row["last over first"] < 0.05


def test_and_the_non_saturating_one_grows(rows):
    row = rows["round 0", "non-saturating"]
    assert row["discriminator right"] > 0.99
    assert row["last over first"] > 2


def test_a_bounded_slope_keeps_both_in_between(rows):
    died, grown, *bounded = (
        rows[name, loss]["last gradient"]
        for name in ("round 0", "round 0, R1")
        for loss in ("saturating", "non-saturating")
    )
    assert 10 * died < min(bounded)
    assert max(bounded) < 0.9 * grown


def test_samples_like_the_data_leave_both_losses_alike(rows):
    """Where the scores are near zero the two losses have one slope."""
    for name in ("round 600", "round 600, R1"):
        pair = [rows[name, loss] for loss in ("saturating", "non-saturating")]
        assert pair[0]["discriminator right"] < 0.8
        assert pair[0]["last gradient"] == pytest.approx(pair[1]["last gradient"], rel=0.6)
