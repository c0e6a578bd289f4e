"""`ganarium lab`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganarium.cli.methods import AsJson

if TYPE_CHECKING:
    from ganarium.lab import ExperimentResult


def lab(
    name: Annotated[
        str | None, typer.Argument(metavar="EXPERIMENT", help="Its name; lists them all if not given.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Settings of the experiment.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG for the picture; lab/EXPERIMENT.png if not given.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, noise and points; 0 if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """See the theory of GANs at work, on points in the plane whose density is known.

    An experiment takes a minute or less, prints its table and draws one picture.

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
        raise ValueError(f"no experiment {name!r}: {', '.join(EXPERIMENTS)}{nearest(name, EXPERIMENTS)}")
    experiment, place = EXPERIMENTS[name], png(out or f"lab/{name}.png")
    tree = tree_of(settings or ()) | ({} if seed is None else {"seed": seed})
    finding = experiment(**dict(checked(schema(experiment), tree, "")))
    if as_json:
        typer.echo(json.dumps(finding.to_dict(), indent=2, ensure_ascii=False))
    else:
        _show(finding)
    finding.save(place)
    if not as_json:
        typer.echo(f"\npicture: {place}")


def _show(finding: "ExperimentResult") -> None:
    from ganarium.cli.tables import print_table
    from ganarium.common.text import flat

    typer.secho(f"{finding.title}\n", bold=True)
    print_table(tuple(finding.rows[0]), [[told for _, told in flat(row)] for row in finding.rows])
    typer.echo(f"\n{finding.words}")


def _list(as_json: bool) -> None:
    import json
    from inspect import getdoc

    from ganarium.cli.tables import print_table
    from ganarium.lab import EXPERIMENTS

    rows = [(name, (getdoc(experiment) or "").partition("\n")[0]) for name, experiment in EXPERIMENTS.items()]
    if as_json:
        typer.echo(json.dumps([dict(zip(("name", "shows"), row, strict=True)) for row in rows], indent=2))
    else:
        print_table(("experiment", "what it shows"), rows)
