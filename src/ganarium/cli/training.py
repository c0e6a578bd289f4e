"""Playing a run on the command line, from its first line to its last."""

from typing import TYPE_CHECKING

import typer

from ganarium.cli.progress import follow, say
from ganarium.common.text import duration

if TYPE_CHECKING:
    from ganarium.training.run import Run


def play(run: "Run") -> None:
    """Play to the end, or until told to stop, and say what there is now and how to go on."""
    import time

    from ganarium.training.loop import TrainingInterrupted

    started = time.monotonic()
    try:
        last = follow(run.play())
    except TrainingInterrupted as stopped:
        say(f"stopped by {stopped}; everything is saved. Go on with: ganarium resume {run.folder}")
        raise typer.Exit(128 + stopped.signal_number) from None
    if last is None:
        say(
            f"{run.folder} is finished: its {run.recipe.images:,} images are played. "
            f"Make it longer with: ganarium resume {run.folder} images={2 * run.recipe.images:_}"
        )
        return
    say(f"finished after {duration(time.monotonic() - started)}")
    say(f"model    {run.folder / 'model'}")
    from ganarium.models.loading import load_model

    if run.best is not None:
        say(f"best     {run.best}, after {load_model(run.best).images:,} images")
    if run.grid is not None:
        say(f"samples  {run.grid}")
    say(f"see it   ganarium report {run.folder}")
    translates = load_model(run.folder).directions
    say("use it   ganarium " + (f"translate {run.folder} IN OUT" if translates else f"generate {run.folder}"))
    features = run.recipe.evaluate.features
    say(f"judge it ganarium evaluate {run.folder}" + (f" --features {features}" if features else ""))
