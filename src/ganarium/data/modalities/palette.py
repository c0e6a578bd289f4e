"""Classes of label maps: their names, the colours they are painted in, what stands for each in the files."""

import colorsys
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.base import Array
from ganarium.data.modalities.pixels import Content

MOST_COLORS = 64
"""So many colours at most make classes where no palette tells them."""
UNLABELED = 255
"""The number that by habit says: of no class. It gets a class of its own, the last one."""
TABLES = "a text file with a line `R G B name` for each class, or a .json with names and colours"
"""What is looked for, in words."""

Table = Mapping[str, tuple[int, int, int]]
_LARGEST = 2**20  # bytes of a table
_LINE = re.compile(r"(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\S.*)")


@dataclass(frozen=True, eq=False)
class Palette:
    """The classes of label maps, in the order of their ids."""

    names: tuple[str, ...]
    colors: NDArray[np.uint8]
    """What each is painted in, RGB `[K, 3]`."""
    values: NDArray[np.int64]
    """What stands for each in the files, `[K]`: a number, or a colour as 0xRRGGBB."""
    indexed: bool
    """The files hold numbers, no colours."""

    def ids(self, values: Array) -> NDArray[np.int32]:
        """Which class each value stands for.

        Raises:
            ValueError: one stands for none.
        """
        order = np.argsort(self.values, kind="stable")  # of two classes of one colour the first
        places = np.searchsorted(self.values, values, sorter=order).clip(max=len(order) - 1)
        ids = order[places]
        if (strange := self.values[ids] != values).any():
            raise ValueError(
                f"{self.worded(int(values[strange][0]))} stands for none of the {len(self.names)} classes"
            )
        return ids.astype(np.int32)

    @property
    def painted_in(self) -> tuple[str, ...]:
        """The colours as `#rrggbb`."""
        return tuple(_hex(color) for color in _packed(self.colors).tolist())

    def painted(self, ids: Array) -> NDArray[np.uint8]:
        """Ids `[N, H, W]` as pictures, RGB `[N, 3, H, W]`."""
        return np.ascontiguousarray(self.colors[ids].transpose(0, 3, 1, 2))

    def worded(self, value: int) -> str:
        """A value as a user would write it."""
        return f"id {value}" if self.indexed else f"colour {_hex(value)}"


def palette_of(maps: Mapping[str, Content], table: Table | None) -> Palette:
    """The classes in label maps.

    Args:
        maps: what the maps hold, by name.
        table: names and colours, if a file tells them.

    Raises:
        ValueError: they hold more than the table names, or more colours than classes can have.
    """
    longest = max((each.palette for each in maps.values()), key=len, default=b"")
    of_one_palette = all(longest.startswith(each.palette) for each in maps.values())
    if of_one_palette and all(each.indexed for each in maps.values()):
        return _of_numbers(maps, table, longest)
    return _of_colors(maps, table)


def table_in(places: Iterable[Path]) -> tuple[str, Table] | None:
    """The first file that tells names and colours of classes, and what it tells."""
    for place in places:
        for path in sorted(
            p for p in place.iterdir() if p.suffix.lower() in (".txt", ".json") and p.is_file()
        ):
            if (table := _table(path)) is not None:
                return path.name, table
    return None


def table_of(path: Path) -> Table:
    """What a file tells of names and colours of classes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is about something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file")
    if (table := _table(path)) is None:
        raise ValueError(f"{path} tells no colours of classes; it should be {TABLES}")
    return table


def repainted(names: Sequence[str], table: Table) -> tuple[str, ...]:
    """The colours that a table tells for classes, as in `Palette.painted_in`; "" for one that it lacks.

    Classes that are called by their numbers are taken in the order of the table.
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
    """How files of label maps may be read: by numbers and, if these are known, by colours.

    Args:
        names: of the classes.
        numbers: as in `DataSpec`; where none are known, files hold the classes' ids.
        colors: as in `DataSpec`; "" for a class that has none.
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
    """So many colours that are told apart, RGB `[count, 3]`: black, then hues by the golden ratio."""
    hues = [colorsys.hsv_to_rgb(i * 0.618034 % 1, 0.85, 1 - 0.4 * (i % 2)) for i in range(count - 1)]
    return np.rint(np.array([(0, 0, 0), *hues][:count]) * 255).astype(np.uint8)


def _of_numbers(maps: Mapping[str, Content], table: Table | None, palette: bytes) -> Palette:
    present = sorted(frozenset().union(*(each.numbers for each in maps.values())))
    numbers = [number for number in present if number != UNLABELED]
    highest = max(numbers, default=-1)
    if table is None and highest >= MOST_COLORS and 4 * len(numbers) <= highest:
        values = np.array(present)  # grey levels far apart are colours
        names = tuple(f"level {value}" for value in present)
        return Palette(names, np.repeat(values[:, None], 3, axis=1).astype(np.uint8), values, indexed=True)
    count = highest + 1 if table is None else len(table)
    if highest >= count:
        name = next(name for name, each in maps.items() if highest in each.numbers)
        raise ValueError(
            f"{name} holds id {highest}, but there are {count} classes: {_few(list(table or ()))}"
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
            if not each.colors or (strange := sorted(each.colors.difference(values.tolist()))):
                found = f"colour {_hex(strange[0])}" if each.colors else "thousands of colours"
                raise ValueError(
                    f"{name} holds {found}, but there are {len(table)} classes: {_few(list(table))}"
                )
        return Palette(tuple(table), colors, values, indexed=False)
    present = sorted(frozenset().union(*(each.colors for each in maps.values())))
    for name, each in maps.items():
        if not 0 < len(each.colors) <= MOST_COLORS or len(present) > MOST_COLORS:
            count = f"{len(each.colors)} colours, all maps {len(present)}" if each.colors else "thousands"
            raise ValueError(
                f"{name} has too many colours for a label map ({count}): it has one for each class, at most "
                f"{MOST_COLORS} where no palette tells them. Of two sources give the maps first; "
                f"save maps as PNG without smooth edges, or put {TABLES} beside them"
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
    except (OSError, ValueError, KeyError, TypeError):  # a file about something else
        return None
    return table if len(table) > 1 and all(max(color) < 256 for color in table.values()) else None


def _from_lines(text: str) -> Table:
    found = [_LINE.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    if not all(found):
        raise ValueError("a line that is no colour and name")
    return {line[4]: (int(line[1]), int(line[2]), int(line[3])) for line in found if line}


def _from_json(tree: Any) -> Table:
    pairs = tree.items() if isinstance(tree, dict) else [(each["name"], each["color"]) for each in tree]
    return {str(name): (int(red), int(green), int(blue)) for name, (red, green, blue) in pairs}


def _packed(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    red, green, blue = colors.astype(np.int64).T
    return red << 16 | green << 8 | blue


def _hex(value: int) -> str:
    return f"#{value:06x}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
