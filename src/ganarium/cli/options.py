"""Options that several verbs have, and options of tasks as key=value."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Options of the task, typed by the model.", show_default=False),
]


def words_in(texts: Sequence[str] | None) -> dict[str, Any]:
    """Return `key=value` texts as a table; the task gives the values their types.

    Raises:
        ValueError: there is no `=`, or the key is an option of the command itself.
    """
    from ganarium.tasks.base import RESERVED

    found = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{text!r} is no option of a task; write key=value")
        if key.strip() in RESERVED:
            raise ValueError(f"{text!r}: {key.strip()} is no option of a task; see --help")
        found[key.strip()] = value.strip()
    return found
