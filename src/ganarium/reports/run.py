"""One run's page."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganarium.common.text import told
from ganarium.evaluation.tables import HEAD
from ganarium.reports import contents, curves, images, recipe_differences
from ganarium.reports.contents import Story
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
    tale = contents.read(run)
    gaps = list(tale.gaps)
    found = curves.numbers(tale.log) | curves.numbers(tale.speed)
    pictures = list(images.pictures(tale.sheets, images.ROOM, gaps))
    real = tale.folder / "data.png"
    what, paper = tale.method.headline if tale.method else ("", "")
    arxiv = re.search(r"arXiv:(\d{4}\.\d{4,5})", paper)
    differences = recipe_differences.beside([tale.recipe, tale.own]) if tale.recipe and tale.own else []
    return write_page(
        Path(out) if out is not None else tale.folder / "report.html",
        "report.html",
        curves.charts(found),
        moments=[each.images for each in pictures],
        stages=_stages(tale),
        title=tale.name,
        run=tale,
        what=what,
        paper=paper,
        link=f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else "",
        pictures=pictures,
        real=next(images.pictures({0: real}, images.ROOM_OF_ONE, gaps), None) if real.exists() else None,
        gaps=gaps,
        head=HEAD,
        numbers=list(_numbers(found)),
        differences=differences,
        recipe=list(recipe_differences.marked(tale.recipe_text, {key for key, *_ in differences})),
        named=NAMED,
        commands=list(_commands(tale)),
    )


def _stages(tale: Story) -> list[dict[str, Any]]:
    """A campaign's stages, and the images shown when each was first written of."""
    begun: dict[str, int] = {}
    for line in tale.log:
        if isinstance(line.get("stage"), str):
            begun.setdefault(line["stage"], line["images"])
    return [{"name": name, "images": images} for name, images in begun.items()]


def _numbers(found: Mapping[str, Curve]) -> Iterator[tuple[str, ...]]:
    """Every number that was logged: its name, first, lowest, highest and last value."""
    for path in curves.paths([found]):
        values = found[path].values
        yield curves.label(path), *map(told, (values[0], min(values), max(values), values[-1]))


def _commands(tale: Story) -> Iterator[tuple[str, str]]:
    """How to go on, in words and as a command."""
    folder, recipe, grid = (shlex.quote(str(tale.folder / name)) for name in ("", "recipe.yaml", "grid.png"))
    network = tale.recipe.evaluate.features if tale.recipe else None
    features = f" --features {shlex.quote(network)}" if network else ""
    if tale.recipe and tale.state.word in ("begun", "interrupted"):
        yield "Go on to the end", f"ganarium resume {folder}"
    if tale.recipe:
        yield "Train longer", f"ganarium resume {folder} images={2 * tale.recipe.images:_}"
    translates = tale.method is not None and bool(getattr(tale.method.game, "ways", ()))
    if tale.has_model and translates:
        yield "Translate pictures", f"ganarium translate {folder} IN OUT --sheet {grid}"
    elif tale.has_model:
        yield "Draw samples", f"ganarium generate {folder} --count 64 --seed 1 --grid {grid}"
    if tale.has_model:
        yield "Judge it", f"ganarium evaluate {folder}{features}"
    if tale.best:
        best = shlex.quote(str(tale.best))
        use = f"translate {best} IN OUT" if translates else f"generate {best} --count 64 --seed 1"
        yield "Use the model that was judged best", f"ganarium {use}"
    if tale.recipe:
        yield "Ask the doctor", f"ganarium doctor {folder}"
        yield "Begin another like it", f"ganarium train {recipe} seed={tale.recipe.seed + 1}"
    yield "Make this page anew", f"ganarium report {folder}"
