"""`ganarium traverse`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.options import Device, Words


def traverse(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="Folder of a run or of a model.")],
    grid: Annotated[Path, typer.Option(help="PNG to write.")],
    words: Words = None,
    code: Annotated[
        str | None,
        typer.Option(help="Name of the code: categorical-0, continuous-1; the first if not given."),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Number of latents, a row each.")] = 8,
    steps: Annotated[int, typer.Option(min=2, help="Number of values of the code, a column each.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the latents.")] = 0,
    device: Device = "cpu",
) -> None:
    """Show samples along which one code of an InfoGAN changes: a row keeps its latent, the code varies.

    ganarium traverse runs/0003-infogan --code categorical-0 --grid traverse.png
    """
    from ganarium.cli.options import words_in
    from ganarium.common import grids
    from ganarium.models.loading import load

    model = load(source, device=device)
    samples = model.traverse(code, rows=rows, steps=steps, seed=seed, **words_in(words))
    grids.save(model.spec.modality.grid(samples.flatten(0, 1), columns=steps), grid)
    typer.echo(f"{rows} x {steps} samples along a code: {grid}")
