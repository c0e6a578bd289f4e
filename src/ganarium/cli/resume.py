"""`ganarium resume`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.train import Settings


def resume(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
    settings: Settings = None,
) -> None:
    """Continue a run to its end.

    The numbers equal those of an uninterrupted run. A finished run can be made longer. The number of
    processes may change.

        ganarium resume runs/0001-dcgan
        ganarium resume runs/0001-dcgan images=400_000
    """
    from ganarium.cli.progress import say
    from ganarium.cli.training import play
    from ganarium.training.run import Run, group

    run = Run(folder, notify=say).changed({}, settings or ())
    with group(run.recipe):
        for line in run.trainer().dataset.report.lines():
            say(f"# data: {line}")
        say(f"# run: {run.folder}, {run.recipe.method} for {run.recipe.images:,} images")
        play(run)
