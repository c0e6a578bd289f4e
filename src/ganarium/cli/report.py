"""`ganarium report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder; it may be unfinished.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes; RUN/report.html if not given.")
    ] = None,
) -> None:
    """Put a run on one page: curves, samples over time, recipe, data, how to go on.

    The page is one HTML file that needs nothing else: no network, no other file. What is missing in a run
    that is broken or has just begun is said on it.

        ganarium report runs/0001-dcgan
        ganarium report runs/0001-dcgan --out dcgan.html
    """
    from ganarium.reports import report as page

    tell(page(run, out))


def tell(place: Path) -> None:
    """Say where a page is, and how large."""
    typer.echo(f"{place} ({place.stat().st_size / 2**20:.1f} MiB)")
