"""What a network says of real samples, kept on disk: of the same data it says the same again."""

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

from ganarium.common.files import cache_folder, replacing
from ganarium.data.settings import Data
from ganarium.data.sources.recognize import NAMES

FORMAT = 1
"""Of the files, and of what their key holds."""


def kept(key: Mapping[str, Any]) -> dict[str, Tensor]:
    """What was kept under a key; nothing where there is nothing, or the file is damaged."""
    try:
        with safe_open(_path(key), "pt") as file:
            tensors, said = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    except (OSError, SafetensorError):
        return {}
    return tensors if said == _about(key, tensors) else {}


def keep(key: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Keep tensors under a key; where there is no room or no right to write, they are not kept."""
    content = save(dict(tensors), metadata=_about(key, tensors))
    with contextlib.suppress(OSError), replacing(_path(key)) as file:
        file.write(content)


def identity(data: Data, seed: int) -> dict[str, Any]:
    """What tells data from any others without reading them: the recipe's, and the files' names, sizes, dates.

    Of what is drawn, the seed stands for the files.
    """
    form = data.model_dump(mode="json", exclude={"flip", "workers", "cache_gib"})
    if data.source in NAMES:
        return {**form, "seed": seed}
    places = [Path(source).expanduser().resolve() for source in data.sources]
    lines = [line for place in places for line in _files(place)]
    tree = {**form, "source": [str(place) for place in places], "files": _sum("\n".join(lines).encode())}
    return tree | {"seed": seed} if set(NAMES).intersection(data.sources) else tree


def fingerprint(samples: Tensor) -> str:
    """A checksum of samples: of a few, it tells when data of the same name are drawn or read otherwise."""
    return _sum(samples.contiguous().numpy().tobytes())


def _files(place: Path) -> list[str]:
    """A line for each file at a place; links are followed, each folder is entered once."""
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
    except OSError:  # a link to nowhere
        return str(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _path(key: Mapping[str, Any]) -> Path:
    return cache_folder() / "features" / f"{_sum(_text(key).encode())[:32]}.safetensors"


def _about(key: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """What a file says of itself: the key, and a checksum of its numbers."""
    bodies = (tensors[name].contiguous().numpy().tobytes() for name in sorted(tensors))
    return {"key": _text(key), "sha256": _sum(b"".join(bodies))}


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps({"format": FORMAT, **key}, sort_keys=True)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
