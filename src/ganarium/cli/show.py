"""`ganarium show`."""

from typing import Annotated

import typer


def show(name: Annotated[str, typer.Argument(metavar="METHOD", help="Name of a method.")]) -> None:
    """Show a method's card, script, recipe and presets.

    ganarium show wgan-gp
    """
    from inspect import cleandoc, getsource
    from textwrap import dedent

    from ganarium.methods.table import find
    from ganarium.recipes.presets import presets
    from ganarium.recipes.resolve import resolve
    from ganarium.recipes.yaml import to_yaml

    method = find(name)
    _heading(method.name)
    typer.echo(cleandoc(method.card))
    _heading("the script")
    _code(dedent(getsource(getattr(method.game, method.game.script))), "python")
    _heading("the recipe")
    _code(to_yaml(resolve(method)), "yaml")
    _heading("presets")
    for preset, path in presets(method).items():
        description = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        typer.echo(f"{preset}: {description}")
    typer.echo(f"(ganarium train {method.name} --preset NAME)" if presets(method) else "none")


def _heading(text: str) -> None:
    typer.secho(f"\n{text}\n{'-' * len(text)}", bold=True)


def _code(text: str, language: str) -> None:
    """Print code, colored on a terminal."""
    from rich.console import Console
    from rich.syntax import Syntax

    console = Console()
    if console.is_terminal:
        console.print(Syntax(text.rstrip(), language, background_color="default"))
    else:
        typer.echo(text.rstrip())
