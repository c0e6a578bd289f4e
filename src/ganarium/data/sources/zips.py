"""A zip archive of pictures, read in place: nothing is ever written to the disk."""

import io
import stat
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, TextIO

from ganarium.common.text import listed
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.pixels import SUFFIXES
from ganarium.data.modalities.table import modality_of_file
from ganarium.data.report import Report
from ganarium.data.sources.sample_files import SampleFiles, Table

LARGEST_MEMBER = 2**29
"""Bytes that a picture may unpack to."""
LARGEST_RATIO = 200
"""How many times its packed size a member above a MiB, or the whole archive, may unpack to."""
_SMALL = 2**20


class Zip(SampleFiles):
    """The pictures in a zip; where each lies in a sub-folder, these are the classes.

    Members that point outside the archive, are encrypted or would unpack to more than is sensible are named
    and skipped. A single folder that holds all the rest is looked into.

    Raises:
        ValueError: no zip, one without pictures, or one that as a whole is a decompression bomb.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise ValueError(f"{path} is no whole zip: {error}") from error
        members = [m for m in self.archive.infolist() if not m.is_dir() and _is_meant(m.filename)]
        self.refused = {m.filename: why for m in members if (why := _objection(m))}
        sound = {m.filename: m for m in members if m.filename not in self.refused}
        # Members that share their bytes look harmless one by one.
        packed, unpacked = path.stat().st_size, sum(m.file_size for m in sound.values())
        if unpacked > max(LARGEST_RATIO * packed, 64 * _SMALL):
            raise ValueError(
                f"{path} is refused: a bomb, whose {packed:,} bytes would unpack to {unpacked:,}"
            )
        by_modality: dict[type[Modality], list[str]] = {}
        for name in sorted(sound):
            if found := modality_of_file(name):
                by_modality.setdefault(found, []).append(name)
        if not by_modality:
            refused = [f"{name} ({why})" for name, why in self.refused.items()]
            raise ValueError(
                f"nothing to use in {path}: looked for pictures ({', '.join(sorted(SUFFIXES))}); "
                f"found {len(sound):,} other files" + (f", and refused {listed(refused)}" if refused else "")
            )
        modality = max(by_modality, key=lambda each: len(by_modality[each]))
        names = by_modality[modality]
        self.members = [sound[name] for name in names]
        inside = len(_common_folder(names))
        kind, tables = f"zip of {modality.name}s", self._tables(sound.values())
        super().__init__(kind, [n[inside:] for n in names], tables, modality())

    def opened(self, index: int) -> BinaryIO:
        """See `SampleFiles.opened`."""
        # In memory, for decoders seek: backwards in a compressed member means unpacking it again.
        return io.BytesIO(self.archive.read(self.members[index]))

    def remark(self, report: Report) -> None:
        """See `SampleFiles.remark`."""
        super().remark(report)
        report.broken.update(self.refused)

    def _tables(self, members: Iterable[zipfile.ZipInfo]) -> Iterator[Table]:
        for member in members:
            name = PurePosixPath(member.filename).name
            if name.endswith(".csv") or name == "list_attr_celeba.txt":
                yield Table(name, partial(self._text, member))
        for name in (
            f"{self.path.stem}.csv",
            "attributes.csv",
            "list_attr_celeba.txt",
            "list_attr_celeba.csv",
        ):
            path = self.path.with_name(name)
            if path.is_file():
                yield Table(name, partial(path.open, encoding="utf-8", newline=""))

    def _text(self, member: zipfile.ZipInfo) -> TextIO:
        return io.TextIOWrapper(self.archive.open(member), encoding="utf-8", newline="")


def _is_meant(name: str) -> bool:
    parts = PureWindowsPath(name).parts
    return "__MACOSX" not in parts and not any(part.startswith(".") and part != ".." for part in parts)


def _objection(member: zipfile.ZipInfo) -> str | None:
    """Why a member is not read; None if nothing speaks against it."""
    path = PureWindowsPath(member.filename)  # which knows slashes of both kinds, and drives
    if path.anchor or ".." in path.parts:
        return "points outside the archive"
    if member.flag_bits & 0x1:
        return "encrypted"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    bomb = member.file_size > _SMALL and member.file_size > LARGEST_RATIO * member.compress_size
    if bomb or member.file_size > LARGEST_MEMBER:
        return f"{member.compress_size:,} bytes would unpack to {member.file_size:,}"
    return None


def _common_folder(names: list[str]) -> str:
    """The folders, with a slash at the end, inside which all files lie."""
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    shared = 0
    while parts and all(len(p) > shared for p in parts) and len({p[shared] for p in parts}) == 1:
        shared += 1
    return "".join(f"{part}/" for part in parts[0][:shared]) if parts else ""
