"""Conjugates of all f as upper envelopes of lines (Nowozin et al. 2016, arXiv:1606.00709, eq. 3)."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.toy_training import check_counts
from ganarium.losses.divergences import DIVERGENCES, Divergence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMULAS = {
    "total-variation": ("|u − 1| / 2", "t"),
    "kl": ("u log u", "exp(t − 1)"),
    "reverse-kl": ("−log u", "−1 − log(−t)"),
    "pearson": ("(u − 1)²", "t²/4 + t"),
    "neyman": ("(u − 1)² / u", "2 − 2√(1 − t)"),
    "squared-hellinger": ("(√u − 1)²", "t / (1 − t)"),
    "jensen-shannon": ("u log u − (u+1) log((u+1)/2)", "−log(2 − exp t)"),
    "gan": ("u log u − (u+1) log(u+1)", "−log(1 − exp t)"),
}
"""Texts of f(u) and f*(t)."""

MANY = 20_001
"""Number of lines whose envelope is compared with the formula."""
PLACES = 401
"""Number of values of t in each panel."""
WIDEST = 4.0
"""Largest slope u. Panels and gaps cover the t at which lines with slopes from 1/4 to 4 touch f*."""


def conjugate(*, lines: int = 25) -> ExperimentResult:
    """Show f* as the upper envelope of the lines t u - f(u), for every f-divergence.

    The experiment uses no random numbers and has no seed.

    Args:
        lines: number of lines in each panel.

    Raises:
        ValueError: fewer than one line.
    """
    check_counts(lines=lines)
    rows: list[dict[str, Cell]] = []
    figures: dict[str, list[Tensor]] = {key: [] for key in ("t", "conjugate", "slopes", "heights")}
    for name, divergence in DIVERGENCES.items():
        t, slopes = _places(divergence), _slopes(divergence, lines)
        rows.append(
            {
                "divergence": name,
                "f(u)": FORMULAS[name][0],
                "f*(t)": FORMULAS[name][1],
                "domain": _domain(divergence),
                "f'(1)": divergence.threshold,
                f"gap of {lines} lines": gap(divergence, slopes),
                f"gap of {MANY:,}": gap(divergence, _slopes(divergence, MANY)),
            }
        )
        values = (t, divergence.conjugate(t), slopes, divergence.f(slopes))
        for key, value in zip(figures, values, strict=True):
            figures[key].append(value)
    return ExperimentResult(
        name="conjugate",
        title="f* is the upper envelope of the lines t·u − f(u)",
        rows=rows,
        words=(
            "Every line stays below f* and touches it at t = f'(u): a discriminator that has found the best "
            "t at a place has found the density ratio u = p/q there. The more lines, the smaller the gap. "
            "Where f* is infinite the lines rise without limit, so a discriminator's last layer must keep t "
            "within the domain."
        ),
        arrays=arrays(**{key: torch.stack(values) for key, values in figures.items()}),
        plot=_draw,
    )


def gap(divergence: Divergence, slopes: Tensor) -> float:
    """Return the largest gap between f* and the highest of the lines t u - f(u) with these slopes u."""
    low, high = _touched(divergence)
    t = torch.linspace(low, high, PLACES, dtype=torch.float64)
    heights = divergence.f(slopes)
    highest = torch.stack([(place * slopes - heights).max() for place in t])
    return (divergence.conjugate(t) - highest).abs().max().item()


def _touched(divergence: Divergence) -> tuple[float, float]:
    """Return the range of t in which the lines of a panel touch f*."""
    low, high = divergence.slope(torch.tensor([1 / WIDEST, WIDEST], dtype=torch.float64)).tolist()
    return low, high


def _places(divergence: Divergence) -> Tensor:
    """Return the t of a panel, which extends a little beyond an end of the domain that is near."""
    touched = _touched(divergence)
    margin = (touched[1] - touched[0]) / 10
    low, high = (
        bound + side * margin if abs(bound - end) < 4 * margin else end
        for end, bound, side in zip(touched, divergence.domain, (-1, 1), strict=True)
    )
    return torch.linspace(low, high, PLACES, dtype=torch.float64)


def _slopes(divergence: Divergence, count: int) -> Tensor:
    """Return slopes u of lines that touch f* across the panel; the middle one is u = 1."""
    if divergence.ratios[0] < 0:
        return torch.linspace(1 - WIDEST, 1 + WIDEST, count, dtype=torch.float64)
    reach = math.log(2 * WIDEST)
    return torch.linspace(-reach, reach, count, dtype=torch.float64).exp()


def _domain(divergence: Divergence) -> str:
    low, high = divergence.domain
    if math.isinf(high):
        return "every t"
    end = "log 2" if high == math.log(2) else f"{high:g}"
    closed = divergence.conjugate(torch.tensor(high, dtype=torch.float64)).isfinite()
    return ("" if math.isinf(low) else f"{low:g} ≤ ") + f"t {'≤' if closed else '<'} {end}"


def _draw(result: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import panels

    figure, axes = panels(2, 4, size=(14, 8.5), title=result.title)
    for index, (panel, row) in enumerate(zip(axes.flat, result.rows, strict=True)):
        _panel(panel, row, **{key: values[index] for key, values in result.arrays.items()})
    labeled = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(labeled.values(), labeled.keys(), loc="outside lower center", ncols=len(labeled))
    return figure


def _panel(panel: "Axes", row: Mapping[str, Cell], **figures: Array) -> None:
    from ganarium.lab.plotting import FAKE, REAL

    t, formula = figures["t"], figures["conjugate"]
    finite = np.isfinite(formula)
    panel.axvspan(t[finite][-1], t[-1], color="0.88", linewidth=0, label="f* is infinite")
    panel.axvspan(t[0], t[finite][0], color="0.88", linewidth=0)
    for u, height in zip(figures["slopes"], figures["heights"], strict=True):
        shade, label = (FAKE, "lines t·u − f(u), u < 1") if u < 1 else (REAL, "lines t·u − f(u), u > 1")
        if math.isclose(u, 1):
            shade, label = "black", "u = 1"
        panel.plot(t, u * t - height, color=shade, linewidth=0.8, alpha=0.7, label=label)
    panel.plot(t[finite], formula[finite], color="black", linewidth=2.5, label="f*(t)")
    threshold = float(row["f'(1)"])
    at_one = np.interp(threshold, t[finite], formula[finite])
    panel.plot(threshold, at_one, "o", color="black", label="t = f'(1): real and fake equally likely")
    highest_line = (figures["slopes"] * t[finite][-1] - figures["heights"]).max()
    low, high = formula[finite].min(), min(formula[finite].max(), highest_line)
    margin = (high - low) / 6
    panel.set(xlim=(t[0], t[-1]), ylim=(low - 2 * margin, high + margin), xlabel="t")
    panel.locator_params(axis="x", nbins=5)
    panel.set_title(f"{row['divergence']}\nf(u) = {row['f(u)']}\nf*(t) = {row['f*(t)']}", fontsize=10)
