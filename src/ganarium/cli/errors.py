"""How errors are told, and the exit codes that scripts can use."""

import os
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

FAILED, MISUSED, STOPPED = 1, 2, 130
_MISPLACED = (
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    PermissionError,
)


class Verbs(TyperGroup):
    """The verbs; what goes wrong in one is told in a line, unless the program itself is at fault."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
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
            typer.echo(f"{_who()}error: {told(error)}", err=True)
            raise typer.Exit(code) from None


def exit_code(error: Exception) -> int | None:
    """1 where a run failed, 2 where it was asked for in a wrong way; None for a fault of the program."""
    if isinstance(error, (ValueError, *_MISPLACED)):
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


def told(error: Exception) -> str:
    """The error in words."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _who() -> str:
    """Which of several processes speaks."""
    return f"process {os.environ['RANK']}: " if int(os.environ.get("WORLD_SIZE", "1")) > 1 else ""
