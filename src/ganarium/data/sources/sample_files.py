"""Files of one sample each and their tables, the base of folders and archives."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganarium.common.text import listed
from ganarium.data.modalities.base import Array, ArrayFormat, BrokenSampleError, Headers, Modality
from ganarium.data.modalities.image import Image
from ganarium.data.order import spread
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.attribute_tables import attribute_table
from ganarium.data.sources.base import UNLABELED, Source

Read = TypeVar("Read")

SURVEYED = 2000
"""Largest number of headers that are read for sizes and modes."""


class SampleFiles(Source):
    """Files that hold one sample each.

    Attributes:
        reader: modality by which the files are read.
        plain_kind: kind of the source without its classes.
    """

    reader: Modality
    test_hint: str = "folders train/ and test/, or trainA/ trainB/ testA/ testB/"

    def __init__(
        self, kind: str, names: Sequence[str], tables: Iterable["Table"], reader: Modality | None = None
    ):
        self.modality = self.reader = reader or Image()
        self.kind = self.plain_kind = kind
        self.names = names
        self._about_tables: list[str] = []
        labeled = labels_by_folder(names)
        if labeled:
            self.labels, self.classes = labeled
            self.kind = f"{kind}, one sub-folder a class"
        self._read_attributes(tables)

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self.names[index]

    @abstractmethod
    def opened(self, index: int) -> BinaryIO:
        """Return the file of a sample, open for reading."""

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.array_format`."""
        headers = self.headers(data, report)
        self.modality = self.reader.of(headers)
        return self.reader.array_format(headers, data, report)

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        return np.stack([self.read(int(i), lambda stream: self.reader.decode(stream, form)) for i in indices])

    def read(self, index: int, reader: Callable[[BinaryIO], Read]) -> Read:
        """Return `reader(stream)` for the file of a sample.

        Raises:
            BrokenSampleError: the file cannot be read.
        """
        try:
            with self.opened(index) as stream:
                return reader(stream)
        except Exception as error:  # decoders raise any error for damaged files
            raise BrokenSampleError(index, self.name(index), self.reader.reason(error)) from error

    def remark(self, report: Report) -> None:
        """Note what was found besides the samples."""
        for remark in self._about_tables:
            report.note(remark)

    def headers(self, data: Data, report: Report) -> Headers:
        """Return the headers of up to `SURVEYED` files, by number; set `sizes` and `broken`.

        Raises:
            ValueError: none can be read.
        """
        self.remark(report)
        found, broken = Headers({}, self.read), set()
        for index in spread(len(self), SURVEYED).tolist():
            try:
                found[index] = self.read(index, self.reader.read_header)
            except BrokenSampleError as error:
                broken.add(error.index)
                report.broken[error.name] = error.reason
        if not found:
            raise ValueError(f"data.source={data.place}: none of its files can be read: {report.reasons()}")
        report.surveyed = len(found)
        report.sizes.update("x".join(map(str, each.size)) for each in found.values())
        report.modes.update(each.mode for each in found.values() if each.mode)
        self.sizes = {index: each.size for index, each in found.items()}
        self.broken = frozenset(broken)
        return found

    def _read_attributes(self, tables: Iterable["Table"]) -> None:
        """Take the first table that names one of the samples."""
        for table in tables:
            try:
                with table.opened() as stream:
                    read = attribute_table(table.name, stream)
            except Exception as error:  # zip and text decoders raise any error for damaged files
                self._about_tables.append(str(error))
                continue
            vectors = read.of(self.names)
            if np.isnan(vectors).all():
                self._about_tables.append(f"{table.name} names none of the pictures")
                continue
            self.attributes, self.vectors = read.names, vectors
            others = f"; not yes or no, left out: {listed(read.left_out)}" if read.left_out else ""
            self._about_tables.append(f"attributes are read from {table.name}{others}")
            return
        if self._about_tables:
            self.attributes_hint += f" ({'; '.join(self._about_tables)})"


@dataclass(frozen=True)
class Table:
    """File that may hold a table of attributes.

    Attributes:
        name: name of the file.
        opened: opens the file for reading.
    """

    name: str
    opened: Callable[[], TextIO]


def table_at(path: Path) -> Table:
    """Return a file on the disk as a table."""
    return Table(path.name, partial(path.open, encoding="utf-8", newline=""))


def labels_by_folder(names: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]] | None:
    """Return labels and sorted classes if every file is in one of at least two sub-folders, else None.

    Files in a sub-folder named `unlabeled` (or `unlabelled`) have the label -1 and are no class.
    """
    folders = [name.split("/", 1)[0] if "/" in name else "" for name in names]
    classes = sorted(set(folders) - UNLABELED)
    if len(classes) < 2 or "" in classes:
        return None
    number = dict.fromkeys(UNLABELED, -1) | {name: label for label, name in enumerate(classes)}
    return np.array([number[folder] for folder in folders], dtype=np.int64), tuple(classes)
