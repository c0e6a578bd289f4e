"""`ganarium lab`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganarium.cli.methods import AsJson

if TYPE_CHECKING:
    from ganarium.lab import ExperimentResult


def lab(
    name: Annotated[
        str | None, typer.Argument(metavar="EXPERIMENT", help="Name; without one, lists the experiments.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Settings of the experiment.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG file of the figure; by default lab/EXPERIMENT.png.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, noise and points; by default 0.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run an experiment on the theory of GANs, on points in the plane whose density is known.

    An experiment takes a minute or less, prints a table and saves a figure.

        ganarium lab
        ganarium lab ring
        ganarium lab ring objectives=[hinge,wasserstein-gp] --seed 1 --out hinge.png
    """
    import json

    from ganarium.common.schema import checked, schema
    from ganarium.common.text import nearest
    from ganarium.lab import EXPERIMENTS
    from ganarium.lab.result import png
    from ganarium.recipes.yaml import settings as tree_of

    if name is None:
        _list(as_json)
        return
    if name not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise ValueError(f"there is no experiment {name!r}; choose from {known}{nearest(name, EXPERIMENTS)}")
    experiment, path = EXPERIMENTS[name], png(out or f"lab/{name}.png")
    tree = tree_of(settings or ()) | ({} if seed is None else {"seed": seed})
    result = experiment(**dict(checked(schema(experiment), tree, "")))
    if as_json:
        typer.echo(json.dumps(result.to_dict(), indent=2, ensure_ascii=False))
    else:
        _show(result)
    result.save(path)
    if not as_json:
        typer.echo(f"\nfigure: {path}")


def _show(result: "ExperimentResult") -> None:
    from ganarium.cli.tables import print_table
    from ganarium.common.text import flat

    typer.secho(f"{result.title}\n", bold=True)
    print_table(tuple(result.rows[0]), [[cell for _, cell in flat(row)] for row in result.rows])
    typer.echo(f"\n{result.words}")


def _list(as_json: bool) -> None:
    import json
    from inspect import getdoc

    from ganarium.cli.tables import print_table
    from ganarium.lab import EXPERIMENTS

    rows = [(name, (getdoc(experiment) or "").partition("\n")[0]) for name, experiment in EXPERIMENTS.items()]
    if as_json:
        typer.echo(json.dumps([dict(zip(("name", "shows"), row, strict=True)) for row in rows], indent=2))
    else:
        print_table(("experiment", "description"), rows)
