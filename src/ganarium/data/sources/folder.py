"""A folder of pictures, at any depth."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from ganarium.common.text import listed
from ganarium.data.modalities.image import is_image_name
from ganarium.data.report import Report
from ganarium.data.sources.image_files import ImageFiles, Table


@dataclass
class Contents:
    """What lies in a folder, by path inside it, sorted."""

    pictures: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """Files that are no pictures, counted by suffix."""
    some_others: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Folders and links that cannot be followed: name and reason."""

    def in_words(self) -> str:
        """What was found, for a message."""
        found = [f"{len(self.pictures):,} pictures"] if self.pictures else []
        found += [f"{count:,} {suffix or 'without suffix'}" for suffix, count in self.others.most_common(5)]
        found += [f"{name} ({why})" for name, why in list(self.unreadable.items())[:5]]
        return ", ".join(found) or "nothing"


def contents(folder: Path) -> Contents:
    """All files below `folder`; links are followed, each folder is entered once."""
    found = Contents()
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
                waiting.extend(_sorted_in(found, entries, inside))
        except OSError as error:
            found.unreadable[inside or str(folder)] = error.strerror or str(error)
    found.pictures.sort()
    found.some_others.sort()
    return found


class Folder(ImageFiles):
    """The pictures in a folder; where each lies in a sub-folder, these are the classes."""

    def __init__(self, folder: Path, found: Contents):
        self.folder = folder
        super().__init__("folder of pictures", found.pictures, _tables(folder))
        self._found = found

    def opened(self, index: int) -> BinaryIO:
        """See `ImageFiles.opened`."""
        return (self.folder / self.names[index]).open("rb")

    def remark(self, report: Report) -> None:
        """See `ImageFiles.remark`."""
        super().remark(report)
        report.broken.update(self._found.unreadable)
        if self._found.others:
            counts = [
                f"{count:,} {suffix or 'without suffix'}"
                for suffix, count in self._found.others.most_common()
            ]
            report.note(f"not pictures: {listed(counts)} (such as {self._found.some_others[0]})")


def _sorted_in(found: Contents, entries: Iterator[os.DirEntry[str]], inside: str) -> list[str]:
    """Adds the files among `entries` to `found`; the folders among them."""
    folders = []
    for entry in entries:
        name = f"{inside}/{entry.name}" if inside else entry.name
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if entry.is_dir():
            folders.append(name)
        elif not entry.is_file():
            found.unreadable[name] = "link to nowhere" if entry.is_symlink() else "no regular file"
        elif is_image_name(entry.name):
            found.pictures.append(name)
        else:
            found.others[os.path.splitext(entry.name)[1].lower()] += 1
            if len(found.some_others) < 20:
                found.some_others.append(name)
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
