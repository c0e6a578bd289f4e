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
        str, typer.Argument(metavar="METHOD", help="Name of a method, or a recipe file (.yaml).")
    ],
    settings: Settings = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder, file (.npz, .zip, idx), or name such as world or mnist; give it twice for two "
            "domains or the two sides of pairs.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default the next free one under runs/.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Preset of the method (see ganarium show).")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the recipe and the estimate; write nothing.")
    ] = False,
) -> None:
    """Train a method on your own images, or on the built-in world.

    Prints the complete recipe, a report on the data, the networks, and an estimate of memory and time; the
    output of --dry-run is a recipe file. Ctrl-C saves the run and stops; `ganarium resume` continues it.
    images=... or epochs=... sets the length.

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
