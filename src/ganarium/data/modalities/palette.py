"""Classes of label maps: their names, colors, and values in the files."""

import colorsys
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganarium.common.text import listed
from ganarium.data.modalities.base import Array
from ganarium.data.modalities.pixels import Content

MOST_COLORS = 64
"""Largest number of classes that are inferred from colors, without a palette or table."""
UNLABELED = 255
"""Number that by convention marks pixels of no class; they get a class of their own, the last one."""
TABLES = "a text file with a line `R G B name` for each class, or a .json with names and colours"
"""Files that can name classes, in words."""

Table = Mapping[str, tuple[int, int, int]]
_LARGEST = 2**20  # bytes of a table
_LINE = re.compile(r"(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\S.*)")


@dataclass(frozen=True, eq=False)
class Palette:
    """Classes of label maps, in the order of their ids.

    Attributes:
        names: names of the classes.
        colors: color of each class, RGB `[K, 3]`.
        values: value of each class in the files, `[K]`: a number, or a color as 0xRRGGBB.
        indexed: True if the files hold numbers, False if they hold colors.
    """

    names: tuple[str, ...]
    colors: NDArray[np.uint8]
    values: NDArray[np.int64]
    indexed: bool

    def ids(self, values: Array) -> NDArray[np.int32]:
        """Return the id of the class of each value.

        Raises:
            ValueError: a value belongs to no class.
        """
        order = np.argsort(self.values, kind="stable")  # the first of two classes of one color
        places = np.searchsorted(self.values, values, sorter=order).clip(max=len(order) - 1)
        ids = order[places]
        if (unknown := self.values[ids] != values).any():
            value = int(values[unknown][0])
            found = f"id {value}" if self.indexed else f"colour {_hex(value)}"
            raise ValueError(f"{found} stands for none of the {len(self.names)} classes")
        return ids.astype(np.int32)

    @property
    def painted_in(self) -> tuple[str, ...]:
        """Colors of the classes as `#rrggbb`."""
        return tuple(_hex(color) for color in _packed(self.colors).tolist())

    def painted(self, ids: Array) -> NDArray[np.uint8]:
        """Return ids `[N, H, W]` as images, RGB `[N, 3, H, W]`."""
        return np.ascontiguousarray(self.colors[ids].transpose(0, 3, 1, 2))


def palette_of(maps: Mapping[str, Content], table: Table | None) -> Palette:
    """Return the classes in label maps.

    Args:
        maps: values in the maps, by name.
        table: names and colors of the classes, if a file gives them.

    Raises:
        ValueError: the maps hold values that the table lacks, or more than `MOST_COLORS` colors.
    """
    longest = max((each.palette for each in maps.values()), key=len, default=b"")
    of_one_palette = all(longest.startswith(each.palette) for each in maps.values())
    if of_one_palette and all(each.indexed for each in maps.values()):
        return _of_numbers(maps, table, longest)
    return _of_colors(maps, table)


def table_in(places: Iterable[Path]) -> tuple[str, Table] | None:
    """Return name and table of the first file in some folders that gives names and colors of classes."""
    for place in places:
        for path in sorted(each for each in place.iterdir() if each.suffix.lower() in (".txt", ".json")):
            if path.is_file() and (table := _table(path)) is not None:
                return path.name, table
    return None


def table_of(path: Path) -> Table:
    """Return the names and colors of classes in a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not such a table.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file")
    if (table := _table(path)) is None:
        raise ValueError(f"{path} tells no colours of classes; it must be {TABLES}")
    return table


def repainted(names: Sequence[str], table: Table) -> tuple[str, ...]:
    """Return the color of each class in a table, as in `Palette.painted_in`; "" for classes that it lacks.

    Classes that are named by their numbers are taken in the order of the table.
    """
    named = [name for name in names if name != "unlabelled"]
    if named == [str(i) for i in range(len(named))] and not table.keys() & set(named):
        table = dict(zip(named, table.values(), strict=False)) | {
            name: color for name, color in table.items() if name == "unlabelled"
        }
    return tuple("#{:02x}{:02x}{:02x}".format(*table[name]) if name in table else "" for name in names)


def readings(
    names: Sequence[str], numbers: Sequence[int] = (), colors: Sequence[str] = ()
) -> tuple[Palette, Palette | None]:
    """Return palettes to read files of label maps: by numbers and, if colors are known, by colors.

    Args:
        names: names of the classes.
        numbers: number of each class in the files; ids if empty.
        colors: color of each class in the files, `#rrggbb`; "" for a class without one.
    """
    count = len(names)
    if not numbers:
        last = UNLABELED if names[-1] == "unlabelled" else count - 1
        numbers = [*range(count - 1), last]
    by_number = Palette(tuple(names), spectrum(count), np.array(numbers, np.int64), indexed=True)
    if not any(colors):
        return by_number, None
    values = np.array([int(color[1:], 16) if color else -1 for color in colors], np.int64)
    return by_number, Palette(tuple(names), spectrum(count), values, indexed=False)


def spectrum(count: int) -> NDArray[np.uint8]:
    """Return distinct colors, RGB `[count, 3]`: black, then hues by the golden ratio."""
    hues = [colorsys.hsv_to_rgb(i * 0.618034 % 1, 0.85, 1 - 0.4 * (i % 2)) for i in range(count - 1)]
    return np.rint(np.array([(0, 0, 0), *hues][:count]) * 255).astype(np.uint8)


def _of_numbers(maps: Mapping[str, Content], table: Table | None, palette: bytes) -> Palette:
    present = sorted(frozenset().union(*(each.numbers for each in maps.values())))
    numbers = [number for number in present if number != UNLABELED]
    highest = max(numbers, default=-1)
    if table is None and highest >= MOST_COLORS and 4 * len(numbers) <= highest:
        values = np.array(present)  # few gray levels, far apart, are colors
        names = tuple(f"level {value}" for value in present)
        return Palette(names, np.repeat(values[:, None], 3, axis=1).astype(np.uint8), values, indexed=True)
    count = highest + 1 if table is None else len(table)
    if highest >= count:
        name = next(name for name, each in maps.items() if highest in each.numbers)
        raise ValueError(
            f"{name} holds id {highest}, but there are {count} classes: {listed(list(table or ()))}"
        )
    names = tuple(map(str, range(count))) if table is None else tuple(table)
    own = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    colors = np.array(list(table.values()), np.uint8) if table else own if len(own) else spectrum(count)
    colors = np.concatenate([colors, np.zeros((count, 3), np.uint8)])[:count]
    values = np.arange(count)
    if UNLABELED in present and count <= UNLABELED:
        names, values = (*names, "unlabelled"), np.append(values, UNLABELED)
        colors = np.concatenate([colors, [[0, 0, 0]]]).astype(np.uint8)
    return Palette(names, colors, values, indexed=True)


def _of_colors(maps: Mapping[str, Content], table: Table | None) -> Palette:
    if table is not None:
        colors = np.array(list(table.values()), np.uint8)
        values = _packed(colors)
        for name, each in maps.items():
            if not each.colors or (unknown := sorted(each.colors.difference(values.tolist()))):
                found = f"colour {_hex(unknown[0])}" if each.colors else "thousands of colours"
                raise ValueError(
                    f"{name} holds {found}, but there are {len(table)} classes: {listed(list(table))}"
                )
        return Palette(tuple(table), colors, values, indexed=False)
    present = sorted(frozenset().union(*(each.colors for each in maps.values())))
    for name, each in maps.items():
        if not 0 < len(each.colors) <= MOST_COLORS or len(present) > MOST_COLORS:
            count = f"{len(each.colors)} colours, all maps {len(present)}" if each.colors else "thousands"
            raise ValueError(
                f"{name} has too many colours for a label map ({count}); without a palette at most "
                f"{MOST_COLORS} are allowed. If it is an image, give the maps first; else save maps as PNG "
                f"without smooth edges, or put {TABLES} beside them"
            )
    values = np.array(present)
    colors = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1).astype(np.uint8)
    return Palette(tuple(map(_hex, present)), colors, values, indexed=False)


def _table(path: Path) -> Table | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        text = path.read_text(encoding="utf-8")
        table = _from_json(json.loads(text)) if path.suffix.lower() == ".json" else _from_lines(text)
    except (OSError, ValueError, KeyError, TypeError):  # not a table
        return None
    return table if len(table) > 1 and all(max(color) < 256 for color in table.values()) else None


def _from_lines(text: str) -> Table:
    found = [_LINE.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    if not all(found):
        raise ValueError("a line is not a color and a name")
    return {line[4]: (int(line[1]), int(line[2]), int(line[3])) for line in found if line}


def _from_json(tree: Any) -> Table:
    pairs = tree.items() if isinstance(tree, dict) else [(each["name"], each["color"]) for each in tree]
    return {str(name): (int(red), int(green), int(blue)) for name, (red, green, blue) in pairs}


def _packed(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    red, green, blue = colors.astype(np.int64).T
    return red << 16 | green << 8 | blue


def _hex(value: int) -> str:
    return f"#{value:06x}"
