"""`ganarium translate`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.options import BatchSize, Device, Grid, Overlap, Palette, Precision, Window, Words


def translate(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="Folder of a run or of a model.")],
    images: Annotated[Path, typer.Argument(metavar="IN", help="File, or folder with images.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder; or a .png if IN is a file.")],
    words: Words = None,
    to: Annotated[str | None, typer.Option(help="Target domain, by name or number.")] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Domain of IN; picture: make the model's input from ordinary images."),
    ] = None,
    style: Annotated[
        Path | None, typer.Option(help="Image that all outputs are to look like, for models with styles.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the style if none is given, one for all; 0 if not given.")
    ] = None,
    palette: Palette = None,
    grid: Grid = None,
    tile: Window = None,
    overlap: Overlap = 64,
    batch_size: BatchSize = 8,
    precision: Precision = "float32",
    device: Device = "cpu",
) -> None:
    """Translate images of one kind to images of another.

    Sub-folders, names, sizes and alpha stay; files are PNG, 8 bits a channel. IN shows what the model takes:
    drawings for a model of edges; for one of label maps ids or the colors of training. A table of other
    colors may lie beside such maps, instances in a folder instances/. With --from picture, IN is ordinary
    images, and edges (or grey, mosaic, blur, lowres, mask) are made from them. A broken file is named and
    skipped, and the exit code is 1. A file that holds something else is never replaced.

        ganarium translate runs/0003-cyclegan photos/ inked/ --to inked --grid before_after.png
        ganarium translate runs/0004-pix2pix photos/ painted/ --from picture
    """
    from ganarium.cli.apply import apply_to_files
    from ganarium.cli.options import words_in
    from ganarium.inference.job import FileSettings
    from ganarium.inference.translate import translation_words
    from ganarium.models.loading import load

    model = load(source, device=device)
    given, derive = translation_words(model, words_in(words), to=to, from_=from_, style=style)
    settings = FileSettings(seed, tile, overlap, batch_size, grid, precision, derive, palette)
    apply_to_files(model, "translate", [images], out, given, settings)
