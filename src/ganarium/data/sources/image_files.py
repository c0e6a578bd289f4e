"""Image files and their tables: what folders and archives have in common."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TextIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganarium.common.text import listed
from ganarium.data.modalities.image import (
    Array,
    ArrayFormat,
    BrokenImageError,
    Header,
    fitted_size,
    opaque,
    picture,
    read_header,
    reason,
)
from ganarium.data.order import spread
from ganarium.data.report import Report, reasons_in_words
from ganarium.data.settings import Data
from ganarium.data.sources.attribute_tables import attribute_table
from ganarium.data.sources.base import UNLABELED, Source

Read = TypeVar("Read")


SURVEYED = 2000
"""So many headers are read to learn sizes and modes; all of them in a set up to this size."""


class ImageFiles(Source):
    """Files that hold one picture each."""

    half: int | None = None
    """Of files that hold two pictures side by side, which one is meant: 0 left, 1 right."""
    test_hint: str = "folders train/ and test/, or trainA/ trainB/ testA/ testB/"

    def __init__(self, kind: str, names: Sequence[str], tables: Iterable["Table"]):
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
        """The file, open for reading."""

    def form(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.form`."""
        looks = self.looks(data, report)
        height, width = fitted_size(list(self.sizes.values()), data, report)
        channels = self._channels(looks, data, report)
        deep = channels == 1 and any(each.deep for each in looks.values())
        return ArrayFormat((channels, height, width), np.dtype(np.uint16 if deep else np.uint8))

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        return np.stack(
            [self.read(int(i), lambda stream: picture(stream, form, half=self.half)) for i in indices]
        )

    def read(self, index: int, reader: Callable[[BinaryIO], Read]) -> Read:
        """What `reader` makes of a file.

        Raises:
            BrokenPictureError: it cannot.
        """
        try:
            with self.opened(index) as stream:
                return reader(stream)
        except Exception as error:  # what decoders of damaged files raise is not known
            raise BrokenImageError(index, self.name(index), reason(error)) from error

    def remark(self, report: Report) -> None:
        """Tells what was found beside the pictures."""
        for remark in self._about_tables:
            report.note(remark)

    def looks(self, data: Data, report: Report) -> dict[int, Header]:
        """The headers of up to `SURVEYED` files, by number; sets `sizes` and `broken`.

        Raises:
            ValueError: none can be read.
        """
        self.remark(report)
        looks, broken = {}, set()
        for index in spread(len(self), SURVEYED):
            try:
                looks[int(index)] = self.read(
                    int(index), lambda stream: read_header(stream, halved=self.half is not None)
                )
            except BrokenImageError as found:
                broken.add(found.index)
                report.broken[found.name] = found.reason
        if not looks:
            raise ValueError(
                f"data.source={data.place}: none of its pictures can be read: {reasons_in_words(report)}"
            )
        report.surveyed = len(looks)
        report.sizes.update(f"{each.height}x{each.width}" for each in looks.values())
        report.modes.update(each.mode for each in looks.values())
        self.sizes = {index: (each.height, each.width) for index, each in looks.items()}
        self.broken = frozenset(broken)
        return looks

    def _channels(self, looks: dict[int, Header], data: Data, report: Report) -> int:
        """As told, else the fewest channels that keep all there is to see."""
        transparent = [index for index, each in looks.items() if each.alpha]
        if data.channels is not None:
            if data.channels not in (1, 3, 4):
                raise ValueError(
                    f"data.channels={data.channels}: picture files give 1 (grey), 3 (RGB) or 4 (RGBA)"
                )
            channels = data.channels
        elif len(transparent) == len(looks) and not self._all_opaque(transparent[:16]):
            channels = 4
        else:
            channels = 3 if any(each.color for each in looks.values()) else 1
        if transparent and channels != 4:
            report.note(
                f"{len(transparent):,} of {len(looks):,} pictures have an alpha channel and are laid on "
                "white; set data.channels=4 to keep it"
            )
        return channels

    def _all_opaque(self, indices: Iterable[int]) -> bool:
        try:
            return all(self.read(index, opaque) for index in indices)
        except BrokenImageError:
            return False

    def _read_attributes(self, tables: Iterable["Table"]) -> None:
        """Takes the first table that knows one of the pictures."""
        for table in tables:
            try:
                with table.opened() as stream:
                    read = attribute_table(table.name, stream)
            except Exception as error:  # nor does a damaged one
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
    """A file that may hold a table of attributes."""

    name: str
    opened: Callable[[], TextIO]


def labels_by_folder(names: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]] | None:
    """Labels and classes where every file lies in one of at least two sub-folders; classes are sorted.

    Files in a sub-folder named `unlabeled` (or `unlabeled`) have the label -1 and are no class.
    """
    folders = [name.split("/", 1)[0] if "/" in name else "" for name in names]
    classes = sorted(set(folders) - UNLABELED)
    if len(classes) < 2 or "" in classes:
        return None
    number = dict.fromkeys(UNLABELED, -1) | {name: label for label, name in enumerate(classes)}
    return np.array([number[folder] for folder in folders], dtype=np.int64), tuple(classes)
