"""Error messages and exit codes of the command line."""

import os
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

FAILED, MISUSED, STOPPED = 1, 2, 130
"""Exit codes: the run failed, the command is invalid, stopped by Ctrl-C."""
_WRONG_PATH = (
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    PermissionError,
)


class Verbs(TyperGroup):
    """Group of the verbs; prints errors in one line, except faults of the program itself."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; exit with a code and a message if it fails."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(STOPPED) from None
        except BrokenPipeError:
            raise
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            if ctx.params.get("debug"):
                traceback.print_exc()
            typer.echo(f"{_process()}error: {message(error)}", err=True)
            raise typer.Exit(code) from None


def exit_code(error: Exception) -> int | None:
    """Return 1 if a run failed, 2 if the command is invalid; None for a fault of the program."""
    if isinstance(error, (ValueError, *_WRONG_PATH)):
        return MISUSED
    if isinstance(error, OSError):
        return FAILED
    if isinstance(error, RuntimeError):
        from ganarium.core.processes import ProcessLostError
        from ganarium.monitoring.log import NonFiniteError
        from ganarium.training.trainer import RunLockedError

        if isinstance(error, (RunLockedError, ProcessLostError, NonFiniteError)):
            return FAILED
    return None


def message(error: Exception) -> str:
    """Return the message of an error."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _process() -> str:
    """Return the prefix of messages, which names the process if there are several."""
    return f"process {os.environ['RANK']}: " if int(os.environ.get("WORLD_SIZE", "1")) > 1 else ""
