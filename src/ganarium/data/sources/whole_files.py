"""Readers of files of samples at their own size, by modality."""

from collections.abc import Callable
from functools import singledispatch
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganarium.common.notify import Notify
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.label_map import LabelMap, LabelPlanes
from ganarium.data.sources.map_files import MapFiles

Read = Callable[[Path], tuple[Tensor, Any]]
"""Function that returns what `Modality.decode_whole` returns of a file."""


@singledispatch
def whole_file_reader(
    modality: Modality,
    folder: Path,
    channels: int,
    *,
    palette: Path | None,
    notify: Notify,
    size: tuple[int, ...] | None = None,
) -> Read:
    """Return a function that reads the files of a folder.

    Args:
        modality: modality of the files.
        folder: the folder; other files there may be needed, such as a palette.
        channels: channels of a sample.
        palette: table of the colors of classes, if it lies elsewhere.
        notify: called with messages about missing files.
        size: height and width to which label maps are fitted; their own if None.

    Raises:
        FileNotFoundError, ValueError: there is no such palette, or it does not fit the modality.
    """

    def read(path: Path) -> tuple[Tensor, Any]:
        with path.open("rb") as stream:
            return modality.decode_whole(stream, channels)

    return read


@whole_file_reader.register
def _(
    modality: LabelMap,
    folder: Path,
    channels: int,
    *,
    palette: Path | None,
    notify: Notify,
    size: tuple[int, ...] | None = None,
) -> Read:
    maps = MapFiles(
        folder,
        modality.classes,
        modality.numbers,
        modality.colors,
        palette=palette,
        instances=channels == 2,
        notify=notify,
    )
    return lambda path: (torch.from_numpy(maps.ids(path, size)), None)


@whole_file_reader.register
def _(modality: LabelPlanes, folder: Path, channels: int, **settings: Any) -> Read:
    ids = LabelMap(modality.classes, modality.colors, modality.numbers)
    return whole_file_reader(ids, folder, 1, **settings)
