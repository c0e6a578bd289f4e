"""Zip archives of samples, read in place: nothing is written to the disk."""

import io
import stat
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, TextIO

from ganarium.common.text import listed
from ganarium.data.modalities.pixels import SUFFIXES
from ganarium.data.modalities.table import main_modality
from ganarium.data.report import Report
from ganarium.data.sources.sample_files import SampleFiles, Table, table_at

LARGEST_MEMBER = 2**29
"""Largest unpacked size of a member, in bytes."""
LARGEST_RATIO = 200
"""Largest ratio of unpacked to packed size, of members above a MiB and of the archive."""
_SMALL = 2**20


class Zip(SampleFiles):
    """Sample files in a zip; if every file is in a sub-folder, sub-folders are classes.

    Members are reported and skipped if they point outside the archive, are encrypted or would unpack to more
    than `LARGEST_MEMBER` or `LARGEST_RATIO`. A folder that contains all other members is not part of their
    names.

    Raises:
        ValueError: the file is not a zip, holds no samples, or is a decompression bomb as a whole.
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
        # Members can share their packed bytes; each of them alone then looks harmless.
        packed, unpacked = path.stat().st_size, sum(m.file_size for m in sound.values())
        if unpacked > max(LARGEST_RATIO * packed, 64 * _SMALL):
            raise ValueError(
                f"{path} is refused: a bomb, whose {packed:,} bytes would unpack to {unpacked:,}"
            )
        modality, names, _ = main_modality(sound)
        if modality is None:
            refused = [f"{name} ({why})" for name, why in self.refused.items()]
            raise ValueError(
                f"nothing to use in {path}: looked for pictures ({', '.join(sorted(SUFFIXES))}); "
                f"found {len(sound):,} other files" + (f", and refused {listed(refused)}" if refused else "")
            )
        self.members = [sound[name] for name in names]
        inside = len(_common_folder(names))
        kind, tables = f"zip of {modality.name}s", self._tables(sound.values())
        super().__init__(kind, [n[inside:] for n in names], tables, modality())

    def opened(self, index: int) -> BinaryIO:
        """See `SampleFiles.opened`."""
        # Decoders seek, and seeking backwards in a compressed member would unpack it again.
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
        beside = (f"{self.path.stem}.csv", "attributes.csv", "list_attr_celeba.txt", "list_attr_celeba.csv")
        for path in map(self.path.with_name, beside):
            if path.is_file():
                yield table_at(path)

    def _text(self, member: zipfile.ZipInfo) -> TextIO:
        return io.TextIOWrapper(self.archive.open(member), encoding="utf-8", newline="")


def _is_meant(name: str) -> bool:
    parts = PureWindowsPath(name).parts
    return "__MACOSX" not in parts and not any(part.startswith(".") and part != ".." for part in parts)


def _objection(member: zipfile.ZipInfo) -> str | None:
    """Return the reason why a member is not read; None if it is."""
    path = PureWindowsPath(member.filename)  # it knows both kinds of slashes, and drives
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
    """Return the folders that contain all files, with a slash at the end."""
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    shared = 0
    while parts and all(len(p) > shared for p in parts) and len({p[shared] for p in parts}) == 1:
        shared += 1
    return "".join(f"{part}/" for part in parts[0][:shared]) if parts else ""
