"""Page of one run."""

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

MAX_BROKEN = 200
"""Largest number of broken files that are listed."""


def report(run: str | os.PathLike[str], out: str | Path | None = None) -> Path:
    """Write a run as one self-contained HTML page, which needs no network and no other file.

    The page has curves of everything logged, samples over time, the diagnoses, the recipe, the data and the
    commands to continue. It lists the parts that are missing in a run that is damaged or has just begun.

    Args:
        run: the run, or its folder.
        out: file of the page; by default `report.html` in the run's folder.

    Returns:
        Path of the page.

    Raises:
        FileNotFoundError: the folder holds no run.
        ValueError: `out` does not end in .html.
    """
    read = contents.read(run)
    missing = list(read.missing)
    numbers = curves.numbers(read.log) | curves.numbers(read.speed)
    grids = list(images.embed_all(read.grids, images.MAX_BYTES, missing))
    real = {0: path} if (path := read.folder / "data.png").exists() else {}
    description, paper = read.method.headline if read.method else ("", "")
    arxiv = re.search(r"arXiv:(\d{4}\.\d{4,5})", paper)
    differences = (
        recipe_differences.table([read.recipe, read.default_recipe])
        if read.recipe and read.default_recipe
        else []
    )
    return write_page(
        Path(out) if out is not None else read.folder / "report.html",
        "report.html",
        curves.charts(numbers),
        moments=[grid.images for grid in grids],
        stages=_stages(read),
        title=read.name,
        run=read,
        description=description,
        paper=paper,
        link=f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else "",
        grids=grids,
        real=next(images.embed_all(real, images.MAX_BYTES_OF_ONE, missing), None),
        missing=missing,
        head=HEAD,
        numbers=list(_numbers(numbers)),
        differences=differences,
        recipe=list(recipe_differences.marked(read.recipe_text, {key for key, *_ in differences})),
        max_broken=MAX_BROKEN,
        commands=list(_commands(read)),
    )


def _stages(run: RunContents) -> list[dict[str, Any]]:
    """Return the stages of a campaign, each with the images shown at its first log line."""
    starts: dict[str, int] = {}
    for line in run.log:
        if isinstance(line.get("stage"), str):
            starts.setdefault(line["stage"], line["images"])
    return [{"name": name, "images": images} for name, images in starts.items()]


def _numbers(numbers: Mapping[str, Curve]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each logged number: its name, first, lowest, highest and last value."""
    for path in curves.paths([numbers]):
        values = numbers[path].values
        yield curves.label(path), *map(value_text, (values[0], min(values), max(values), values[-1]))


def _commands(run: RunContents) -> Iterator[tuple[str, str]]:
    """Yield each useful next step as a description and a command."""
    folder, recipe, grid = (shlex.quote(str(run.folder / name)) for name in ("", "recipe.yaml", "grid.png"))
    network = run.recipe.evaluate.features if run.recipe else None
    features = f" --features {shlex.quote(network)}" if network else ""
    if run.recipe and run.state.word in ("begun", "interrupted"):
        yield "Resume the run", f"ganarium resume {folder}"
    if run.recipe:
        yield "Train longer", f"ganarium resume {folder} images={2 * run.recipe.images:_}"
    tasks = [task.name for task in run.method.game.tasks] if run.method is not None else []
    translates = "translate" in tasks
    if run.has_model and translates:
        yield "Translate images", f"ganarium translate {folder} IN OUT --grid {grid}"
    elif run.has_model:
        yield "Generate samples", f"ganarium generate {folder} --count 64 --seed 1 --grid {grid}"
    if run.has_model:
        yield "Evaluate the model", f"ganarium evaluate {folder}{features}"
    if run.best:
        best = shlex.quote(str(run.best))
        use = f"translate {best} IN OUT" if translates else f"generate {best} --count 64 --seed 1"
        yield "Use the best model", f"ganarium {use}"
    if run.recipe:
        yield "Examine the run", f"ganarium doctor {folder}"
        yield "Train the same recipe with another seed", f"ganarium train {recipe} seed={run.recipe.seed + 1}"
    yield "Update this page", f"ganarium report {folder}"
