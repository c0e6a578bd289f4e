"""Files of label maps as ids, for a model with known classes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganarium.common.text import listed
from ganarium.data.modalities.palette import Table, readings, repainted, table_in, table_of
from ganarium.data.modalities.pixels import read_header, values
from ganarium.data.sources.folder import contents
from ganarium.data.sources.layouts import instances_beside


class MapFiles:
    """Label maps in a folder, optionally with their instances.

    Args:
        folder: folder of the maps; a table of colors, as in `palette.TABLES`, may be in it or next to it.
        names: names of the model's classes.
        numbers: numbers of the classes, as in `LabelMap`.
        colors: colors of the classes, as in `LabelMap`.
        palette: file of the table, if it is elsewhere.
        instances: add instances from the folder `instances/` next to `folder`; zeros without such a folder.
        notify: called with a message if that folder is missing.

    Raises:
        FileNotFoundError: there is no such palette.
        ValueError: the palette is not a table of colors, or names none of the classes.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        numbers: Sequence[int] = (),
        colors: Sequence[str] = (),
        *,
        palette: Path | None = None,
        instances: bool = False,
        notify: Callable[[str], object],
    ):
        known = repainted(names, table) if (table := _table(folder, palette)) else ()
        if palette is not None and not any(known):
            raise ValueError(f"--palette {palette} names none of this model's classes: {listed(names)}")
        self._by_number, self._by_color = readings(names, numbers, known if any(known) else colors)
        self._numbers_first = bool(numbers) or not colors
        self._has_table = any(known)
        self._folder, self._objects = folder, dict[Path, Path]()
        self._beside = instances_beside(folder) if instances else None
        self._channels = 2 if instances else 1
        if self._beside is not None:
            names_there = map(Path, contents(self._beside).names)
            self._objects = {name.with_suffix(""): self._beside / name for name in names_there}
        elif instances:
            notify(f"there is no folder instances/ beside {folder}: each map is taken for one instance")

    def ids(self, path: Path, size: tuple[int, ...] | None = None) -> NDArray[np.int32]:
        """Return the classes of a map, `[1, H, W]`, or `[2, H, W]` with the numbers of instances.

        Args:
            path: file of the map.
            size: height and width to fit it to; its own if None.

        Raises:
            ValueError: a pixel belongs to no class, or the map has no file of instances.
            Exception: as `pixels.picture`.
        """
        with path.open("rb") as stream:
            header = read_header(stream)
            gray = header.mode != "PA" and not header.color
            numbered = header.mode == "P" or gray
            palettes = [self._by_number] if numbered else []
            if self._by_color is not None:
                # A table of colors is more reliable than the order of a palette.
                first = numbered and self._numbers_first and (header.mode != "P" or not self._has_table)
                palettes.insert(1 if first else 0, self._by_color)
            if not palettes:
                raise ValueError(
                    "the map has colors, but the colors of this model's classes are unknown: "
                    "name a table of them with --palette"
                )
            for palette in palettes:
                stream.seek(0)
                found = values(stream, *(size or header.size), indexed=palette.indexed)
                try:
                    ids = palette.ids(found)[None]
                    break
                except ValueError:
                    if palette is palettes[-1]:
                        raise
        if self._channels == 1:
            return ids
        return np.concatenate([ids, self._instances(path, header.size, ids)])

    def _instances(self, path: Path, own: tuple[int, ...], ids: NDArray[np.int32]) -> NDArray[np.int32]:
        if self._beside is None:
            return np.zeros_like(ids)
        stem = path.relative_to(self._folder).with_suffix("")
        if stem not in self._objects:
            raise ValueError(f"{self._beside} has no file {stem} with its instances")
        with self._objects[stem].open("rb") as stream:
            if read_header(stream).size != own:
                raise ValueError(f"{self._objects[stem]} with its instances has another height or width")
            stream.seek(0)
            return values(stream, *ids.shape[1:])[None]


def _table(folder: Path, palette: Path | None) -> Table | None:
    if palette is not None:
        return table_of(palette)
    found = table_in([folder, folder.resolve().parent])
    return found and found[1]
