"""The command line within this process and in processes of their own: for its tests."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from ganarium.cli.app import app
from small_runs import environment

TINY = (
    "images=64",
    "batch_size=8",
    "device=cpu",
    "data.size=16",
    "data.count=48",
    "data.workers=0",
    "networks.generator.width=4",
    "networks.discriminator.width=4",
    "game.noise_dim=4",
)


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


def said(*arguments: str | Path) -> Said:
    """What the command says, within this process."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], prog_name="ganarium")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def done(*arguments: str | Path) -> str:
    """What the command prints when all is well."""
    result = said(*arguments)
    assert result.code == 0, result
    return result.out


def refused(*arguments: str | Path) -> str:
    """What the command says of a wrong use; it says nothing else, and shows no traceback."""
    result = said(*arguments)
    assert result.code == 2, result
    assert "Traceback" not in result.err
    return result.err


def started(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> subprocess.Popen:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ganarium", *map(str, arguments)],
        cwd=cwd,
        env=environment() | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
