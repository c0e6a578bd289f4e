"""Pictures as part of a page, no larger than there is room for."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from ganarium.data.modalities.image import reason

SHEETS = 40
"""So many of a run's sheets are on a page at most."""
ROOM = 8 * 2**20
"""Bytes that a page's sheets may take together; written as text they are a third longer."""
ROOM_OF_ONE = 2**20
WIDEST = 1024
"""Pixels of the longer side of a picture that had to be made smaller."""
SMALLEST = 64

T = TypeVar("T")


@dataclass(frozen=True)
class InputImage:
    """A picture within a page."""

    images: int
    """Images shown before it was drawn."""
    uri: str
    width: int
    height: int
    reduced: str = ""
    """What was done to make it fit, in words."""


def pictures(paths: Mapping[int, Path], room: int, missing: list[str]) -> Iterator[InputImage]:
    """At most `SHEETS` of them, evenly spread, in `room` bytes; what cannot be shown is told to `gaps`.

    Args:
        paths: the PNG files, by the images shown before.
        room: for all of them.
        missing: grows by a line for each that is no whole picture.
    """
    chosen = evenly(list(paths), SHEETS)
    for images in chosen:
        try:
            yield picture(paths[images], room // len(chosen), images)
        except Exception as error:  # what decoders of damaged files raise is not known
            missing.append(f"{paths[images].name} cannot be shown: {reason(error)}")


def evenly(things: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(things) <= most:
        return list(things)
    return [things[round(i * (len(things) - 1) / (most - 1))] for i in range(most)]


def picture(path: Path, room: int, images: int) -> InputImage:
    """The file as a `data:` address: as it is where it fits into `room` bytes, else reduced.

    Raises:
        Exception: whatever Pillow raises where it is no whole PNG.
    """
    data = path.read_bytes()
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        image.load()
        width, height = image.size
        if len(data) <= room:
            return InputImage(images, _uri("png", data), width, height)
        shown = image.convert("RGB")
    shown.thumbnail((WIDEST, WIDEST))
    while len(data := _webp(shown)) > room and min(shown.size) > SMALLEST:
        shown.thumbnail((shown.width * 3 // 4, shown.height * 3 // 4))
    reduced = f"shown at {shown.width} x {shown.height}, the file has {width} x {height} pixels"
    return InputImage(images, _uri("webp", data), *shown.size, reduced)


def _webp(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="WEBP", quality=85)
    return file.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
