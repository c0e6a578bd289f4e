"""Samples on one sheet."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor

from ganarium.common.files import replacing

GAP = 2
PICTURES, POINTS, TRANSLATIONS = 64, 1000, 8
"""How many samples a run's sheets show."""
CELL = 256
"""Pixels of the sides of a translation's cell."""


def to_image(image: Tensor) -> Image.Image:
    """One sample `[C, H, W]` in [-1, 1] as a picture: 1 grey, 3 RGB, 4 RGBA; of others the first channel."""
    data = ((image.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    if data.shape[0] in (3, 4):
        return Image.fromarray(data.permute(1, 2, 0).contiguous().numpy())
    return Image.fromarray(data[0].contiguous().numpy())


def grid(samples: Tensor, *, columns: int | None = None, scale: int = 1) -> Image.Image:
    """Pictures `[N, C, H, W]` in [-1, 1] side by side, or points `[N, 2]` as a scatter plot."""
    if samples.ndim == 2:
        return scatter(samples)
    pictures = [to_image(sample) for sample in samples]
    return sheet(pictures, columns=columns, scale=scale)


def sheet(
    pictures: Sequence[Image.Image],
    *,
    columns: int | None = None,
    scale: int = 1,
    background: str = "#202020",
) -> Image.Image:
    """Pictures of one size side by side, each enlarged `scale` times without smoothing."""
    columns = columns or math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = pictures[0].width * scale, pictures[0].height * scale
    out = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), background)
    for i, picture in enumerate(pictures):
        place = GAP + (i % columns) * (width + GAP), GAP + (i // columns) * (height + GAP)
        enlarged = picture.resize((width, height), Image.Resampling.NEAREST)
        out.paste(enlarged, place, enlarged if enlarged.mode == "RGBA" else None)
    return out


def cell(image: Image.Image, *, fill: bool = True) -> Image.Image:
    """A picture made no larger than `CELL`; `fill` sets it in the middle of a square of that side, RGBA."""
    small = ImageOps.contain(image, (CELL, CELL)) if max(image.size) > CELL else image
    if not fill:
        return small
    square = Image.new("RGBA", (CELL, CELL), (0, 0, 0, 0))
    square.paste(small.convert("RGBA"), ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return square


def beside(columns: Mapping[str, Tensor]) -> Image.Image:
    """A row for each picture: a column for each name, pictures `[N, C, H, W]` in [-1, 1] of one size."""
    rows = zip(*columns.values(), strict=True)
    return sheet([to_image(picture) for row in rows for picture in row], columns=len(columns))


def scatter(points: Tensor, *, size: int = 400, reach: float = 3.0) -> Image.Image:
    """Points `[N, 2]` as dots on a square that shows [-reach, reach] on both axes."""
    out = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(out)
    for x, y in ((points.detach().float().cpu() / reach + 1) * size / 2).tolist():
        draw.ellipse((x - 1.5, size - y - 1.5, x + 1.5, size - y + 1.5), fill="#1f5fbf")
    return out


def save(picture: Image.Image, path: Path) -> None:
    """Write a PNG, whole or not at all."""
    with replacing(path) as file:
        picture.save(file, format="PNG")
