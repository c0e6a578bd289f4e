"""Files that a task reads and writes: one for each sample, or one that serves all."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from ganarium.common import grids
from ganarium.common.files import atomic_write
from ganarium.common.notify import Notify
from ganarium.data.modalities.base import Modality
from ganarium.data.sources.folder import contents
from ganarium.data.sources.whole_files import whole_file_reader
from ganarium.data.spec import DataSpec
from ganarium.tasks.base import Input, Output

FilePath = str | os.PathLike[str]
ARRAYS = ".npz"
"""Ending of files of arrays, for outputs that have no file format of their own."""


class InputFiles:
    """Files of one input of a task.

    Args:
        taken: the input; its values are samples.
        path: a file, or a folder with files at any depth.
        spec: specification of the model's data.
        derive: True if files are ordinary images, from which the input is made.
        palette: table of the colors of classes, for label maps.
        notify: called with messages about missing files.

    Attributes:
        names: names of the files, relative to the folder.
        axes: number of axes along which a sample may be cut.
        axis_names: names or lengths of these axes; inputs of equal names have equal sizes.
        has_palette: True if files may need a table of colors.

    Raises:
        FileNotFoundError, ValueError: there is no such file or folder, or nothing in it to read.
    """

    def __init__(
        self,
        taken: Input,
        path: Path,
        spec: DataSpec,
        *,
        derive: bool,
        palette: Path | None,
        notify: Notify,
    ):
        assert taken.modality is not None
        self.name, self.path = taken.name, path
        self.modality: Modality = taken.modality
        self.axes = len(self.modality.windowed)
        self.axis_names = taken.shape[len(taken.shape) - self.axes :]
        self._make = taken.kind.from_image if derive else None
        self._stored: Modality = spec.modality if derive else taken.modality
        self.has_palette = self._stored.has_palette
        self.names = _names(path, self._stored)
        self._folder = path if path.is_dir() else path.parent
        self._known = frozenset(self.names)
        self._by_stem = {name.with_suffix(""): self._folder / name for name in reversed(self.names)}
        channels = int(spec.shape[0] if derive else taken.shape[0])
        self._read = whole_file_reader(
            self._stored,
            self._folder,
            channels,
            palette=palette if self.has_palette else None,
            notify=notify,
        )

    def file(self, name: Path) -> Path:
        """Return the file that belongs to a file of the first input: that of the same stem, or the only one.

        Raises:
            ValueError: there is none.
        """
        if self.path.is_file():
            return self.path
        if name in self._known:
            return self._folder / name
        stem = name.with_suffix("")
        if stem not in self._by_stem:
            raise ValueError(f"{self.path} has no file {stem}")
        return self._by_stem[stem]

    def lengths(self, file: Path) -> tuple[int, ...]:
        """Return the lengths of a file's sample along the windowed axes, from its header."""
        with file.open("rb") as stream:
            return self._stored.read_header(stream).size

    def lengths_of(self, levels: Tensor) -> tuple[int, ...]:
        """Return the lengths of a sample `[C, ...]` along the windowed axes."""
        return tuple(levels.shape[levels.ndim - self.axes :])

    def read(self, file: Path) -> tuple[Tensor, Any]:
        """Return a file's sample `[C, ...]` in stored levels, and what `encode` needs for a file like it."""
        levels, like = self._read(file)
        if self._make is not None:
            levels = self._make(self._stored.to_tensor(levels[None].numpy()))[0]
        return levels, like

    def reason(self, error: Exception) -> str:
        """Return in words why a file could not be read."""
        return self._stored.reason(error)

    def values(self, levels: Tensor) -> Tensor:
        """Return stored levels `[N, C, ...]` as the values that the task takes."""
        return self.modality.to_tensor(levels.numpy()).contiguous()

    def cell(self, levels: Tensor) -> Image.Image:
        """Return a cell of a grid that shows a sample `[C, ...]` in stored levels."""
        return grids.cell(self.modality.thumbnail(self.values(levels[None])[0], grids.CELL))


class OutputFiles:
    """Files that a task writes.

    Each output that has a file format is a file with the input's name. Several of them go to folders of their
    own. All other outputs of a sample go to one file of arrays.

    Args:
        outputs: outputs of the task.
        source: files of the first input.
        out: folder; or the file, if there is one input file and one output.

    Raises:
        ValueError: `out` has another ending than the file that is written, or lies in the input's folder.
    """

    def __init__(self, outputs: Sequence[Output], source: InputFiles, out: Path):
        self._source = source.modality
        self._modalities = {each.name: each.modality for each in outputs if each.modality is not None}
        encoded = [each.name for each in outputs if each.modality and each.modality.encodes(each.shape)]
        kinds = [
            _Kind(out / name if len(encoded) > 1 else out, self._modalities[name].suffix, (name,))
            for name in encoded
        ]
        if arrays := tuple(each.name for each in outputs if each.name not in encoded):
            kinds.append(_Kind(out, ARRAYS, arrays))
        self._kinds = kinds
        if source.path.is_dir() and source.path.resolve() in (out.resolve(), *out.resolve().parents):
            raise ValueError(
                f"{out} lies in {source.path}, where it would be read the next time; choose another"
            )
        self._stems = Counter(_stem(name) for name in source.names)
        self._file: Path | None = None
        endings = frozenset({ARRAYS}).union(
            *(each.suffixes for each in (source.modality, *self._modalities.values()))
        )
        is_file = out.suffix.lower() in endings and not out.is_dir()
        if is_file and source.path.is_file() and len(kinds) == 1:
            if out.suffix.lower() != kinds[0].ending:
                raise ValueError(f"{out}: outputs are saved without loss; end the name in {kinds[0].ending}")
            self._file = out

    def paths(self, name: Path) -> tuple[Path, ...]:
        """Return the files that are written for an input file."""
        if self._file is not None:
            return (self._file,)
        alone = self._stems[_stem(name)] == 1  # else its own ending stays in the name
        return tuple(
            each.folder / (name.with_suffix(each.ending) if alone else f"{name}{each.ending}")
            for each in self._kinds
        )

    def write(self, name: Path, values: Mapping[str, Tensor], like: Any) -> None:
        """Write the outputs `[C, ...]` of an input file.

        Args:
            name: name of the input file.
            values: outputs by name.
            like: what the reader returned beside the sample.

        Raises:
            FileExistsError: a file of other contents is in the way.
        """
        for kind, path in zip(self._kinds, self.paths(name), strict=True):
            with atomic_write(path, "if-equal") as file:
                if kind.ending == ARRAYS:
                    arrays: dict[str, Any] = {output: values[output].numpy() for output in kind.outputs}
                    np.savez(file, **arrays)
                else:
                    modality = self._modalities[kind.outputs[0]]
                    modality.encode(values[kind.outputs[0]], file, self._like(modality, like))

    def cells(self, values: Mapping[str, Tensor], like: Any = None) -> list[Image.Image]:
        """Return cells of a grid that show those outputs `[C, ...]` that are samples; see `write`."""
        return [
            grids.cell(modality.thumbnail(values[name], grids.CELL, self._like(modality, like)))
            for name, modality in self._modalities.items()
        ]

    def reduced(self, values: Mapping[str, Tensor]) -> Tensor:
        """Return the first output `[C, ...]`, small enough for a cell of a grid if its modality allows."""
        name, modality = next(iter(self._modalities.items()))
        return modality.reduced(values[name], grids.CELL)

    def _like(self, modality: Modality, like: Any) -> Any:
        """Return `like` for outputs of the input's modality; None for others."""
        return like if modality == self._source else None


class _Kind(NamedTuple):
    """Files of one kind that are written: folder, ending and the outputs that they hold."""

    folder: Path
    ending: str
    outputs: tuple[str, ...]


def _names(path: Path, modality: Modality) -> list[Path]:
    """Return the names of files of samples, sorted."""
    if path.is_file():
        return [Path(path.name)]
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is neither a file nor a folder")
    found = contents(path, type(modality))
    if not found.names:
        raise ValueError(f"{path} holds no {modality.name}s: found {found.in_words()}")
    return [Path(name) for name in found.names]


def _stem(name: Path) -> str:
    return str(name.with_suffix("")).lower()
