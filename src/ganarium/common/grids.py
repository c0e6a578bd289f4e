"""Image grids: images side by side in one image."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from ganarium.common.files import atomic_write

GAP = 2
"""Pixels between two images of a grid."""
CELL = 256
"""Pixels of the sides of a cell, where large images are shown."""


def tiled(
    images: Sequence[Image.Image],
    *,
    columns: int | None = None,
    scale: int = 1,
    background: str = "#202020",
) -> Image.Image:
    """Return images side by side, each enlarged `scale` times without smoothing.

    Args:
        images: cells are as large as the largest of them.
        columns: number of columns; about as many as rows if None.
        scale: whole number.
        background: color between the images.
    """
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    width, height = (max(side) * scale for side in zip(*(image.size for image in images), strict=True))
    out = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), background)
    for i, image in enumerate(images):
        place = GAP + (i % columns) * (width + GAP), GAP + (i // columns) * (height + GAP)
        enlarged = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
        out.paste(enlarged, place, enlarged if enlarged.mode == "RGBA" else None)
    return out


def contained(image: Image.Image, side: int, *, nearest: bool = False) -> Image.Image:
    """Return an image resized to fit into a square; `nearest` keeps its values as they are."""
    method = Image.Resampling.NEAREST if nearest else Image.Resampling.BICUBIC
    return ImageOps.contain(image, (side, side), method)


def cell(image: Image.Image, *, fill: bool = True) -> Image.Image:
    """Return an image no larger than `CELL`; `fill` puts it in the middle of a transparent square of that
    side.
    """
    small = contained(image, CELL) if max(image.size) > CELL else image
    if not fill:
        return small
    square = Image.new("RGBA", (CELL, CELL), (0, 0, 0, 0))
    square.paste(small.convert("RGBA"), ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return square


def save(image: Image.Image, path: Path) -> None:
    """Write a PNG file, whole or not at all."""
    with atomic_write(path) as file:
        image.save(file, format="PNG")
