"""`ganarium train`."""

from pathlib import Path
from typing import Annotated

import typer

Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Keys of the recipe to change.", show_default=False),
]


def train(
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help="A method's name, or a recipe file (.yaml).")
    ],
    settings: Settings = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="A folder, a file (.npz, .zip, idx), or a name such as world or mnist; given twice, two "
            "domains or the two sides of pairs.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; the next free one under runs/ if not given.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="One of the method's presets (ganarium show).")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the recipe and the estimate; write nothing.")
    ] = False,
) -> None:
    """Train a method on your own pictures, or on the built-in world.

    First prints the complete recipe, what was recognised in the data, the networks and an estimate of
    memory and time: what --dry-run prints is a recipe file. Ctrl-C saves and leaves; `ganarium resume`
    goes on. Length is in images=..., or epochs=... of the data.

        ganarium train dcgan --data photos/ images=200_000 optimizers.generator.lr=1e-4
        ganarium train dcgan --data photos/ epochs=50 game.objective=hinge game.penalty=r1
        ganarium train dcgan --data photos/ --dry-run > mine.yaml
        ganarium train cyclegan --data horses/ --data zebras/
        ganarium train mine.yaml --out runs/mine
        torchrun --nproc-per-node 2 -m ganarium train dcgan --data photos/
    """
    from ganarium.cli.progress import plan, say
    from ganarium.cli.training import play
    from ganarium.training.run import group, prepare

    run = prepare(method, data=data or None, out=out, preset=preset, overrides=settings or (), notify=say)
    with group(run.recipe):
        for line in plan(run.trainer()):
            say(line)
        if dry_run:
            say("# a dry run: nothing was written")
            return
        say(f"# run: {run.folder}")
        play(run)
