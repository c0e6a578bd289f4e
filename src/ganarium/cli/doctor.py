"""`ganarium doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.methods import AsJson


def doctor(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run; it may be in training.")],
    as_json: AsJson = False,
) -> None:
    """Diagnose a run: print its failures, each with the recipe key to change and the new value.

    Failures are for example a discriminator that has won, samples of low diversity, exploding terms,
    vanishing gradients, unbalanced learning rates and too few data. Only recipe and log are read.

        ganarium doctor runs/0001-dcgan
        ganarium doctor runs/0001-dcgan --json
    """
    from ganarium.monitoring.doctor import doctor as diagnoses_of
    from ganarium.monitoring.doctor import words

    diagnoses = diagnoses_of(folder)
    if as_json:
        import json

        typer.echo(json.dumps([each.to_dict() for each in diagnoses], indent=2))
        return
    for line in words(diagnoses):
        typer.echo(line)
