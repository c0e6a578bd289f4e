"""All verbs in one command."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ganarium import __version__
from ganarium.cli.apply import apply
from ganarium.cli.classify import classify
from ganarium.cli.compare import compare
from ganarium.cli.doctor import doctor
from ganarium.cli.errors import Verbs
from ganarium.cli.evaluate import evaluate
from ganarium.cli.export import export
from ganarium.cli.generate import generate
from ganarium.cli.import_ import import_
from ganarium.cli.inspect import inspect as inspect_verb
from ganarium.cli.lab import lab
from ganarium.cli.methods import methods
from ganarium.cli.report import report
from ganarium.cli.resume import resume
from ganarium.cli.show import show
from ganarium.cli.train import train
from ganarium.cli.translate import translate
from ganarium.cli.traverse import traverse

VERBS: dict[str, Callable[..., Any]] = {
    "methods": methods,
    "show": show,
    "inspect": inspect_verb,
    "train": train,
    "resume": resume,
    "generate": generate,
    "translate": translate,
    "traverse": traverse,
    "classify": classify,
    "apply": apply,
    "evaluate": evaluate,
    "doctor": doctor,
    "report": report,
    "compare": compare,
    "import": import_,
    "export": export,
    "lab": lab,
}


def formatted(text: str) -> str:
    """Return a docstring as help text: the lines of indented paragraphs, which are examples, are kept."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(f"\b\n{part}" if part.startswith(" ") else part for part in paragraphs)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ganarium {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="GANARIUM_DEBUG", help="Print the traceback of an error.")
    ] = False,
) -> None:
    """Every important GAN on one engine: train, resume, evaluate and use each by one command.

    The first two commands; without --data the method is trained on the built-in world:

        ganarium train dcgan images=200_000
        ganarium generate runs/0001-dcgan --grid samples.png

    Exit codes:

        0    done
        1    the command failed: a loss became infinite, the disk is full ...
        2    the command was used wrongly: an unknown method or key, a missing folder ...
        130  stopped by Ctrl-C, 143 by SIGTERM; a run is saved first
    """


app = typer.Typer(
    cls=Verbs,
    help=formatted(options.__doc__ or ""),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(options)
for _name, _verb in VERBS.items():
    app.command(_name, help=formatted(_verb.__doc__ or ""))(_verb)
