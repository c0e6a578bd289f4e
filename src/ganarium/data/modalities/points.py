"""Points: `[D]`, unbounded."""

from dataclasses import dataclass
from typing import BinaryIO

import torch
from PIL import Image as PILImage
from PIL import ImageDraw
from torch import Tensor

from ganarium.data.kinds import Shape
from ganarium.data.modalities.base import Array, ArrayFormat, Modality


@dataclass(frozen=True)
class Points(Modality):
    """Point of a space of few dimensions."""

    name, axes, low, high = "point", ("D",), None, None
    grid_count = 1000

    def decode(self, stream: BinaryIO, format: ArrayFormat) -> Array:
        """Raise ValueError, since points have no files."""
        raise ValueError("points have no files")

    def columns(self, shape: Shape) -> tuple[str, ...]:
        """Return a name for each coordinate."""
        return tuple(f"x{i}" for i in range(int(shape[0])))

    def grid(self, samples: Tensor, *, columns: int | None = None, side: int = 400) -> PILImage.Image:
        """Return a scatter plot of the first two coordinates; both axes show [-3, 3]."""
        reach, plane = 3.0, samples.detach().float().cpu()[:, :2]
        if plane.shape[1] == 1:
            plane = torch.cat([plane, torch.zeros_like(plane)], 1)
        out = PILImage.new("RGB", (side, side), "white")
        draw = ImageDraw.Draw(out)
        for x, y in ((plane / reach + 1) * side / 2).tolist():
            draw.ellipse((x - 1.5, side - y - 1.5, x + 1.5, side - y + 1.5), fill="#1f5fbf")
        return out
