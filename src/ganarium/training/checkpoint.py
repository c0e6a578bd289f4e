"""Checkpoints: everything that a run needs to continue, in one file of tensors, numbers and strings.

Files contain no pickled code and are read with `weights_only=True`. The checksum of each part is verified
first, so a damaged file is recognized before it is used.
"""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ganarium.common.files import atomic_write

FORMAT = 2


class CorruptFileError(ValueError):
    """Checkpoint that cannot be used; the message gives the reason."""


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Save `state` at `path` atomically.

    Raises:
        OSError: no space, or no permission to write; an older file at `path` is unchanged.
    """
    with atomic_write(path) as file:
        try:
            torch.save({"format": FORMAT, **state}, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch hides the error of a full disk
                raise error.__context__ from None
            raise


def read(path: Path) -> dict[str, Any]:
    """Return the state saved at `path`, on the CPU.

    Raises:
        CorruptFileError: the file is truncated, altered or of another format, or contains other objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if (part := archive.testzip()) is not None:
                raise CorruptFileError(f"{path}: its part {part} is damaged")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except zipfile.BadZipFile as error:
        raise CorruptFileError(f"{path} is not a complete checkpoint: {error}") from None
    except (RuntimeError, EOFError, OSError) as error:
        raise CorruptFileError(f"{path} cannot be read: {error}") from None
    except Exception as error:  # errors of an unpickler have no common class
        raise CorruptFileError(
            f"{path} contains more than tensors and plain values, and was not read: {error}"
        ) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else type(state).__name__
        raise CorruptFileError(
            f"{path} is of format {found!r}; this program reads format {FORMAT}: train again"
        )
    return state


class Checkpoints:
    """Folder of checkpoints, named by the number of images at which they were saved."""

    def __init__(self, folder: Path, *, keep: int = 3):
        self.folder = folder
        self.keep = keep

    def paths(self) -> list[Path]:
        """Return the files of all checkpoints, oldest first."""
        return sorted(self.folder.glob("[0-9]*.pt"))

    def path(self, images: int) -> Path:
        """Return the file of the checkpoint at this number of images."""
        return self.folder / f"{images:012d}.pt"

    def save(self, images: int, state: Mapping[str, Any], *, best: int | None = None) -> Path:
        """Save a checkpoint; remove older ones beyond the newest `keep`, and later ones, which are damaged.

        The checkpoint at `best` images is kept in any case.
        """
        path = self.path(images)
        write(path, state)
        paths = self.paths()
        count = paths.index(path) + 1
        best_path = None if best is None else self.path(best)
        for other in paths[: max(0, count - self.keep)] + paths[count:]:
            if other != best_path:
                other.unlink()
        return path

    def newest(self, warn: Callable[[str], None]) -> dict[str, Any] | None:
        """Return the newest valid checkpoint, None if there is none; `warn` receives the errors of others.

        Raises:
            CorruptFileError: there are checkpoints, but none is valid.
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
