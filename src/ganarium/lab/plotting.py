"""Style of the experiments' figures, legible from a distance, and helpers that draw them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

REAL, FAKE = "#1f5fa8", "#d1495b"
"""Colours of data and of samples in every figure: blue and red."""
SHADES = ("#1f5fa8", "#d1495b", "#2e8b57", "#8a5aab", "#d98b1f", "#4a4a4a", "#17a2a8", "#a0522d")
"""Colours of the things compared; in greyscale, lightness or labels distinguish them."""
STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def new_figure(*, size: tuple[float, float], title: str) -> Figure:
    """Return an empty figure with a title; `size` is in inches at 100 dots each."""
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    figure.suptitle(title, fontsize=13, fontweight="bold")
    return figure


def panels(
    rows: int, columns: int, *, size: tuple[float, float], title: str, **settings: Any
) -> tuple[Figure, Any]:
    """Return a `new_figure` and its axes `[rows, columns]`."""
    figure = new_figure(size=size, title=title)
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def surface(axes: Axes, values: Any, reach: float) -> None:
    """Draw values over the plane, `[steps, steps]`, as colours: blue above zero, red below."""
    largest = float(np.quantile(np.abs(values), 0.99)) or 1.0
    extent = (-reach, reach, -reach, reach)
    axes.imshow(values, origin="lower", extent=extent, cmap="RdBu", vmin=-largest, vmax=largest)
    bare(axes)


def bare(axes: Axes) -> None:
    """Remove ticks, grid and edges."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[:].set_visible(False)
