"""NumPy's `.npz`: an array `images` (or the only one that could be), `labels` and `classes` if they exist."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ganarium.data.sources.arrays import Arrays, channels_first

_OTHERS = ("labels", "classes")


def npz(path: Path) -> Arrays:
    """The pictures of an `.npz`. An array of Python objects would have to be unpickled and is refused unread.

    Raises:
        ValueError: no such file, objects inside, or no array of pictures.
    """
    try:
        headers = _headers(path)
        refused = [name for name, (_, dtype) in headers.items() if dtype.hasobject]
        if refused:
            raise ValueError(
                f"{path}: {', '.join(refused)} holds Python objects, which may run code when read; it is "
                "refused unread. Save plain numbers (or strings: dtype 'U') instead"
            )
        name = _name_of_images(path, headers)
        with np.load(path, allow_pickle=False) as arrays:
            images = channels_first(arrays[name], f"{path}: {name}")
            labels = arrays["labels"] if "labels" in headers else None
            classes = [str(each) for each in arrays["classes"]] if "classes" in headers else ()
    except (OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no whole .npz: {error}") from error
    return Arrays(".npz", images, labels, classes, labels_hint=f"an array `labels` in {path.name}")


def _headers(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and type of each array, none of them read."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): _header(archive, name, path)
            for name in archive.namelist()
            if name.endswith(".npy")
        }


def _header(archive: zipfile.ZipFile, name: str, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(name) as stream:
        try:
            if np.lib.format.read_magic(stream) == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
        except ValueError as error:
            raise ValueError(f"{path}: {name} is no array of NumPy: {error}") from error
    return shape, dtype


def _name_of_images(path: Path, headers: dict[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> str:
    if "images" in headers:
        return "images"
    candidates = [
        name for name, (shape, _) in headers.items() if len(shape) in (3, 4) and name not in _OTHERS
    ]
    if len(candidates) != 1:
        found = (
            ", ".join(f"{name} {dtype}{list(shape)}" for name, (shape, dtype) in headers.items()) or "nothing"
        )
        raise ValueError(
            f"{path}: looked for an array `images`, or a single one with 3 or 4 axes; found {found}"
        )
    return candidates[0]
