"""Page that compares several runs."""

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
    """Write a self-contained HTML page of runs side by side; they may be of different methods.

    The page has a chart of each logged number, sample grids under one slider, the last numbers, and the
    differences between the recipes.

    Args:
        runs: two or more runs, or their folders.
        out: file of the page.

    Returns:
        Path of the page.

    Raises:
        FileNotFoundError: a folder holds no run.
        ValueError: fewer than two runs are given, or `out` does not end in .html.
    """
    by_name = _named({run.folder: run for run in map(contents.read, runs)}.values())
    if len(by_name) < 2:
        raise ValueError("compare needs two runs or more; for one run: ganarium report RUN")
    numbers = {name: curves.numbers(run.log) | curves.numbers(run.speed) for name, run in by_name.items()}
    missing = {name: list(run.missing) for name, run in by_name.items()}
    grids = {
        name: list(images.embed_all(run.grids, images.MAX_BYTES // len(by_name), missing[name]))
        for name, run in by_name.items()
    }
    return write_page(
        Path(out),
        "compare.html",
        curves.overlaid(numbers),
        moments=sorted({grid.images for row in grids.values() for grid in row}),
        title=f"{len(by_name)} runs",
        runs=by_name,
        missing=missing,
        grids=grids,
        differences=recipe_differences.table([run.recipe for run in by_name.values()]),
        last_numbers=_last_numbers(list(numbers.values())),
        evaluation=_evaluation(list(by_name.values())),
    )


def _named(runs: Iterable[RunContents]) -> dict[str, RunContents]:
    """Return the runs by name: the shortest ends of their paths that differ."""
    runs = list(runs)
    for count in range(1, max((len(run.folder.parts) for run in runs), default=0) + 1):
        named = {"/".join(run.folder.parts[-count:]): run for run in runs}
        if len(named) == len(runs):
            return named
    return {}


def _last_numbers(runs: Sequence[Mapping[str, Curve]]) -> list[tuple[str, ...]]:
    """Return a row for each logged number: its name, and its last value in each run."""
    return [
        (curves.label(path), *(value_text(run[path].values[-1]) if path in run else NONE for run in runs))
        for path in curves.paths(runs)
    ]


def _evaluation(runs: Sequence[RunContents]) -> list[tuple[str, ...]]:
    """Return a row for each measure of `ganarium evaluate`: its name with the network, and its values."""
    values = [
        {(table.network, row[0]): row[1] for table in run.evaluation for row in table.rows} for run in runs
    ]
    measures = dict.fromkeys(key for each in values for key in each)
    return [
        (
            f"{measure} on {network}" if network else measure,
            *(each.get((network, measure), NONE) for each in values),
        )
        for network, measure in measures
    ]
