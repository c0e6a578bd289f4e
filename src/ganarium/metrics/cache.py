"""Disk cache of the outputs of feature networks for real samples."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganarium.common.files import atomic_write, cache_folder
from ganarium.data.settings import Data
from ganarium.data.sources.recognize import NAMES

FORMAT = 1
"""Version of the files and of their keys."""


def kept(key: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors cached under a key; empty if there are none or the file is damaged."""
    try:
        with safe_open(_path(key), "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return {}
    return tensors if metadata == _metadata(key, tensors) else {}


def keep(key: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Cache tensors under a key; skip this if the disk is full or not writable."""
    content = save(dict(tensors), metadata=_metadata(key, tensors))
    with contextlib.suppress(OSError), atomic_write(_path(key)) as file:
        file.write(content)


def identity(data: Data, seed: int) -> dict[str, Any] | None:
    """Return values that identify data without reading them: settings, and names, sizes and dates of files.

    For generated data the seed replaces the files. None for data that are neither: arrays, and sources of
    other packages.
    """
    settings = data.model_dump(mode="json", exclude={"flip", "workers", "cache_gib"})
    if data.source in NAMES:
        return {**settings, "seed": seed}
    places = {each: Path(each).expanduser().resolve() for each in data.sources if each not in NAMES}
    if not all(place.exists() for place in places.values()):
        return None
    lines = [line for place in places.values() for line in _files(place)]
    source = [str(places.get(each, each)) for each in data.sources]
    tree = {**settings, "source": source, "files": _sum("\n".join(lines).encode())}
    return tree if len(places) == len(data.sources) else tree | {"seed": seed}


def fingerprint(samples: Tensor) -> str:
    """Return a checksum of samples; checksums of a few reveal data that are generated or read differently."""
    return _sum(samples.contiguous().numpy().tobytes())


def _files(place: Path) -> list[str]:
    """Return a line for each file at a place; links are followed, and each folder is entered once."""
    if place.is_file():
        return [_line(place)]
    lines, entered = [], set()
    for folder, folders, names in os.walk(place, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        lines += [_line(Path(folder, name)) for name in names]
    return sorted(lines)


def _line(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:  # a broken link
        return str(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _path(key: Mapping[str, Any]) -> Path:
    return cache_folder() / "features" / f"{_sum(_text(key).encode())[:32]}.safetensors"


def _metadata(key: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the metadata of a file: its key, and a checksum of its numbers."""
    bodies = (tensors[name].contiguous().numpy().tobytes() for name in sorted(tensors))
    return {"key": _text(key), "sha256": _sum(b"".join(bodies))}


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps({"format": FORMAT, **key}, sort_keys=True)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
