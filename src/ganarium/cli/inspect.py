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
        typer.Option("--data", help="Another source, where train is given several.", show_default=False),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Where the contact sheet goes; DATA-sheet.png here if not given.")
    ] = None,
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Write no contact sheet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at data: what is recognised, what is broken.

    Tells counts, sizes, classes and attributes, and names the files that will be skipped; up to 2,000
    samples are decoded. The contact sheet shows 64 of them as a network would see them. The keys are those
    of a recipe's `data`.

        ganarium inspect photos/
        ganarium inspect photos/ size=64 channels=1 --sheet grey.png
        ganarium inspect horses/ --data zebras/ condition=domains
    """
    import json
    from functools import reduce

    from ganarium.common.schema import merge
    from ganarium.evaluation.inspect import inspect
    from ganarium.recipes.yaml import override

    trees = [override(text.removeprefix("data.")) for text in settings or ()]
    keys: dict[str, Any] = reduce(merge, trees, {})
    target = None if no_sheet else sheet or Path(f"{Path(data).resolve().name}-sheet.png")
    report = inspect((data, *(more or ())), sheet=target, **keys)
    if as_json:
        typer.echo(json.dumps(report.to_dict() | {"sheet": target and str(target)}, indent=2))
        return
    for line in report.lines():
        typer.echo(line)
    if target is not None:
        typer.echo(f"contact sheet: {target}")
