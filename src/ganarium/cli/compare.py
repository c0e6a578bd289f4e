"""`ganarium compare`."""

from pathlib import Path
from typing import Annotated

import typer


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Folders of the runs.")],
    out: Annotated[Path, typer.Option(help="File of the page.")] = Path("compare.html"),
) -> None:
    """Write a page of runs side by side: curves, samples, last numbers, differences between recipes.

    The methods of the runs may differ. The page is one HTML file, which needs no network and no other file.

        ganarium compare runs/0001-dcgan runs/0002-dcgan
        ganarium compare runs/*-wgan-gp --out wgan-gp.html
    """
    from ganarium.cli.report import print_page
    from ganarium.reports import compare as page

    print_page(page(runs, out))
