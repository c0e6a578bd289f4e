"""File writing that never replaces other contents."""

import contextlib
import filecmp
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from PIL import Image

from ganarium.common.files import UNFINISHED


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write to; it becomes `path` if the block ends without an error.

    Raises:
        FileExistsError: `path` exists and its contents differ.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        with part.open("wb") as file:
            yield cast(BinaryIO, file)
        if path.exists() and not _same_contents(path, part):
            raise FileExistsError(
                f"{path} exists already and holds something else; choose another path, or remove the file"
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _same_contents(old: Path, new: Path) -> bool:
    """Return True if two files are equal; PNG pixels may differ by one level, as between batch sizes."""
    if old.suffix.lower() != ".png":
        return filecmp.cmp(old, new, shallow=False)
    try:
        a, b = _pixels([old, new])
    except OSError:
        return False
    return a.shape == b.shape and bool((np.abs(a - b) <= 1).all())


def _pixels(paths: Iterable[Path]) -> list[np.ndarray]:
    pixels = []
    for path in paths:
        with Image.open(path) as image:
            pixels.append(np.asarray(image, dtype=np.int16))
    return pixels
