"""Sources of other packages, and data that are given as objects."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ganarium.common.registry import Registry
from ganarium.data.settings import Data
from ganarium.data.sources.arrays import Arrays, channels_first
from ganarium.data.sources.base import Source

Opener = Callable[[str, Data, int], Source | None]
"""Function `open(name, data, seed)` that returns the source of a name, or None for an unknown name."""


def _check(item: Opener) -> None:
    if not callable(item):
        raise TypeError(f"{item!r} is not a function that opens a source")


OPENERS: Registry[Opener] = Registry(
    "source",
    "ganarium.sources",
    (),
    name_of=lambda item: f"{item.__module__}.{getattr(item, '__name__', type(item).__name__)}",
    check=_check,
)
"""Functions of other packages that open sources, tried before built-in names, files and folders."""

GIVEN = "given:"
"""Prefix of the names of data that are given as objects."""
_given: dict[str, Source] = {}


def give(data: Any) -> str:
    """Register an array, tensor, `Source` or `Dataset` in this process; return its name for `data.source`.

    The name contains a hash of an array's values, or of the arrays and plain values in a source's
    attributes. A run can be resumed if equal data are given again.

    Raises:
        TypeError: the object is none of these.
        ValueError: an array is not of images.
    """
    source = getattr(data, "source", data)
    if hasattr(source, "detach"):  # a tensor
        source = source.detach().cpu().numpy()
    if isinstance(source, np.ndarray):
        name = f"{GIVEN}array-{_fingerprint(source)}"
        source = Arrays("array", channels_first(source, "data"))
    elif isinstance(source, Source):
        name = f"{GIVEN}{type(source).__name__.lower()}-{_fingerprint(source)}"
    else:
        raise TypeError(
            f"data is a {type(data).__name__}; give the name of a folder, file or built-in source, or an "
            "array, a tensor, a ganarium Source or Dataset"
        )
    _given[name] = source
    return name


def _fingerprint(value: Any) -> str:
    """Return a hash of an array, a plain value, a sequence, or a source by its length and attributes."""
    if isinstance(value, np.ndarray):
        content = f"{value.shape} {value.dtype}".encode() + np.ascontiguousarray(value).tobytes()
    elif isinstance(value, str | int | float | Path):
        content = repr(value).encode()
    elif isinstance(value, tuple | list):
        content = " ".join(map(_fingerprint, value)).encode()
    elif isinstance(value, Source):
        attributes = [part for item in sorted(vars(value).items()) for part in item]
        content = _fingerprint([len(value), *attributes]).encode()
    else:
        content = type(value).__name__.encode()  # its contents are unknown
    return hashlib.sha256(content).hexdigest()[:12]


def opened(name: str, data: Data, seed: int) -> Source | None:
    """Return the source of an object's name, or of a name that another package opens; else None.

    Raises:
        FileNotFoundError: the object was given in another process.
    """
    if name in _given:
        return _given[name]
    if name.startswith(GIVEN):
        raise FileNotFoundError(
            f"data.source={name} was given as an object in another process: give it again, "
            "ganarium.resume(folder, data=...)"
        )
    return next((source for each in OPENERS.values() if (source := each(name, data, seed)) is not None), None)
