"""A folder of pictures, at any depth."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from ganarium.common.text import listed
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.table import modality_of_file
from ganarium.data.report import Report
from ganarium.data.sources.sample_files import SampleFiles, Table


@dataclass
class Contents:
    """Files in a folder, by path inside it, sorted.

    Attributes:
        names: files of samples.
        modality: their modality: that of which there are most.
        others: numbers of the other files by suffix.
        some_others: some of their names.
        unreadable: folders and links that cannot be followed: name and reason.
    """

    names: list[str] = field(default_factory=list)
    modality: type[Modality] = Image
    others: Counter[str] = field(default_factory=Counter)
    some_others: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def in_words(self) -> str:
        """What was found, for a message."""
        found = [f"{len(self.names):,} {self.modality.name}s"] if self.names else []
        found += [f"{count:,} {suffix or 'without suffix'}" for suffix, count in self.others.most_common(5)]
        found += [f"{name} ({why})" for name, why in list(self.unreadable.items())[:5]]
        return ", ".join(found) or "nothing"


def contents(folder: Path, modality: type[Modality] | None = None) -> Contents:
    """Return all files below a folder; links are followed, each folder is entered once.

    Args:
        folder: the folder.
        modality: modality of the samples; that of which there are most files if None.
    """
    found = Contents()
    names: list[str] = []
    entered: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            status = os.stat(folder / inside)
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(folder / inside) as entries:
                waiting.extend(_sorted_in(found, names, entries, inside))
        except OSError as error:
            found.unreadable[inside or str(folder)] = error.strerror or str(error)
    known = [(name, modality_of_file(name)) for name in sorted(names)]
    counts = Counter(each for _, each in known if each)
    found.modality = modality or max(counts, key=counts.__getitem__, default=Image)
    suffixes = found.modality.suffixes
    for name, each in known:
        suffix = os.path.splitext(name)[1].lower()
        if each is found.modality or (modality and suffix in suffixes):
            found.names.append(name)
        else:
            found.others[suffix] += 1
            found.some_others.append(name)
    found.some_others = found.some_others[:20]
    return found


class Folder(SampleFiles):
    """Sample files in a folder, at any depth; if every file lies in a sub-folder, these are the classes."""

    def __init__(self, folder: Path, found: Contents):
        self.folder = folder
        several = len(found.names) != 1
        kind = f"folder of {found.modality.name}s" if several else f"single {found.modality.name}"
        super().__init__(kind, found.names, _tables(folder) if several else (), found.modality())
        self._found = found

    def opened(self, index: int) -> BinaryIO:
        """See `SampleFiles.opened`."""
        return (self.folder / self.names[index]).open("rb")

    def remark(self, report: Report) -> None:
        """See `SampleFiles.remark`."""
        super().remark(report)
        report.broken.update(self._found.unreadable)
        if self._found.others:
            counts = [
                f"{count:,} {suffix or 'without suffix'}"
                for suffix, count in self._found.others.most_common()
            ]
            report.note(
                f"not {self._found.modality.name}s: {listed(counts)} (such as {self._found.some_others[0]})"
            )


def _sorted_in(
    found: Contents, names: list[str], entries: Iterator[os.DirEntry[str]], inside: str
) -> list[str]:
    """Add the files among `entries` to `names`; return the folders among them."""
    folders = []
    for entry in entries:
        name = f"{inside}/{entry.name}" if inside else entry.name
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if entry.is_dir():
            folders.append(name)
        elif not entry.is_file():
            found.unreadable[name] = "link to nowhere" if entry.is_symlink() else "no regular file"
        else:
            names.append(name)
    return folders


def _tables(folder: Path) -> Iterator[Table]:
    """Files in the folder, then beside it, that may tell attributes."""
    folder = folder.resolve()
    places = [
        *sorted(folder.glob("*.csv")),
        *sorted(folder.glob("list_attr_celeba.txt")),
        folder.parent / f"{folder.name}.csv",
        folder.parent / "attributes.csv",
        *sorted(folder.parent.glob("list_attr_celeba.*")),
    ]
    for path in places:
        if path.is_file():
            yield Table(path.name, partial(_text, path))


def _text(path: Path) -> TextIO:
    return path.open(encoding="utf-8", newline="")
