"""Several runs' page."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ganarium.common.text import value_text
from ganarium.reports import contents, curves, images, recipe_differences
from ganarium.reports.contents import RunContents
from ganarium.reports.curves import Curve
from ganarium.reports.html import write_page
from ganarium.reports.recipe_differences import NONE


def compare(runs: Iterable[str | os.PathLike[str]], out: str | Path = "compare.html") -> Path:
    """Runs side by side on one HTML page that needs nothing else; they may be of different methods.

    A chart for each number that was logged, samples under one slider, the last numbers, and what the
    recipes differ in.

    Args:
        runs: two or more, or their folders.
        out: where the page goes.

    Returns:
        Where the page is.

    Raises:
        FileNotFoundError: one of them is no run.
        ValueError: fewer than two runs are given, or `out` does not end in .html.
    """
    runs_read = _named({run.folder: run for run in map(contents.read, runs)}.values())
    if len(runs_read) < 2:
        raise ValueError("compare needs two runs or more; of one alone: ganarium report RUN")
    found = {name: curves.numbers(run.log) | curves.numbers(run.speed) for name, run in runs_read.items()}
    missing = {name: list(run.missing) for name, run in runs_read.items()}
    pictures = {
        name: list(images.pictures(run.sheets, images.ROOM // len(runs_read), missing[name]))
        for name, run in runs_read.items()
    }
    return write_page(
        Path(out),
        "compare.html",
        curves.overlaid(found),
        moments=sorted({each.images for row in pictures.values() for each in row}),
        title=f"{len(runs_read)} runs",
        runs=runs_read,
        missing=missing,
        pictures=pictures,
        differences=recipe_differences.beside([run.recipe for run in runs_read.values()]),
        finals=_finals(list(found.values())),
        judged=_judged(list(runs_read.values())),
    )


def _named(runs_read: Iterable[RunContents]) -> dict[str, RunContents]:
    """The runs by name, with as much of their paths as tells them apart."""
    runs_read = list(runs_read)
    for count in range(1, max((len(run.folder.parts) for run in runs_read), default=0) + 1):
        named = {"/".join(run.folder.parts[-count:]): run for run in runs_read}
        if len(named) == len(runs_read):
            return named
    return {}


def _finals(found: Sequence[Mapping[str, Curve]]) -> list[tuple[str, ...]]:
    """Every number that was logged, and its last value in each run."""
    return [
        (curves.label(path), *(value_text(each[path].values[-1]) if path in each else NONE for each in found))
        for path in curves.paths(found)
    ]


def _judged(runs_read: Sequence[RunContents]) -> list[tuple[str, ...]]:
    """What `ganarium evaluate` said last of each run: measures, with the network if on one, and values."""
    values = [
        {(table.network, row[0]): row[1] for table in run.evaluation for row in table.rows}
        for run in runs_read
    ]
    measures = dict.fromkeys(key for each in values for key in each)
    return [
        (
            f"{measure} on {network}" if network else measure,
            *(each.get((network, measure), NONE) for each in values),
        )
        for network, measure in measures
    ]
