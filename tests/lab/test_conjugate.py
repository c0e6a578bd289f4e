"""The envelope of lines, and its figure."""

import math

import numpy as np
import pytest
import torch

from ganarium.lab import conjugate
from ganarium.losses.divergences import DIVERGENCES


@pytest.fixture(scope="module")
def result():
    return conjugate(lines=9)


def test_a_row_for_every_divergence(result):
    assert [row["divergence"] for row in result.rows] == list(DIVERGENCES)
    assert {row["domain"] for row in result.rows} == {
        "every t", "-0.5 ≤ t ≤ 0.5", "t < 0", "t < 1", "t ≤ 1", "t < log 2"
    }  # fmt: skip


def test_many_lines_close_the_gap_that_few_leave(result):
    """Of total variation the line u = 1 is f* itself."""
    few, many = ([row[key] for row in result.rows[1:]] for key in ("gap of 9 lines", "gap of 20,001"))
    assert all(gap > 0.01 for gap in few)
    assert all(gap < 1e-7 for gap in many)
    assert result.rows[0]["gap of 9 lines"] < 1e-12


def test_no_line_crosses_the_conjugate(result):
    found = result.arrays
    lines = found["slopes"][:, :, None] * found["t"][:, None] - found["heights"][:, :, None]
    assert (lines <= found["conjugate"][:, None] + 1e-9).all()


def test_a_domain_that_ends_is_shown_to_its_end(result):
    for row, values in zip(result.rows, result.arrays["conjugate"], strict=True):
        assert np.isfinite(values).all() == (row["domain"] == "every t")


def test_the_figure_has_a_panel_for_each(result):
    figure = result.draw()
    titles = [axes.get_title().splitlines() for axes in figure.axes]
    assert [title[0] for title in titles] == list(DIVERGENCES)
    assert titles[1][1:] == ["f(u) = u log u", "f*(t) = exp(t − 1)"]
    assert "t = f'(1): real and fake equally likely" in [text.get_text() for text in figure.legends[0].texts]


SPOKEN = {
    "−": "-", "²": "**2", "|u - 1|": "abs(u - 1)", "2√": "2*√", "√u": "√(u)", "√": "sqrt",
    "log u": "log(u)", "exp t": "exp(t)", "u log": "u*log", ") log": ")*log",
}  # fmt: skip


def meant(text, **values):
    """The value of a formula that is written to be read."""
    for said, code in SPOKEN.items():
        text = text.replace(said, code)
    return eval(text, {"log": math.log, "exp": math.exp, "sqrt": math.sqrt} | values)


@pytest.mark.parametrize("index", range(len(DIVERGENCES)), ids=list(DIVERGENCES))
def test_the_formulas_to_read_are_those_that_are_computed(result, index):
    row, divergence = result.rows[index], DIVERGENCES[result.rows[index]["divergence"]]
    u, t = torch.tensor([1.7, divergence.threshold - 0.2], dtype=torch.float64)
    assert meant(row["f(u)"], u=u.item()) == pytest.approx(divergence.f(u).item())
    assert meant(row["f*(t)"], t=t.item()) == pytest.approx(divergence.conjugate(t).item())


def test_fewer_than_one_line_is_refused():
    with pytest.raises(ValueError, match="lines is 0"):
        conjugate(lines=0)
