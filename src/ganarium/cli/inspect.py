"""`ganarium inspect`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ganarium.cli.methods import AsJson
from ganarium.cli.train import Settings


def inspect(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A folder, a file or a name, as for train.")],
    settings: Settings = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--data", help="Another source, if train is given several.", show_default=False),
    ] = None,
    grid: Annotated[
        Path | None, typer.Option(help="PNG to write; DATA-grid.png in this folder if not given.")
    ] = None,
    no_grid: Annotated[bool, typer.Option("--no-grid", help="Write no grid of samples.")] = False,
    as_json: AsJson = False,
) -> None:
    """Report what data contain, and which files are broken.

    Prints counts, sizes, classes and attributes, and names the files that will be skipped; up to 2,000
    samples are decoded. A grid shows some of them, 64 images say, as a network would be given them. The keys
    are those of a recipe's `data`.

        ganarium inspect photos/
        ganarium inspect photos/ size=64 channels=1 --grid gray.png
        ganarium inspect horses/ --data zebras/ condition=domains
    """
    import json
    from functools import reduce

    from ganarium.common.schema import merge
    from ganarium.evaluation.inspect import inspect
    from ganarium.recipes.yaml import override

    trees = [override(text.removeprefix("data.")) for text in settings or ()]
    keys: dict[str, Any] = reduce(merge, trees, {})
    target = None if no_grid else grid or Path(f"{Path(data).resolve().name}-grid.png")
    report = inspect((data, *(more or ())), grid=target, **keys)
    if as_json:
        typer.echo(json.dumps(report.to_dict() | {"grid": target and str(target)}, indent=2))
        return
    for line in report.lines():
        typer.echo(line)
    if target is not None:
        typer.echo(f"grid of samples: {target}")
