"""What an experiment finds: a table, what is to be seen, the raw figures and one picture."""

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
    """The outcome of one experiment; everything that its picture shows is in `rows` and `arrays`."""

    name: str
    """The experiment's, as on the command line."""
    title: str
    rows: Sequence[Mapping[str, Cell]]
    """A table: every row has the same columns."""
    words: str
    """What is to be seen, in two or three sentences."""
    arrays: Mapping[str, Array]
    """The raw figures, for plots of one's own."""
    painter: "Callable[[ExperimentResult], Figure]" = field(repr=False)
    """Draws the picture from the finding alone."""

    def draw(self) -> "Figure":
        """The picture.

        Raises:
            ValueError: matplotlib is not installed.
        """
        if importlib.util.find_spec("matplotlib") is None:
            raise ValueError("pictures need a package that is not installed: pip install 'ganarium[lab]'")
        from matplotlib import rc_context

        from ganarium.lab.plotting import STYLE

        with rc_context(STYLE):
            return self.painter(self)

    def save(self, path: Path | str) -> None:
        """Write the picture to a PNG file, whole or not at all.

        Raises:
            ValueError: matplotlib is not installed, or the file's name does not end in .png.
        """
        drawn = io.BytesIO()
        self.draw().savefig(drawn, format="png")
        with Image.open(drawn) as picture, files.replacing(png(path)) as file:
            # A palette of 256 colours makes the file a third as large, and nobody sees it.
            palette = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            palette.save(file, "PNG", optimize=True)

    def to_dict(self) -> dict[str, Any]:
        """Name, title, rows and words as a plain tree; what JSON has no number for is `inf` or `nan`."""
        return {
            "name": self.name,
            "title": self.title,
            "words": self.words,
            "rows": [{key: _plain(cell) for key, cell in row.items()} for row in self.rows],
        }


def _plain(cell: Cell) -> Cell:
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def png(path: Path | str) -> Path:
    """The path, known to be a PNG's.

    Raises:
        ValueError: its name does not end in .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"the picture is a PNG, so its file must end in .png; given: {path}")
    return path


def arrays(**values: Any) -> dict[str, Array]:
    """Tensors, sequences and numbers as NumPy arrays, by name."""
    return {name: np.asarray(value) for name, value in values.items()}
