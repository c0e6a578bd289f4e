"""Files of label maps as ids, for a model that knows its classes already."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.palette import Table, readings, repainted, table_in, table_of
from ganarium.data.modalities.pixels import read_header, values
from ganarium.data.sources.folder import contents
from ganarium.data.sources.layouts import instances_beside


class MapFiles:
    """Label maps in a folder, with their instances where these are wanted.

    Args:
        folder: where they lie; a table of colours may lie there or beside, as in `palettes.TABLES`.
        names: of the classes.
        numbers: as in `DataSpec`.
        colours: as in `DataSpec`.
        palette: the table's file, where it lies elsewhere.
        instances: whether maps come with instances, out of the folder `instances/` beside; zeros without it.
        say: is told what is missing.

    Raises:
        FileNotFoundError, ValueError: there is no such palette, or it names none of the classes.
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
            few = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise ValueError(f"--palette {palette} names none of this model's classes: {few}")
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
        """Return classes of a map, `[1, H, W]`, or `[2, H, W]` with the numbers of instances.

        Args:
            path: file of the map.
            size: height and width to fit it to; its own if None.

        Raises:
            Exception: as `images.picture`; ValueError where something stands for none of the classes, or
                the map has no fellow among the instances.
        """
        with path.open("rb") as stream:
            header = read_header(stream)
            gray = header.mode != "PA" and not header.color
            numbered = header.mode == "P" or gray
            directions = [self._by_number] if numbered else []
            if self._by_color is not None:
                # A table of colours tells more than the order of a palette does.
                first = numbered and self._numbers_first and (header.mode != "P" or not self._has_table)
                directions.insert(1 if first else 0, self._by_color)
            if not directions:
                raise ValueError(
                    "the map is painted, but this model was not told the colours of its classes: "
                    "name a table of them with --palette"
                )
            for palette in directions:
                stream.seek(0)
                found = values(stream, *(size or header.size), indexed=palette.indexed)
                try:
                    ids = palette.ids(found)[None]
                    break
                except ValueError:
                    if palette is directions[-1]:
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
