"""Messages to the user: a function that takes one line."""

from collections.abc import Callable

Notify = Callable[[str], None]


def silent(line: str) -> None:
    """Discard the line."""
