"""`ganarium translate`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.generate import Device


def translate(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder, or a model's.")],
    pictures: Annotated[Path, typer.Argument(metavar="IN", help="A file, or a folder with pictures.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder; or a .png if IN is a file.")],
    to: Annotated[str | None, typer.Option(help="The domain that is wished, by name or number.")] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="The domain of IN; picture: make from it what the model is told."),
    ] = None,
    style: Annotated[
        Path | None, typer.Option(help="A picture that all shall look like, for models that learned styles.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the style where none is given, one for all; 0 if not said.")
    ] = None,
    palette: Annotated[
        Path | None,
        typer.Option(help="Table of classes and colours, where maps are painted in others."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="PNG that shows the first eight: input, output, back again.")
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(min=0, help="Side of tiles in pixels; 0 none; if not given 512 above 1.5 megapixels."),
    ] = None,
    overlap: Annotated[int, typer.Option(min=0, help="Of tiles, in pixels.")] = 64,
    batch_size: Annotated[int, typer.Option(min=1, help="How many of one size at a time, at most.")] = 8,
    precision: Annotated[
        str, typer.Option(help="float32; or bfloat16, faster, most pixels a few levels of 255 off.")
    ] = "float32",
    device: Device = "cpu",
) -> None:
    """Turn pictures of one kind into pictures of another.

    Sub-folders, names, sizes and alpha stay; files are PNG, 8 bits a channel. What IN shows is what the model
    is told: drawings for a model of edges, for one of label maps ids or the colours of training. A table of
    other colours may lie beside such maps, instances in a folder instances/. With --from picture, IN is
    ordinary pictures, and edges (or grey, mosaic, blur, lowres, mask) are made from them. A broken file is
    named and skipped, and the exit code is 1. A file that holds something else is never written over.

        ganarium translate runs/0003-cyclegan photos/ inked/ --to inked --sheet sheet.png
        ganarium translate runs/0004-pix2pix photos/ painted/ --from picture
    """
    from ganarium.cli.errors import FAILED
    from ganarium.cli.progress import say, shares
    from ganarium.inference.folders import outcomes
    from ganarium.models.loading import load

    model = load(source, device=device)
    made, skipped = 0, 0
    with shares() as share:
        for each in outcomes(
            model,
            pictures,
            out,
            to=to,
            from_=from_,
            style=style,
            seed=seed,
            palette=palette,
            tile=tile,
            overlap=overlap,
            batch_size=batch_size,
            sheet=sheet,
            precision=precision,
            notify=say,
            share=share,
        ):
            made += each.made is not None
            if each.made is None:
                skipped += 1
                typer.echo(f"skipped {each.given}: {each.reason}", err=True)
    typer.echo(f"{made:,} pictures: {out}" + (f"; {skipped:,} skipped" if skipped else ""))
    if skipped:
        raise typer.Exit(FAILED)
