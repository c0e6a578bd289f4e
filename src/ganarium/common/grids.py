"""Image grids and scatter plots of samples."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor

from ganarium.common.files import replacing

GAP = 2
"""Pixels between two images of a grid."""
PICTURES, POINTS, TRANSLATIONS = 64, 1000, 8
"""Numbers of images, points and translations in the grids of a run."""
CELL = 256
"""Side of a cell in a grid of translations, in pixels."""


def to_image(image: Tensor) -> Image.Image:
    """Convert a sample `[C, H, W]` in [-1, 1] to an image: RGB if C is 3, RGBA if 4, else channel 0."""
    data = ((image.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    if data.shape[0] in (3, 4):
        return Image.fromarray(data.permute(1, 2, 0).contiguous().numpy())
    return Image.fromarray(data[0].contiguous().numpy())


def grid(samples: Tensor, *, columns: int | None = None, scale: int = 1) -> Image.Image:
    """Arrange images `[N, C, H, W]` in [-1, 1] in a grid, or plot points `[N, 2]`."""
    if samples.ndim == 2:
        return scatter(samples)
    return sheet([to_image(sample) for sample in samples], columns=columns, scale=scale)


def sheet(
    images: Sequence[Image.Image],
    *,
    columns: int | None = None,
    scale: int = 1,
    background: str = "#202020",
) -> Image.Image:
    """Arrange images of one size in a grid, each enlarged `scale` times without smoothing."""
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    width, height = images[0].width * scale, images[0].height * scale
    out = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), background)
    for i, image in enumerate(images):
        corner = GAP + (i % columns) * (width + GAP), GAP + (i // columns) * (height + GAP)
        enlarged = image.resize((width, height), Image.Resampling.NEAREST)
        out.paste(enlarged, corner, enlarged if enlarged.mode == "RGBA" else None)
    return out


def cell(image: Image.Image, *, fill: bool = True) -> Image.Image:
    """Shrink an image to at most `CELL` pixels a side; `fill` adds a transparent margin up to a square."""
    small = ImageOps.contain(image, (CELL, CELL)) if max(image.size) > CELL else image
    if not fill:
        return small
    square = Image.new("RGBA", (CELL, CELL), (0, 0, 0, 0))
    square.paste(small.convert("RGBA"), ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return square


def beside(columns: Mapping[str, Tensor]) -> Image.Image:
    """Arrange images `[N, C, H, W]` in [-1, 1] of one size: a row for each sample, a column for each name."""
    rows = zip(*columns.values(), strict=True)
    return sheet([to_image(sample) for row in rows for sample in row], columns=len(columns))


def scatter(points: Tensor, *, size: int = 400, reach: float = 3.0) -> Image.Image:
    """Plot points `[N, 2]` as dots in a square of `size` pixels; both axes show [-reach, reach]."""
    out = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(out)
    for x, y in ((points.detach().float().cpu() / reach + 1) * size / 2).tolist():
        draw.ellipse((x - 1.5, size - y - 1.5, x + 1.5, size - y + 1.5), fill="#1f5fbf")
    return out


def save(image: Image.Image, path: Path) -> None:
    """Write a PNG atomically."""
    with replacing(path) as file:
        image.save(file, format="PNG")
