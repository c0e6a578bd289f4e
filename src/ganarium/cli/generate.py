"""`ganarium generate`."""

from pathlib import Path
from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="cpu, cuda or mps; samples may differ in the last bit.")]


def generate(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder, or a model's.")],
    count: Annotated[int, typer.Option(min=1, help="How many samples.")] = 16,
    seed: Annotated[int, typer.Option(help="Another seed, other samples.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for a PNG a sample; RUN_OR_MODEL/generated if nothing else is asked for."),
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Only this class (name or number); may be repeated.")
    ] = None,
    attributes: Annotated[
        str | None, typer.Option(help="What they show, such as smiling=yes,hat=no.")
    ] = None,
    pictures: Annotated[
        str | None, typer.Option(help="Pictures to draw from, for a model told a picture.")
    ] = None,
    grid: Annotated[Path | None, typer.Option(help="PNG for a sheet of the first 64.")] = None,
    npz: Annotated[Path | None, typer.Option(help="File for all samples as one float32 array.")] = None,
    device: Device = "cpu",
) -> None:
    """Draw samples from a trained model.

    Pictures become seed0-000000.png and so on, the same for the same seed; points become a .csv, and
    pictures that no PNG can hold (2 or 5 channels, say) an .npz. A file that holds other samples is never
    written over.

        ganarium generate runs/0001-dcgan --count 1000 --seed 3 --out generated/
        ganarium generate runs/0002-cgan --class star --class ring --grid stars_and_rings.png
    """
    from ganarium.cli.progress import say
    from ganarium.inference.samples import save_samples

    for place in save_samples(
        source,
        count,
        out=out,
        npz=npz,
        grid=grid,
        seed=seed,
        classes=classes or None,
        attributes=None if attributes is None else _wishes(attributes),
        pictures=pictures,
        device=device,
        notify=say,
    ):
        typer.echo(f"{count:,} samples of seed {seed}: {place}")


def _wishes(text: str) -> dict[str, bool]:
    """`smiling=yes,hat=no` as a table.

    Raises:
        ValueError: a value is neither yes nor no.
    """
    words = {"yes": True, "no": False, "1": True, "0": False, "true": True, "false": False}
    wishes = {}
    for part in text.split(","):
        name, _, word = part.partition("=")
        if word.strip().lower() not in words:
            raise ValueError(f"--attributes {part!r}: write NAME=yes or NAME=no, with commas between them")
        wishes[name.strip()] = words[word.strip().lower()]
    return wishes
