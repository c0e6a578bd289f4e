"""Numbers, durations, lists and trees as text."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def listed(things: Sequence[str], most: int = 5) -> str:
    """Join the first `most` entries and the number of the others: `a, b, and 3 more`."""
    rest = len(things) - most
    return ", ".join(things[:most]) + (f", and {rest:,} more" if rest > 0 else "")


def nearest(word: Any, known: Iterable[str]) -> str:
    """Return `. Did you mean 'x'?`, or an empty string if no known word is similar."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f". Did you mean {close[0]!r}?" if close else ""


def duration(seconds: float) -> str:
    """Format a duration: `40 s`, `3 min 20 s`, `2 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def leaves(tree: Mapping[str, Any], joint: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each leaf of a tree; an empty table is a leaf."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, joint, f"{path}{key}{joint}")
        else:
            yield f"{path}{key}", value


def flat(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each leaf of a tree: `world/well_formed`, `0.93`."""
    for path, value in leaves(tree, "/"):
        yield path, value_text(value)


def value_text(value: Any) -> str:
    """Format a value: a float with four digits, an integer as `1,000`, a list of sides as `32 x 32`."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
