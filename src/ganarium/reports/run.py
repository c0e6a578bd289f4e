"""One run's page."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganarium.common.text import value_text
from ganarium.evaluation.tables import HEAD
from ganarium.reports import contents, curves, images, recipe_differences
from ganarium.reports.contents import RunContents
from ganarium.reports.curves import Curve
from ganarium.reports.html import write_page

NAMED = 200
"""So many broken files are named."""


def report(run: str | os.PathLike[str], out: str | Path | None = None) -> Path:
    """A run as one HTML page that needs nothing else: no network, no other file.

    Curves of everything logged, samples over time, the recipe, the data, how to go on. What is missing in
    a run that is broken or has just begun is said on the page.

    Args:
        run: the run, or its folder.
        out: where the page goes; `report.html` in the run's folder where it is not said.

    Returns:
        Where the page is.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: `out` does not end in .html.
    """
    read = contents.read(run)
    missing = list(read.missing)
    found = curves.numbers(read.log) | curves.numbers(read.speed)
    pictures = list(images.pictures(read.sheets, images.ROOM, missing))
    real = read.folder / "data.png"
    what, paper = read.method.headline if read.method else ("", "")
    arxiv = re.search(r"arXiv:(\d{4}\.\d{4,5})", paper)
    differences = recipe_differences.beside([read.recipe, read.own]) if read.recipe and read.own else []
    return write_page(
        Path(out) if out is not None else read.folder / "report.html",
        "report.html",
        curves.charts(found),
        moments=[each.images for each in pictures],
        stages=_stages(read),
        title=read.name,
        run=read,
        what=what,
        paper=paper,
        link=f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else "",
        pictures=pictures,
        real=next(images.pictures({0: real}, images.ROOM_OF_ONE, missing), None) if real.exists() else None,
        missing=missing,
        head=HEAD,
        numbers=list(_numbers(found)),
        differences=differences,
        recipe=list(recipe_differences.marked(read.recipe_text, {key for key, *_ in differences})),
        named=NAMED,
        commands=list(_commands(read)),
    )


def _stages(run: RunContents) -> list[dict[str, Any]]:
    """A campaign's stages, and the images shown when each was first written of."""
    begun: dict[str, int] = {}
    for line in run.log:
        if isinstance(line.get("stage"), str):
            begun.setdefault(line["stage"], line["images"])
    return [{"name": name, "images": images} for name, images in begun.items()]


def _numbers(found: Mapping[str, Curve]) -> Iterator[tuple[str, ...]]:
    """Every number that was logged: its name, first, lowest, highest and last value."""
    for path in curves.paths([found]):
        values = found[path].values
        yield curves.label(path), *map(value_text, (values[0], min(values), max(values), values[-1]))


def _commands(run: RunContents) -> Iterator[tuple[str, str]]:
    """How to go on, in words and as a command."""
    folder, recipe, grid = (shlex.quote(str(run.folder / name)) for name in ("", "recipe.yaml", "grid.png"))
    network = run.recipe.evaluate.features if run.recipe else None
    features = f" --features {shlex.quote(network)}" if network else ""
    if run.recipe and run.state.word in ("begun", "interrupted"):
        yield "Go on to the end", f"ganarium resume {folder}"
    if run.recipe:
        yield "Train longer", f"ganarium resume {folder} images={2 * run.recipe.images:_}"
    translates = run.method is not None and bool(getattr(run.method.game, "directions", ()))
    if run.has_model and translates:
        yield "Translate pictures", f"ganarium translate {folder} IN OUT --sheet {grid}"
    elif run.has_model:
        yield "Draw samples", f"ganarium generate {folder} --count 64 --seed 1 --grid {grid}"
    if run.has_model:
        yield "Judge it", f"ganarium evaluate {folder}{features}"
    if run.best:
        best = shlex.quote(str(run.best))
        use = f"translate {best} IN OUT" if translates else f"generate {best} --count 64 --seed 1"
        yield "Use the model that was judged best", f"ganarium {use}"
    if run.recipe:
        yield "Ask the doctor", f"ganarium doctor {folder}"
        yield "Begin another like it", f"ganarium train {recipe} seed={run.recipe.seed + 1}"
    yield "Make this page anew", f"ganarium report {folder}"
