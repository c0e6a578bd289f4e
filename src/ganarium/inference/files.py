"""Files that a task reads and writes: one for each sample, or one that serves all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
        """Return the file that belongs to a name of the first input: the one of the same stem, or the only
        one.

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
        self._like_modality = source.modality
        self._shown = {each.name: each.modality for each in outputs if each.modality is not None}
        encoded = [
            each for each in outputs if each.modality is not None and each.modality.encodes(each.shape)
        ]
        self._modalities = {each.name: each.modality for each in encoded}
        self._arrays = [each.name for each in outputs if each.name not in self._modalities]
        folders = {name: out / name if len(encoded) > 1 else out for name in self._modalities}
        endings = {each.name: each.modality.suffix for each in encoded if each.modality is not None}
        if self._arrays:
            folders[""], endings[""] = out, ARRAYS
        if source.path.is_dir() and source.path.resolve() in (out.resolve(), *out.resolve().parents):
            raise ValueError(
                f"{out} lies in {source.path}, where they would be read the next time; choose another folder"
            )
        stems = Counter(_stem(name) for name in source.names)
        self._paths = {
            name: {
                output: folder / _renamed(name, endings[output], alone=stems[_stem(name)] == 1)
                for output, folder in folders.items()
            }
            for name in source.names
        }
        if source.path.is_file() and not out.is_dir() and len(folders) == 1:
            ((output, ending),) = endings.items()
            modality = self._modalities.get(output)
            if out.suffix.lower() in ((modality.suffixes if modality else frozenset()) | {ending}):
                if out.suffix.lower() != ending:
                    raise ValueError(f"{out}: outputs are saved without loss; end the name in {ending}")
                self._paths = {source.names[0]: {output: out}}

    def paths(self, name: Path) -> tuple[Path, ...]:
        """Return the files that are written for an input file."""
        return tuple(self._paths[name].values())

    def write(self, name: Path, values: Mapping[str, Tensor], like: Any) -> None:
        """Write the outputs `[C, ...]` of an input file; `like` is what its reader returned beside the
        sample.

        Raises:
            FileExistsError: a file of other contents is in the way.
        """
        for output, path in self._paths[name].items():
            with atomic_write(path, "if-equal") as file:
                modality = self._modalities.get(output)
                if modality is None:
                    arrays: dict[str, Any] = {key: values[key].numpy() for key in self._arrays}
                    np.savez(file, **arrays)
                else:
                    modality.encode(values[output], file, like if modality == self._like_modality else None)

    def cells(self, values: Mapping[str, Tensor], like: Any = None) -> list[Image.Image]:
        """Return cells of a grid that show those outputs `[C, ...]` that are samples; see `write`."""
        return [
            grids.cell(
                modality.thumbnail(
                    values[name], grids.CELL, like if modality == self._like_modality else None
                )
            )
            for name, modality in self._shown.items()
        ]

    def reduced(self, values: Mapping[str, Tensor]) -> Tensor:
        """Return the first output `[C, ...]`, small enough for a cell of a grid if its modality allows."""
        name, modality = next(iter(self._shown.items()))
        return modality.reduced(values[name], grids.CELL)


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


def _renamed(name: Path, ending: str, *, alone: bool) -> Path:
    """Return a name with another ending, in place of its own if no other file has its stem."""
    return name.with_suffix(ending) if alone else name.with_name(f"{name.name}{ending}")
