"""Options that several commands have, and options of tasks as key=value."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Options of the task, typed by the model.", show_default=False),
]

Device = Annotated[str, typer.Option(help="cpu, cuda or mps; samples may differ in the last bit.")]
Window = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Length of windows in pixels; 0 none; if not given 512 above 1.5 megapixels.",
        show_default=False,
    ),
]
Overlap = Annotated[int, typer.Option(min=0, help="Overlap of two windows, in pixels.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Samples of one size at a time, at most.")]
Precision = Annotated[
    str, typer.Option(help="float32; or bfloat16, faster, most pixels a few levels of 255 off.")
]
Palette = Annotated[
    Path | None, typer.Option(help="Table of classes and colors, for label maps in other colors.")
]
Grid = Annotated[
    Path | None,
    typer.Option(help="PNG that shows the first eight: input, output and, if possible, input again."),
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
