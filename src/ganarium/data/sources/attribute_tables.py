"""Tables of the attributes of each image."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.pixels import SUFFIXES

TABLES = "a .csv with a column of file names, or list_attr_celeba.txt"
"""Files that can hold attributes, in words."""

_VALUES = {
    text: value
    for value, words in enumerate(["0 -1 0.0 -1.0 false no", "1 1.0 true yes"])
    for word in words.split()
    for text in (word, word.capitalize(), word.upper(), f" {word}")
}
_NEITHER = 2


@dataclass
class AttributeTable:
    """Attributes by file name.

    Attributes:
        names: names of the attributes.
        values: 1 if the image has the attribute, else 0, `[rows, attributes]`.
        rows: number of each file's row, by name.
        left_out: names of the columns with other values than yes and no.
    """

    names: tuple[str, ...]
    values: NDArray[np.uint8]
    rows: dict[str, int]
    left_out: tuple[str, ...] = ()

    def of(self, files: Sequence[str]) -> NDArray[np.float32]:
        """Return one row for each file, `[N, A]` in {0, 1}; NaN if the table lacks the file.

        A row names its file by the path inside the folder or by the last part of that path.
        """
        found = np.array([self.rows.get(f, self.rows.get(f.rsplit("/", 1)[-1], -1)) for f in files])
        vectors = self.values[found].astype(np.float32)
        vectors[found < 0] = np.nan
        return vectors


def attribute_table(source: str, stream: TextIO) -> AttributeTable:
    """Read a `.csv`, or the layout of CelebA: a count, the names, then rows of a file name and 1 or -1.

    Raises:
        ValueError: the text is not such a table; the message names the file and the line.
    """
    is_csv = PurePosixPath(source).suffix.lower() == ".csv"
    try:
        return _from_csv(source, stream) if is_csv else _from_celeba(source, stream)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{source} is no table of attributes: {error}") from error


def _from_csv(source: str, stream: TextIO) -> AttributeTable:
    head = stream.readline().lstrip("\ufeff")
    delimiter = max(",;\t", key=head.count)
    columns = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
    rows = [row for row in csv.reader(stream, delimiter=delimiter) if row]
    for line, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise ValueError(f"{source}, row {line}: {len(row)} values under {len(columns)} names")
    files = next((i for i in range(len(columns)) if rows and _is_image_name(rows[0][i])), None)
    if files is None:
        raise ValueError(
            f"{source}: no column holds names of picture files; its columns: {', '.join(columns)}"
        )
    values = np.array([bytearray(_VALUES.get(cell, _NEITHER) for cell in row) for row in rows], np.uint8)
    holds_attribute = (values != _NEITHER).all(axis=0)
    others = [c for i, c in enumerate(columns) if not holds_attribute[i] and i != files]
    if not holds_attribute.any():
        raise ValueError(f"{source}: no column holds only 0 and 1 (or -1 and 1, yes and no)")
    return AttributeTable(
        tuple(c for i, c in enumerate(columns) if holds_attribute[i]),
        values[:, holds_attribute],
        {row[files].strip().replace("\\", "/"): i for i, row in enumerate(rows)},
        left_out=tuple(others),
    )


def _from_celeba(source: str, stream: TextIO) -> AttributeTable:
    count, names = stream.readline().strip(), tuple(stream.readline().split())
    if not count.isdigit() or not names:
        raise ValueError(
            f"{source}: the first line must be the number of rows, the second the attributes' names"
        )
    rows: dict[str, int] = {}
    values = bytearray()
    for line, text in enumerate(stream, start=3):
        file, *cells = text.split() or [""]
        if not file:
            continue
        row = [_VALUES.get(cell, _NEITHER) for cell in cells]
        if len(row) != len(names) or _NEITHER in row:
            raise ValueError(f"{source}, line {line}: expected a file name and {len(names)} times 1 or -1")
        rows[file] = len(values) // len(names)
        values.extend(row)
    return AttributeTable(names, np.frombuffer(values, np.uint8).reshape(-1, len(names)), rows)


def _is_image_name(text: str) -> bool:
    return PurePosixPath(text.strip()).suffix.lower() in SUFFIXES
