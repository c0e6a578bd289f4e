"""New files that never replace other contents."""

import contextlib
import filecmp
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from ganarium.common.files import UNFINISHED


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that becomes `path` when the block ends well.

    Raises:
        FileExistsError: `path` is there already and holds something else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        with part.open("wb") as file:
            yield file
        if path.exists() and not _alike(path, part):
            raise FileExistsError(
                f"{path} is there already and holds something else; choose another place, or remove it"
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _alike(old: Path, new: Path) -> bool:
    """Whether two files hold the same; pixels may be a level apart, for batches of another size round so."""
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
