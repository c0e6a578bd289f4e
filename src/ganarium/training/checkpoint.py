"""Checkpoints: everything that a run needs to go on, in one file of tensors, numbers and words.

No pickled code: files are read with `weights_only=True`, and each part's checksum is compared first, so
a damaged file is known before it is used.
"""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ganarium.common.files import atomic_write

FORMAT = 1


class CorruptFileError(ValueError):
    """A checkpoint that cannot be used; the message says why."""


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Save `state` at `path`, whole or not at all.

    Raises:
        OSError: no room or no right to write; what stood at `path` stays as it was.
    """
    with atomic_write(path) as file:
        try:
            torch.save({"format": FORMAT, **state}, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch hides that the disk is full
                raise error.__context__ from None
            raise


def read(path: Path) -> dict[str, Any]:
    """The state saved at `path`, on the CPU.

    Raises:
        DamagedError: the file is cut off, altered, of another format, or holds more than plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if (part := archive.testzip()) is not None:
                raise CorruptFileError(f"{path}: its part {part} is damaged")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except zipfile.BadZipFile as error:
        raise CorruptFileError(f"{path} is no whole checkpoint: {error}") from None
    except (RuntimeError, EOFError, OSError) as error:
        raise CorruptFileError(f"{path} cannot be read: {error}") from None
    except Exception as error:  # what an unpickler raises has no common class
        raise CorruptFileError(
            f"{path} holds more than tensors and plain values, and is left unread: {error}"
        ) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else type(state).__name__
        raise CorruptFileError(f"{path} is of format {found!r}; this program reads format {FORMAT}")
    return state


class Checkpoints:
    """A folder of checkpoints, named by the images that the run had shown when they were made."""

    def __init__(self, folder: Path, *, keep: int = 3):
        self.folder = folder
        self.keep = keep

    def paths(self) -> list[Path]:
        """All of them, oldest first."""
        return sorted(self.folder.glob("[0-9]*.pt"))

    def path(self, images: int) -> Path:
        """Where the one made after so many images is."""
        return self.folder / f"{images:012d}.pt"

    def save(self, images: int, state: Mapping[str, Any], *, best: int | None = None) -> Path:
        """Save a checkpoint, then remove the oldest beyond `keep`, and later ones: they were damaged.

        The one made after `best` images stays whatever its age.
        """
        path = self.path(images)
        write(path, state)
        paths = self.paths()
        here = paths.index(path) + 1
        spared = None if best is None else self.path(best)
        for gone in paths[: max(0, here - self.keep)] + paths[here:]:
            if gone != spared:
                gone.unlink()
        return path

    def newest(self, warn: Callable[[str], None]) -> dict[str, Any] | None:
        """The newest sound checkpoint, None where there is none; `warn` is told of each damaged one.

        Raises:
            DamagedError: there are checkpoints, and none is sound.
        """
        paths = self.paths()
        for path in reversed(paths):
            try:
                return read(path)
            except CorruptFileError as error:
                warn(f"{error}; falling back to the one before")
        if paths:
            raise CorruptFileError(f"none of the {len(paths)} checkpoints in {self.folder} can be read")
        return None
