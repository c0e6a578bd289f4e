"""Result of an experiment: a table, an explanation, arrays and a figure."""

import importlib.util
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganarium.common import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | int | float
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ExperimentResult:
    """Result of one experiment; `rows` and `arrays` contain everything that the figure shows."""

    name: str
    """Name of the experiment, as on the command line."""
    title: str
    """Title of the figure."""
    rows: Sequence[Mapping[str, Cell]]
    """Table; all rows have the same columns."""
    words: str
    """Explanation of the result, in two or three sentences."""
    arrays: Mapping[str, Array]
    """Values behind the figure, for other plots."""
    plot: "Callable[[ExperimentResult], Figure]" = field(repr=False)
    """Function that draws the figure from the result alone."""

    def draw(self) -> "Figure":
        """Return the figure.

        Raises:
            ValueError: matplotlib is not installed.
        """
        if importlib.util.find_spec("matplotlib") is None:
            raise ValueError("figures need matplotlib, which is not installed: pip install 'ganarium[lab]'")
        from matplotlib import rc_context

        from ganarium.lab.plotting import STYLE

        with rc_context(STYLE):
            return self.plot(self)

    def save(self, path: Path | str) -> None:
        """Write the figure to a PNG file, atomically.

        Raises:
            ValueError: matplotlib is not installed, or the file's name does not end in .png.
        """
        buffer = io.BytesIO()
        self.draw().savefig(buffer, format="png")
        with Image.open(buffer) as image, files.atomic_write(png(path)) as file:
            # A palette of 256 colours makes the file a third as large, without a visible difference.
            palette = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            palette.save(file, "PNG", optimize=True)

    def to_dict(self) -> dict[str, Any]:
        """Return name, title, words and rows as a plain tree; numbers that are not finite become strings."""
        return {
            "name": self.name,
            "title": self.title,
            "words": self.words,
            "rows": [{key: _plain(cell) for key, cell in row.items()} for row in self.rows],
        }


def _plain(cell: Cell) -> Cell:
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def png(path: Path | str) -> Path:
    """Return the path of a PNG file.

    Raises:
        ValueError: the file's name does not end in .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: the file of the figure must end in .png")
    return path


def arrays(**values: Any) -> dict[str, Array]:
    """Convert tensors, sequences and numbers to NumPy arrays, by name."""
    return {name: np.asarray(value) for name, value in values.items()}
