"""File locks: one writer in a folder, on any operating system."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


class LockedError(RuntimeError):
    """Another process holds the lock; `holder` is its process number, `?` if unknown."""

    def __init__(self, path: Path, holder: str):
        super().__init__(f"{path} is locked by process {holder}")
        self.holder = holder


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file within the block; it contains this process' number.

    Raises:
        LockedError: another process holds it.
    """
    with path.open("a+") as file:
        if not _locked(file, shared=False):
            file.seek(0)
            raise LockedError(path, file.read() or "?")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_held(path: Path) -> bool:
    """Return True if another process holds the lock file."""
    try:
        with path.open("r+") as file:
            return not _locked(file, shared=True)
    except OSError:
        return False


def _locked(file: IO[str], *, shared: bool) -> bool:
    """Try to lock an open file without waiting; the lock ends when the file is closed."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
