"""`ganarium doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.methods import AsJson


def doctor(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder; it may be in training.")],
    as_json: AsJson = False,
) -> None:
    """Tell in plain words what is wrong with a run, and which key to change by how much.

    Has the discriminator won? Do the samples lose diversity? Does a term explode, or a gradient die? Do the
    learning rates fit each other, and are there enough data? The log alone is read: it takes no time.

        ganarium doctor runs/0001-dcgan
        ganarium doctor runs/0001-dcgan --json
    """
    from ganarium.monitoring import doctor as office

    diagnoses = office.doctor(folder)
    if as_json:
        import json

        typer.echo(json.dumps([each.to_dict() for each in diagnoses], indent=2))
        return
    for line in office.words(diagnoses):
        typer.echo(line)
