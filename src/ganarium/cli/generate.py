"""`ganarium generate`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.options import Device, Words


def generate(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="Folder of a run or of a model.")],
    words: Words = None,
    count: Annotated[int, typer.Option(min=1, help="Number of samples.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the latents.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for a PNG a sample; RUN_OR_MODEL/generated if nothing else is asked for."),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            help="Classes or attributes, such as star,ring; or a folder of images, if the model takes images."
        ),
    ] = None,
    grid: Annotated[Path | None, typer.Option(help="PNG that shows the first 64 samples.")] = None,
    npz: Annotated[Path | None, typer.Option(help="File for all samples as one float32 array.")] = None,
    device: Device = "cpu",
) -> None:
    """Generate samples with a trained model.

    Images become seed0-000000.png and so on, the same for the same seed; points become a .csv, and images
    that no PNG can hold (2 or 5 channels) an .npz. A file that holds other samples is never replaced. If no
    condition is given, the classes take turns.

        ganarium generate runs/0001-dcgan --count 1000 --seed 3 --out generated/
        ganarium generate runs/0002-cgan --condition star,ring --grid stars_and_rings.png
    """
    from ganarium.cli.options import words_in
    from ganarium.cli.progress import say
    from ganarium.inference.samples import save_samples

    for place in save_samples(
        source,
        count,
        out=out,
        npz=npz,
        grid=grid,
        seed=seed,
        condition=condition,
        device=device,
        notify=say,
        **words_in(words),
    ):
        typer.echo(f"{count:,} samples of seed {seed}: {place}")
