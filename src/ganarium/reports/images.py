"""Images embedded in a page, reduced to a limited number of bytes."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from ganarium.data.modalities.pixels import reason

MAX_GRIDS = 40
"""Largest number of sample grids of one run on a page."""
MAX_BYTES = 8 * 2**20
"""Largest number of bytes of all sample grids of a page; as base64 text they are a third larger."""
MAX_BYTES_OF_ONE = 2**20
"""Largest number of bytes of a single image."""
MAX_SIDE = 1024
"""Longer side, in pixels, of an image that is too large, before it is reduced further."""
MIN_SIDE = 64
"""Shorter side, in pixels, below which an image is not reduced further."""

T = TypeVar("T")


@dataclass(frozen=True)
class EmbeddedImage:
    """Image in a page."""

    images: int
    """Number of images shown before it was generated."""
    uri: str
    width: int
    height: int
    reduced: str = ""
    """Description of the reduction; empty if the image is the file."""


def embed_all(paths: Mapping[int, Path], max_bytes: int, missing: list[str]) -> Iterator[EmbeddedImage]:
    """Yield at most `MAX_GRIDS` images, evenly spaced, of at most `max_bytes` together.

    Args:
        paths: PNG files, by images shown.
        max_bytes: limit for all of them.
        missing: list to which a line is added for each file that is no valid image.
    """
    chosen = evenly_spaced(list(paths), MAX_GRIDS)
    for images in chosen:
        try:
            yield embed(paths[images], max_bytes // len(chosen), images)
        except Exception as error:  # decoders may raise anything on damaged files
            missing.append(f"{paths[images].name} cannot be shown: {reason(error)}")


def evenly_spaced(items: Sequence[T], count: int) -> list[T]:
    """Return at most `count` evenly spaced items, including the first and the last."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def embed(path: Path, max_bytes: int, images: int) -> EmbeddedImage:
    """Return a PNG file as a `data:` URI: the file itself if it fits into `max_bytes`, else a smaller image.

    Raises:
        Exception: any error of Pillow, if the file is no valid PNG.
    """
    data = path.read_bytes()
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        image.load()
        width, height = image.size
        if len(data) <= max_bytes:
            return EmbeddedImage(images, _uri("png", data), width, height)
        small = image.convert("RGB")
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    while len(data := _webp(small)) > max_bytes and min(small.size) > MIN_SIDE:
        small.thumbnail((small.width * 3 // 4, small.height * 3 // 4))
    reduced = f"shown at {small.width} x {small.height}, the file has {width} x {height} pixels"
    return EmbeddedImage(images, _uri("webp", data), *small.size, reduced)


def _webp(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="WEBP", quality=85)
    return file.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
