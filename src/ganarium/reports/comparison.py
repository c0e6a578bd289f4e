"""Several runs' page."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ganarium.common.text import told
from ganarium.reports import contents, curves, images, recipe_differences
from ganarium.reports.contents import Story
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
    tales = _named({tale.folder: tale for tale in map(contents.read, runs)}.values())
    if len(tales) < 2:
        raise ValueError("compare needs two runs or more; of one alone: ganarium report RUN")
    found = {name: curves.numbers(tale.log) | curves.numbers(tale.speed) for name, tale in tales.items()}
    gaps = {name: list(tale.gaps) for name, tale in tales.items()}
    pictures = {
        name: list(images.pictures(tale.sheets, images.ROOM // len(tales), gaps[name]))
        for name, tale in tales.items()
    }
    return write_page(
        Path(out),
        "compare.html",
        curves.overlaid(found),
        moments=sorted({each.images for row in pictures.values() for each in row}),
        title=f"{len(tales)} runs",
        runs=tales,
        gaps=gaps,
        pictures=pictures,
        differences=recipe_differences.beside([tale.recipe for tale in tales.values()]),
        finals=_finals(list(found.values())),
        judged=_judged(list(tales.values())),
    )


def _named(tales: Iterable[Story]) -> dict[str, Story]:
    """The runs by name, with as much of their paths as tells them apart."""
    tales = list(tales)
    for count in range(1, max((len(tale.folder.parts) for tale in tales), default=0) + 1):
        named = {"/".join(tale.folder.parts[-count:]): tale for tale in tales}
        if len(named) == len(tales):
            return named
    return {}


def _finals(found: Sequence[Mapping[str, Curve]]) -> list[tuple[str, ...]]:
    """Every number that was logged, and its last value in each run."""
    return [
        (curves.label(path), *(told(each[path].values[-1]) if path in each else NONE for each in found))
        for path in curves.paths(found)
    ]


def _judged(tales: Sequence[Story]) -> list[tuple[str, ...]]:
    """What `ganarium evaluate` said last of each run: measures, with the network if on one, and values."""
    values = [
        {(table.network, row[0]): row[1] for table in tale.evaluation for row in table.rows} for tale in tales
    ]
    measures = dict.fromkeys(key for each in values for key in each)
    return [
        (
            f"{measure} on {network}" if network else measure,
            *(each.get((network, measure), NONE) for each in values),
        )
        for network, measure in measures
    ]
