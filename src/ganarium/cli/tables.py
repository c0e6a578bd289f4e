"""Tables on a terminal."""

from collections.abc import Iterable, Sequence

_WIDE = 1000
"""Width of a file, in which lines are not wrapped."""


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with its head; wrap lines on a terminal only."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    table = Table(*head, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
