"""Training of a run on the command line, from its first line to its last."""

from os import PathLike
from typing import TYPE_CHECKING

import typer

from ganarium.cli.progress import follow, say
from ganarium.common.text import duration

if TYPE_CHECKING:
    from ganarium.training.run import Run


USES = {
    "generate": "generate {model}",
    "translate": "translate {model} IN OUT",
    "classify": "classify {model} IMAGES",
    "traverse": "traverse {model} --grid PNG",
}
"""Commands of tasks that have a verb of their own."""


def use_of(task: str, model: PathLike[str]) -> str:
    """Return the command that runs a task of the model in a folder."""
    return USES.get(task, f"apply {task} {{model}} INPUT... OUT").format(model=model)


def play(run: "Run") -> None:
    """Train to the end, or until asked to stop; print what was written and the next commands."""
    import time

    from ganarium.training.loop import TrainingInterrupted

    started = time.monotonic()
    try:
        last = follow(run.play())
    except TrainingInterrupted as stopped:
        say(f"stopped by {stopped}; everything is saved. Continue with: ganarium resume {run.folder}")
        raise typer.Exit(128 + stopped.signal_number) from None
    if last is None:
        say(
            f"{run.folder} is finished: its {run.recipe.images:,} images are played. "
            f"Continue with: ganarium resume {run.folder} images={2 * run.recipe.images:_}"
        )
        return
    say(f"finished after {duration(time.monotonic() - started)}")
    say(f"model    {run.folder / 'model'}")
    from ganarium.models.loading import load

    if run.best is not None:
        say(f"best     {run.best}, after {load(run.best).images:,} images")
    if run.grid is not None:
        say(f"samples  {run.grid}")
    say(f"see it   ganarium report {run.folder}")
    if tasks := list(load(run.folder).tasks):
        say(f"use it   ganarium {use_of(tasks[0], run.folder)}")
    features = run.recipe.evaluate.features
    say(f"judge it ganarium evaluate {run.folder}" + (f" --features {features}" if features else ""))
