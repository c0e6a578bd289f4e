"""Data of a recipe as given in Python: names, settings or objects."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganarium.data.settings import source_of
from ganarium.data.sources.table import give


def data_layer(data: Any) -> dict[str, Any]:
    """Return the recipe's table `data`.

    Args:
        data: one or several sources (names, folders, files), an array or tensor of images, a `Source` or a
            `Dataset`; or a table of settings, whose `source` is one of these.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(data, Mapping):
        return {key: source_name(value) if key == "source" else value for key, value in data.items()}
    return {"source": source_name(data)}


def source_name(data: Any) -> str | tuple[str, ...]:
    """Return the value of `data.source` for one or several sources, or an object.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(data, str | Path):
        return source_of(data)
    if isinstance(data, Sequence) and data and all(isinstance(each, str | Path) for each in data):
        return source_of(data)
    return give(data)
