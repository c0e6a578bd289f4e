"""`ganarium compare`."""

from pathlib import Path
from typing import Annotated

import typer


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="The runs' folders.")],
    out: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("compare.html"),
) -> None:
    """Put runs side by side on one page: their curves, samples, last numbers, what their recipes differ in.

    They may be of different methods. The page is one HTML file that needs nothing else.

        ganarium compare runs/0001-dcgan runs/0002-dcgan
        ganarium compare runs/*-wgan-gp --out wgan-gp.html
    """
    from ganarium.cli.report import tell
    from ganarium.reports import compare as page

    tell(page(runs, out))
