"""Folders of samples, at any depth."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ganarium.common.text import listed
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.table import main_modality
from ganarium.data.report import Report
from ganarium.data.sources.sample_files import SampleFiles, Table, table_at


@dataclass
class Contents:
    """Files in a folder, by path inside it, sorted.

    Attributes:
        names: files of the most frequent modality.
        modality: the most frequent modality.
        others: number of other files by suffix.
        an_other: name of one of the other files.
        unreadable: reason for each folder or link that cannot be followed, by name.
    """

    names: list[str] = field(default_factory=list)
    modality: type[Modality] = Image
    others: Counter[str] = field(default_factory=Counter)
    an_other: str = ""
    unreadable: dict[str, str] = field(default_factory=dict)

    def in_words(self) -> str:
        """Return the contents in words, for messages."""
        found = [f"{len(self.names):,} {self.modality.name}s"] if self.names else []
        found += self.counts_of_others()[:5]
        found += [f"{name} ({why})" for name, why in list(self.unreadable.items())[:5]]
        return ", ".join(found) or "nothing"

    def counts_of_others(self) -> list[str]:
        """Return the number of other files of each suffix, `3 .txt`, the largest first."""
        return [f"{count:,} {suffix or 'without suffix'}" for suffix, count in self.others.most_common()]


def contents(folder: Path, modality: type[Modality] | None = None) -> Contents:
    """Return the files in a folder and its sub-folders; links are followed, each folder is entered once.

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
    if modality is None:
        main, found.names, others = main_modality(names)
        found.modality = main or Image
    else:
        found.modality = modality
        found.names = sorted(name for name in names if _suffix(name) in modality.suffixes)
        others = sorted({*names} - {*found.names})
    found.others.update(map(_suffix, others))
    found.an_other = others[0] if others else ""
    return found


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


class Folder(SampleFiles):
    """Sample files in a folder, at any depth; if every file is in a sub-folder, sub-folders are classes."""

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
            counts = listed(self._found.counts_of_others())
            report.note(f"not {self._found.modality.name}s: {counts} (such as {self._found.an_other})")


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
    """Yield the files in the folder, then next to it, that may be tables of attributes."""
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
            yield table_at(path)
