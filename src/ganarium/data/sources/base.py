"""What a source of samples is, what is reported of it, and the part shared by all files of pictures."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, BinaryIO, Self, TextIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganarium import recipe
from ganarium.data.attributes import TABLES, attribute_table
from ganarium.data.images import (
    SUFFIXES,
    Array,
    BrokenPictureError,
    Form,
    Look,
    look,
    opaque,
    picture,
    reason,
)
from ganarium.data.palettes import Palette

Read = TypeVar("Read")

UNLABELLED = frozenset({"unlabelled", "unlabeled"})
"""Names of a sub-folder whose pictures are of any class."""

DOMAINS = "domains"
"""The `data.condition` that takes the classes for domains."""

PAIR, MAP = "pair", "map"
"""The values of `data.condition` that take files, or the world, for pairs."""

SURVEYED = 2000
"""So many headers are read to learn sizes and modes; all of them in a set up to this size."""


@dataclass
class Report:
    """What was recognised in the data; it grows when a broken file turns up later."""

    source: str
    kind: str = ""
    samples: int = 0
    shape: tuple[int, ...] = ()
    """One sample as the networks see it: `(C, H, W)` or `(D,)`."""
    surveyed: int = 0
    """How many samples `sizes` and `modes` count."""
    sizes: Counter[str] = field(default_factory=Counter)
    """Height x width as stored."""
    modes: Counter[str] = field(default_factory=Counter)
    classes: dict[str, int] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    broken: dict[str, str] = field(default_factory=dict)
    """Files that are skipped: name and reason."""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Adds a remark, once."""
        if text not in self.notes:
            self.notes.append(text)

    def lines(self) -> list[str]:
        """The report for people."""
        shape = " x ".join(map(str, self.shape))
        told = [f"{self.source}: {self.kind}, {self.samples:,} samples of {shape}"]
        whole = "" if self.surveyed >= self.samples else f" (of {self.surveyed:,} looked at)"
        if self.sizes:
            told.append(f"sizes{whole}: {_common(self.sizes)}")
        if self.modes:
            told.append(f"modes{whole}: {_common(self.modes)}")
        if self.classes:
            told.append(f"{len(self.classes)} classes: {_common(self.classes)}")
        if self.attributes:
            told.append(f"{len(self.attributes)} attributes: {listed(self.attributes)}")
        if self.broken:
            reasons = [f"{name} ({why})" for name, why in self.broken.items()]
            told.append(f"{len(self.broken)} broken, skipped: {listed(reasons)}")
        # A name that is no valid text must not stop a run when it is printed.
        return [line.encode(errors="backslashreplace").decode() for line in told + self.notes]

    def to_dict(self) -> dict[str, Any]:
        """The report as a plain tree for JSON."""
        tree = asdict(self)
        return tree | {
            "shape": list(self.shape),
            "attributes": list(self.attributes),
            "sizes": dict(self.sizes.most_common()),
            "modes": dict(self.modes.most_common()),
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            TypeError: the tree is none of a report.
        """
        report = cls(**tree)
        report.shape, report.attributes = tuple(report.shape), tuple(report.attributes)
        report.sizes, report.modes = Counter(report.sizes), Counter(report.modes)
        return report


class Source(ABC):
    """Samples by number, and what is known of each."""

    kind: str
    """What was recognised, in words."""
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None  # [N], -1 where nothing is known
    palette: Palette | None = None
    """Where the classes are those of label maps."""
    no_labels: str = "a sub-folder for each class"
    """What would have given labels."""
    attributes: tuple[str, ...] = ()
    vectors: NDArray[np.float32] | None = None  # [N, A] in {0, 1}, NaN where nothing is known
    no_attributes: str = f"{TABLES} beside the pictures"
    """What would have given attributes, and why it did not."""
    mirrored_attributes: tuple[str, ...] = ()
    """Those that a mirror turns into their opposite."""
    gives_pictures: bool = True
    exact_conditions: tuple[str, ...] = ()
    """Pictures that the source knows to belong to a sample."""
    has_test: bool = False
    """Whether some of the samples are held back from training (`data.split=test`)."""
    no_test: str = "a part of its own for tests"
    """What would have been held back."""
    sizes: Mapping[int, tuple[int, int]] = MappingProxyType({})
    """Height and width as stored of the samples whose headers were read by `form`."""
    broken: frozenset[int] = frozenset()
    """Samples found to be broken by `form`."""

    @abstractmethod
    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What a sample is called in a message."""
        return f"number {index}"

    @abstractmethod
    def form(self, data: recipe.Data, report: Report) -> Form:
        """The form all samples are brought into: as `data` says, else as most of them are.

        Raises:
            ValueError: the samples cannot take the form asked for, or none is whole.
        """

    @abstractmethod
    def samples(self, indices: NDArray[np.int64], form: Form) -> Array:
        """These samples, `[N, *form.shape]`; safe to call from several threads.

        Raises:
            BrokenPictureError: one of them cannot be read.
        """

    def instant(self, form: Form) -> bool:
        """Whether the samples already lie in memory in this form."""
        return False

    def shown_form(self, condition: str) -> Form:
        """The form of what `shown` gives."""
        one = self.shown(condition, np.zeros(1, dtype=np.int64))
        return Form(one.shape[1:], one.dtype)

    def shown(self, condition: str, indices: NDArray[np.int64]) -> Array:
        """The exact pictures, one of `exact_conditions`, that belong to these samples: `[N, C, H, W]`.

        Of label maps these are int32, all else is as samples are.

        Raises:
            BrokenPictureError: one of them cannot be read.
            ValueError: the source knows no such picture.
        """
        raise ValueError(f"data.condition={condition}: {self.kind} know no exact picture of that kind")


class Pictures(Source):
    """Files that hold one picture each."""

    half: int | None = None
    """Of files that hold two pictures side by side, which one is meant: 0 left, 1 right."""
    no_test: str = "folders train/ and test/, or trainA/ trainB/ testA/ testB/"

    def __init__(self, kind: str, names: Sequence[str], tables: Iterable["Table"]):
        self.kind = self.plain_kind = kind
        self.names = names
        self._about_tables: list[str] = []
        labelled = labels_by_folder(names)
        if labelled:
            self.labels, self.classes = labelled
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

    def form(self, data: recipe.Data, report: Report) -> Form:
        """See `Source.form`."""
        looks = self.looks(data, report)
        height, width = fitted_size(list(self.sizes.values()), data, report)
        channels = self._channels(looks, data, report)
        deep = channels == 1 and any(each.deep for each in looks.values())
        return Form((channels, height, width), np.dtype(np.uint16 if deep else np.uint8))

    def samples(self, indices: NDArray[np.int64], form: Form) -> Array:
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
            raise BrokenPictureError(index, self.name(index), reason(error)) from error

    def remark(self, report: Report) -> None:
        """Tells what was found beside the pictures."""
        for remark in self._about_tables:
            report.note(remark)

    def looks(self, data: recipe.Data, report: Report) -> dict[int, Look]:
        """The headers of up to `SURVEYED` files, by number; sets `sizes` and `broken`.

        Raises:
            ValueError: none can be read.
        """
        self.remark(report)
        looks, broken = {}, set()
        for index in spread(len(self), SURVEYED):
            try:
                looks[int(index)] = self.read(
                    int(index), lambda stream: look(stream, halved=self.half is not None)
                )
            except BrokenPictureError as found:
                broken.add(found.index)
                report.broken[found.name] = found.reason
        if not looks:
            raise ValueError(
                f"data.source={data.place}: none of its pictures can be read: {_reasons(report)}"
            )
        report.surveyed = len(looks)
        report.sizes.update(f"{each.height}x{each.width}" for each in looks.values())
        report.modes.update(each.mode for each in looks.values())
        self.sizes = {index: (each.height, each.width) for index, each in looks.items()}
        self.broken = frozenset(broken)
        return looks

    def _channels(self, looks: dict[int, Look], data: recipe.Data, report: Report) -> int:
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
            channels = 3 if any(each.colour for each in looks.values()) else 1
        if transparent and channels != 4:
            report.note(
                f"{len(transparent):,} of {len(looks):,} pictures have an alpha channel and are laid on "
                "white; set data.channels=4 to keep it"
            )
        return channels

    def _all_opaque(self, indices: Iterable[int]) -> bool:
        try:
            return all(self.read(index, opaque) for index in indices)
        except BrokenPictureError:
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
            self.no_attributes += f" ({'; '.join(self._about_tables)})"


@dataclass(frozen=True)
class Table:
    """A file that may hold a table of attributes."""

    name: str
    opened: Callable[[], TextIO]


def labels_by_folder(names: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]] | None:
    """Labels and classes where every file lies in one of at least two sub-folders; classes are sorted.

    Files in a sub-folder named `unlabelled` (or `unlabeled`) have the label -1 and are no class.
    """
    folders = [name.split("/", 1)[0] if "/" in name else "" for name in names]
    classes = sorted(set(folders) - UNLABELLED)
    if len(classes) < 2 or "" in classes:
        return None
    number = dict.fromkeys(UNLABELLED, -1) | {name: label for label, name in enumerate(classes)}
    return np.array([number[folder] for folder in folders], dtype=np.int64), tuple(classes)


def fitted_size(sizes: Sequence[tuple[int, int]], data: recipe.Data, report: Report) -> tuple[int, int]:
    """Height and width for pictures of these sizes: as told, else their own where they share one.

    No inferred side is longer than `data.largest`; pictures of many sizes become squares.
    """
    if data.size is not None:
        height, width = (data.size, data.size) if isinstance(data.size, int) else data.size
        if min(height, width) < 1:
            raise ValueError(f"data.size={data.size}: height and width must be at least 1 pixel")
    elif len(set(sizes)) == 1:
        shrink = min(1.0, data.largest / max(sizes[0]))
        height, width = (max(1, round(side * shrink)) for side in sizes[0])
    else:
        height = width = data.largest
    small = sum(h < height or w < width for h, w in sizes)
    if small:
        report.note(
            f"{small:,} of {len(sizes):,} pictures are smaller than {height}x{width} and are enlarged; "
            "a smaller data.size avoids it"
        )
    return height, width


def spread(length: int, count: int) -> NDArray[np.int64]:
    """At most `count` of the numbers below `length`, evenly spaced."""
    count = min(count, length)
    return np.arange(count, dtype=np.int64) * length // max(count, 1)


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture; hidden files are not."""
    last = name.rsplit("/", 1)[-1]
    return not last.startswith(".") and "." in last and f".{last.rsplit('.', 1)[-1].lower()}" in SUFFIXES


def listed(things: Sequence[str], most: int = 5) -> str:
    """The first few, and how many more there are."""
    rest = len(things) - most
    return ", ".join(things[:most]) + (f", and {rest:,} more" if rest > 0 else "")


def _common(counts: dict[str, int]) -> str:
    ordered = counts.most_common() if isinstance(counts, Counter) else counts.items()
    return listed([f"{name} ({count:,})" for name, count in ordered], 10)


def _reasons(report: Report) -> str:
    return listed([f"{name} ({why})" for name, why in report.broken.items()])
