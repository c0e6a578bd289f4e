"""Messages to the user: a function that takes one line."""

from collections.abc import Callable

Say = Callable[[str], None]


def quiet(line: str) -> None:
    """Say nothing."""
