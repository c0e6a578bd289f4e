"""`ganarium report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run; it may be unfinished.")],
    out: Annotated[Path | None, typer.Option(help="File of the page; by default RUN/report.html.")] = None,
) -> None:
    """Write a run as one page: curves, samples over time, recipe, data, commands to continue.

    The page is one HTML file, which needs no network and no other file. It lists the parts that are missing
    in a run that is damaged or has just begun.

        ganarium report runs/0001-dcgan
        ganarium report runs/0001-dcgan --out dcgan.html
    """
    from ganarium.reports import report as page

    print_page(page(run, out))


def print_page(path: Path) -> None:
    """Print the path and the size of a page."""
    typer.echo(f"{path} ({path.stat().st_size / 2**20:.1f} MiB)")
