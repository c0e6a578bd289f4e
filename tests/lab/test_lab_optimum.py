"""What the laboratory's discriminators learn on a line."""

import numpy as np
import pytest

from ganarium.lab import optimum
from ganarium.losses.divergences import DIVERGENCES


@pytest.fixture(scope="module")
def finding():
    return optimum(rounds=150)


@pytest.fixture(scope="module")
def beginning():
    return optimum(rounds=1)


def test_every_divergence_and_the_three_readings_of_gan(finding):
    assert [row["divergence"] for row in finding.rows] == [*DIVERGENCES, "gan", "gan"]
    assert [row["best"] for row in finding.rows[-3:]] == ["log p/(p+q)", "p/(p+q)", "log p/q"]


def test_the_best_functions_are_those_that_the_table_says(finding):
    p, q = finding.arrays["p"], finding.arrays["q"]
    said = {
        "sign(p/q − 1) / 2": np.sign(p / q - 1) / 2,
        "1 + log p/q": 1 + np.log(p / q),
        "−q/p": -q / p,
        "2 (p/q − 1)": 2 * (p / q - 1),
        "1 − (q/p)²": 1 - (q / p) ** 2,
        "1 − √(q/p)": 1 - np.sqrt(q / p),
        "log 2p/(p+q)": np.log(2 * p / (p + q)),
        "log p/(p+q)": np.log(p / (p + q)),
        "p/(p+q)": p / (p + q),
        "log p/q": np.log(p / q),
    }
    for row, best in zip(finding.rows, finding.arrays["theory"], strict=True):
        np.testing.assert_allclose(best, said[row["best"]], rtol=1e-9, atol=1e-9)


def test_the_densities_are_densities(finding):
    for name in ("p", "q"):
        assert np.trapezoid(finding.arrays[name], finding.arrays["x"]) == pytest.approx(1, abs=1e-6)


def test_learning_brings_each_near_its_optimum(finding, beginning):
    """After a tenth of the usual rounds; who has not learned knows nothing."""
    for after, before in zip(finding.rows, beginning.rows, strict=True):
        assert after["error"] < 0.3
        assert after["missing"] < 0.05
        assert before["error"] > 0.6
        assert before["missing"] > 0.5


def test_a_bound_is_a_bound(finding, beginning):
    for row in (*finding.rows, *beginning.rows):
        assert row["bound"] < row["integral"]
        assert row["missing"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_all_eight_within_two_percent(seed):
    finding = optimum(seed=seed)
    assert all(row["missing"] < 0.02 for row in finding.rows)
    assert all(row["error"] < 0.1 for row in finding.rows)


def test_the_same_seed_finds_the_same(beginning):
    again, other = optimum(rounds=1), optimum(rounds=1, seed=1)
    assert again.rows == beginning.rows
    assert other.rows != beginning.rows


def test_the_picture_shows_all_functions(finding):
    figure = finding.draw()
    titles = " ".join(axes.get_title() for axes in figure.axes)
    assert all(name in titles for name in DIVERGENCES)
    assert len(figure.axes) == 12


def test_no_rounds_are_refused():
    with pytest.raises(ValueError, match="rounds is 0"):
        optimum(rounds=0)
