"""Files of NumPy's `.npz`: arrays `images` (or the only one of 3 or 4 axes), `labels` and `classes`."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ganarium.data.sources.arrays import Arrays, channels_first

_OTHERS = ("labels", "classes")
_Header = tuple[tuple[int, ...], np.dtype[Any]]


def npz(path: Path) -> Arrays:
    """Return the images of an `.npz`.

    Arrays of Python objects are refused unread, since unpickling may run code.

    Raises:
        ValueError: the file is damaged, holds Python objects, or holds no array of images.
    """
    try:
        headers = _headers(path)
        if refused := [name for name, (_, dtype) in headers.items() if dtype.hasobject]:
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


def _headers(path: Path) -> dict[str, _Header]:
    """Return shape and dtype of each array without reading it."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): _header(archive, name, path)
            for name in archive.namelist()
            if name.endswith(".npy")
        }


def _header(archive: zipfile.ZipFile, name: str, path: Path) -> _Header:
    with archive.open(name) as stream:
        try:
            if np.lib.format.read_magic(stream) == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
        except ValueError as error:
            raise ValueError(f"{path}: {name} is no array of NumPy: {error}") from error
    return shape, dtype


def _name_of_images(path: Path, headers: dict[str, _Header]) -> str:
    if "images" in headers:
        return "images"
    candidates = [
        name for name, (shape, _) in headers.items() if len(shape) in (3, 4) and name not in _OTHERS
    ]
    if len(candidates) != 1:
        found = [f"{name} {dtype}{list(shape)}" for name, (shape, dtype) in headers.items()]
        raise ValueError(
            f"{path}: looked for an array `images`, or a single one with 3 or 4 axes; "
            f"found {', '.join(found) or 'nothing'}"
        )
    return candidates[0]
