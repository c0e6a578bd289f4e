"""`ganarium classify`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.methods import AsJson
from ganarium.cli.options import Device


def classify(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="Folder of a run or of a model.")],
    data: Annotated[str, typer.Argument(metavar="IMAGES", help="Folder, file or name of data.")],
    count: Annotated[
        int | None, typer.Option(min=1, help="Number of images, evenly spread; all if not given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="CSV with the probability of every class, instead of the table.")
    ] = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Name the classes of images.

    For models that learn classes, such as semi-supervised-gan. If the images have labels of their own, as
    sub-folders with the names of the model's classes, the accuracy is printed, too.

        ganarium classify runs/0004-semi-supervised-gan new_images/
        ganarium classify runs/0004-semi-supervised-gan held_out/ --out classes.csv
    """
    import json

    from ganarium.cli.tables import print_table
    from ganarium.common.files import write_text
    from ganarium.inference.classify import classify as classified

    found = classified(source, data, count=count, device=device)
    if out is not None:
        write_text(out, found.to_csv())
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    if out is None:
        rows = ((name, label, f"{100 * share:.1f} %") for name, label, share in found.rows())
        print_table(("image", "class", "probability"), rows)
    else:
        typer.echo(f"{len(found.names):,} images: {out}")
    if accuracy := found.accuracy:
        known = int((found.labels >= 0).sum())
        typer.echo(f"accuracy: {100 * accuracy.overall:.1f} % of the {known:,} images whose class is known")
