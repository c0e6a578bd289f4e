"""Parts of folders, found by names of sub-folders: training and test, sides of pairs, label maps."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from ganarium.common.text import listed
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import HalfImage
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.sample_files import SampleFiles, labels_by_folder

_PART = re.compile(r"(train|test|val)(?:ing|idation)?[-_]?(.*)", re.IGNORECASE)
_MAPS = frozenset(("labels", "label", "maps", "map", "annotations", "annotation", "annot", "masks", "mask"))
_INSTANCES = frozenset(("instances", "instance", "inst"))

LOOKED_FOR = "images/ and labels/ (and instances/, if there are any)"
"""Contents of a folder with label maps, in words."""


class Part(SampleFiles):
    """Some files of another source under new names.

    Args:
        whole: the other source.
        names: new name of each file by its number in the other source; a folder at the front is a class.
        kind: kind of the source in words; that of the other source if None.
        reader: modality by which the files are read; that of the other source if None.
    """

    def __init__(
        self,
        whole: SampleFiles,
        names: Mapping[int, str],
        kind: str | None = None,
        reader: Modality | None = None,
    ):
        self.whole = whole
        self.places = np.array(sorted(names, key=names.__getitem__), dtype=np.int64)
        own = [names[i] for i in self.places.tolist()]
        super().__init__(kind or whole.plain_kind, own, (), reader or whole.reader)
        self.has_test, self._about_tables = whole.has_test, whole._about_tables
        if whole.vectors is not None:
            self.attributes, self.vectors = whole.attributes, whole.vectors[self.places]

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self.whole.name(int(self.places[index]))

    def opened(self, index: int) -> BinaryIO:
        """See `SampleFiles.opened`."""
        return self.whole.opened(int(self.places[index]))

    def remark(self, report: Report) -> None:
        """See `SampleFiles.remark`."""
        self.whole.remark(report)


def part(source: SampleFiles, split: str) -> SampleFiles:
    """Return the files of the folders for training or for tests, or all files without such folders.

    `trainA/1.png` becomes `A/1.png`, and `train/1.png` becomes `1.png`. Without folders for tests, those for
    validation are used.
    """
    folders = {name: _PART.fullmatch(name) for name in top_folders(source.names)}
    known = {name: (found[1].lower(), found[2]) for name, found in folders.items() if found}
    parts = {each for each, _ in known.values()}
    if "train" not in parts or len(known) < len(folders):
        return source
    test_part = "test" if "test" in parts else "val"
    wanted = "train" if split == "train" or test_part not in parts else test_part
    split_names = [name.partition("/") for name in source.names]
    renamed = [f"{side}/{rest}" if (side := known[first][1]) else rest for first, _, rest in split_names]
    names = {i: renamed[i] for i, (first, _, _) in enumerate(split_names) if known[first][0] == wanted}
    found = Part(source, names, f"{source.plain_kind}, {wanted} part of {' '.join(sorted(folders))}")
    found.has_test = test_part in parts
    if labeled := labels_by_folder(renamed):  # the same classes in each part
        found.labels, found.classes = labeled[0][found.places], labeled[1]
    return found


def sides(source: SampleFiles) -> list[SampleFiles] | None:
    """Return the files of each folder if there are exactly two folders, else None."""
    folders = top_folders(source.names)
    if len(folders) != 2 or "" in folders:
        return None
    return [folder(source, name) for name in folders]


def halves(source: SampleFiles) -> list[SampleFiles]:
    """Return the left and the right halves of images that show two side by side."""
    names = dict(enumerate(source.names))
    return [Part(source, names, kind, HalfImage(half)) for half, kind in enumerate(("left", "right"))]


def maps(source: SampleFiles) -> list[SampleFiles] | None:
    """Return label maps, their images and any instances, found by names of folders; else None."""
    folders = top_folders(source.names)
    labels = [name for name in folders if _plain(name) in _MAPS]
    instances = [name for name in folders if _plain(name) in _INSTANCES]
    images = [name for name in folders if name not in labels + instances]
    if not len(labels) == len(images) == 1:
        return None
    return [folder(source, name) for name in labels + images + instances[:1]]


def instances_beside(labels: Path) -> Path | None:
    """Return the folder of instances next to one of maps: `instances/`, or `test_inst/` for `test_label/`."""
    wanted = _split(labels.resolve().name)[0]
    for each in sorted(labels.resolve().parent.iterdir()):
        split, name = _split(each.name)
        if each.is_dir() and split == wanted and _plain(name) in _INSTANCES:
            return each
    return None


def folder(source: SampleFiles, wanted: str) -> SampleFiles:
    """Return the files of one of the `top_folders`, named by their path inside the folder."""
    split = (name.partition("/") if "/" in name else ("", "", name) for name in source.names)
    names = {i: rest for i, (first, _, rest) in enumerate(split) if first == wanted}
    return Part(source, names, wanted or source.plain_kind)


def top_folders(names: Iterable[str]) -> list[str]:
    """Return the first folders of these names, sorted, with "" for names without a folder."""
    return sorted({name.split("/", 1)[0] if "/" in name else "" for name in names})


def matched(sources: Sequence[SampleFiles], data: Data) -> tuple[list[SampleFiles], str]:
    """Return the files of each source that have the same names in all sources, in the same order.

    Returns:
        The sources, and a remark about the other files.

    Raises:
        ValueError: no name occurs in all sources.
    """
    stems = [
        dict(reversed([(str(PurePosixPath(name).with_suffix("")), i) for i, name in enumerate(each.names)]))
        for each in sources
    ]
    shared = sorted(set.intersection(*map(set, stems)))
    if not shared:
        examples = " and ".join(f"{each.kind} ({listed(each.names, 2)})" for each in sources)
        raise ValueError(
            f"data.condition={data.condition}: no file in {examples} has the same name as its fellow; "
            "give both of a pair the same name"
        )
    chosen = [{own[stem]: stem for stem in shared} for own in stems]
    unmatched = [
        f"{each.kind}/{name}"
        for each, own in zip(sources, chosen, strict=True)
        for i, name in enumerate(each.names)
        if i not in own
    ]
    remark = f"{len(unmatched):,} files have no fellow of the same name and are left out: {listed(unmatched)}"
    parts: list[SampleFiles] = [Part(each, own) for each, own in zip(sources, chosen, strict=True)]
    return parts, remark if unmatched else ""


def _split(name: str) -> tuple[str, str]:
    """Return `test` and `inst` for `test_inst`; "" and the name if it names no part."""
    found = _PART.fullmatch(name)
    return (found[1].lower(), found[2]) if found else ("", name)


def _plain(name: str) -> str:
    return name.lower().strip("_-. ")
