"""Networks and schedules of other packages, added to the tables that recipes choose from."""

import functools
import warnings
from collections.abc import Callable, MutableMapping
from importlib.metadata import entry_points
from typing import Any

from ganarium import networks
from ganarium.core.schedules import SCHEDULES


@functools.cache
def load_extensions() -> None:
    """Add the networks and schedules of installed packages, once in a process.

    An entry point of the group `ganarium.networks` is named `TABLE.kind`, where TABLE is a table of
    `ganarium.networks`: `GENERATORS.mine`, `TRANSLATORS.mine`. One of the group `ganarium.schedules` is
    named by its kind. An entry point that cannot be loaded, or has the name of an existing kind, is omitted
    with a warning.
    """
    for entry in entry_points(group="ganarium.networks"):
        table, _, kind = entry.name.partition(".")
        _add(getattr(networks, table, None), kind, entry)
    for entry in entry_points(group="ganarium.schedules"):
        _add(SCHEDULES, entry.name, entry)


def _add(table: MutableMapping[str, Callable[..., Any]] | None, kind: str, entry: Any) -> None:
    try:
        if not isinstance(table, dict) or not kind:
            raise ValueError("the name must be TABLE.kind with a table of ganarium.networks")
        if kind in table:
            raise ValueError(f"the kind {kind!r} exists already")
        table[kind] = entry.load()
    except Exception as error:  # code of another package may raise anything
        warnings.warn(f"{entry.group} {entry.name!r} of {entry.value} is omitted: {error}", stacklevel=3)
