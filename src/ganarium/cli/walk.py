"""`ganarium walk`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.generate import Device


def walk(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder, or a model's.")],
    out: Annotated[Path, typer.Option(help="PNG to write.")],
    code: Annotated[
        str | None, typer.Option(help="Which code: categorical-0, continuous-1; the first if not said.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many noises, a row each.")] = 8,
    steps: Annotated[int, typer.Option(min=2, help="How many values the code takes, a column each.")] = 10,
    seed: Annotated[int, typer.Option(help="Another seed, other noises.")] = 0,
    device: Device = "cpu",
) -> None:
    """See what one code of an InfoGAN changes: a row keeps its noise, the code changes along it.

    ganarium walk runs/0003-infogan --code categorical-0 --out walk.png
    """
    from ganarium.common import grids
    from ganarium.models.loading import load_model

    samples = load_model(source, device=device).walk(code, rows=rows, steps=steps, seed=seed)
    grids.save(grids.grid(samples.flatten(0, 1), columns=steps), out)
    typer.echo(f"{rows} x {steps} samples along a code: {out}")
