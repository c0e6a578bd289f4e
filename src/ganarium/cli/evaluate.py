"""`ganarium evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.generate import Device
from ganarium.cli.methods import AsJson


def evaluate(
    judged: Annotated[
        Path,
        typer.Argument(metavar="RUN_OR_MODEL_OR_FOLDER", help="A run, a model, or a folder of pictures."),
    ],
    data: Annotated[
        str | None, typer.Option(help="The real data; those that the model was trained on if not given.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="File of a pretrained network whose features are compared.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="What to measure, such as fid,kid; all that apply if not given.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many samples are judged.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Judge samples beside real data.

    Pictures of the built-in world and points are judged without any file; other pictures are compared on
    the features of a pretrained network. The network, its resizing and the numbers of pictures are part
    of the result: only results that agree in them can be compared.

        ganarium evaluate runs/0001-dcgan
        ganarium evaluate runs/0002-dcgan --features squeezenet1_0.safetensors --metrics fid --json
        ganarium evaluate generated/ --data real/ --features squeezenet1_0.safetensors
    """
    from ganarium import judge

    result = judge.evaluate(
        judged,
        data=data,
        features=features,
        metrics=metrics.split(",") if metrics else None,
        count=count,
        seed=seed,
        device=device,
    )
    if as_json:
        import json

        typer.echo(json.dumps(result, indent=2))
        return
    from ganarium.cli.tables import print_table
    from ganarium.watch.words import flat

    print_table(("measure", "value"), list(flat(result)))
