"""Atomic file writing: write under a temporary name, then rename."""

import contextlib
import filecmp
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

UNFINISHED = ".part"
"""Suffix of files that are still being written."""

Overwrite = Literal["never", "if-equal", "always"]


@contextlib.contextmanager
def atomic_write(path: Path, overwrite: Overwrite = "always") -> Iterator[BinaryIO]:
    """Yield a file to write to; it becomes `path` if the block ends without an error, else it is removed.

    With `always`, the new contents are flushed to the disk before they replace the old ones, so that a power
    cut loses neither.

    Args:
        path: the file; its folder is created.
        overwrite: whether an existing file may be replaced: `never`, `if-equal` (only by the same contents;
            pixels of PNG files may differ by one level, as they do between batch sizes) or `always`.

    Raises:
        FileExistsError: `path` exists and may not be replaced; it stays unchanged.
        OSError: no space or no write permission; an existing file at `path` stays unchanged.
    """
    if overwrite == "never":
        _check_overwrite(path, path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if overwrite == "always":
                file.flush()
                os.fsync(file.fileno())
        _check_overwrite(path, Path(name), overwrite)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(name)
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = str(path)
        raise
    if overwrite == "always":
        _flush_folder(path.parent)


def _check_overwrite(path: Path, new: Path, overwrite: Overwrite) -> None:
    """Raise FileExistsError if the file at `path` may not be replaced by `new`."""
    if overwrite == "always" or not path.exists():
        return
    if overwrite == "never":
        raise FileExistsError(f"{path} is there already; choose another path, or remove it")
    if not _same_contents(path, new):
        raise FileExistsError(
            f"{path} is there already and holds something else; choose another path, or remove it"
        )


def _same_contents(old: Path, new: Path) -> bool:
    """Return True if two files are equal; pixels of PNG files may differ by one level."""
    if filecmp.cmp(old, new, shallow=False):
        return True
    if old.suffix.lower() != ".png":
        return False
    import numpy as np
    from PIL import Image

    try:
        with Image.open(old) as a, Image.open(new) as b:
            pixels = [np.asarray(image, dtype=np.int16) for image in (a, b)]
    except OSError:
        return False
    return pixels[0].shape == pixels[1].shape and bool((np.abs(pixels[0] - pixels[1]) <= 1).all())


def _flush_folder(folder: Path) -> None:
    """Flush a folder to the disk, so that a rename in it survives a power cut, if the system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def cache_folder() -> Path:
    """Return the folder of files that can be computed or downloaded again.

    `GANARIUM_CACHE` if it is set, else `ganarium` in `XDG_CACHE_HOME` (default: `~/.cache`).
    """
    if folder := os.environ.get("GANARIUM_CACHE"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "ganarium"


def sweep(folder: Path) -> None:
    """Remove the unfinished files of killed writers from `folder`; no process may be writing there."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, over an existing file."""
    with atomic_write(path) as file:
        file.write(text.encode())
