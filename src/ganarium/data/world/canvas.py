"""Canvas of the scenes: pixels, colours, and rendering of contours."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganarium.data.world.shapes import Shape

MARGIN = 0.025
"""Smallest gap between a shape and the border of the image, in sides."""

# Colours are levels in 0..255.
_NAMES = {1: ("dark", "grey", "pale", "white"), 3: ("red", "green", "blue", "yellow")}
_PALETTE = {
    1: ((92,), (144,), (198,), (252,)),
    3: ((240, 62, 54), (46, 204, 98), (52, 122, 255), (255, 214, 30)),
}
_BACKGROUND = {1: (20,), 3: (22, 24, 38)}
_DIM = {1: (28,), 3: (58, 60, 70)}  # centre of the textured backgrounds
_DEPTH = {1: 20.0, 3: 64.0}  # largest distance of a textured background from its centre, in levels

_STYLE_PALETTE = {
    1: ((28,), (70,), (112,), (154,)),
    3: ((188, 44, 60), (16, 138, 88), (60, 72, 196), (226, 164, 22)),
}
_PAPER = {1: (240,), 3: (247, 241, 228)}
_INK = {1: (0,), 3: (40, 34, 46)}


@dataclass(frozen=True)
class Canvas:
    """Canvas of `height` x `width` pixels. The unit of length is the side, the shorter of the two."""

    height: int
    width: int
    channels: int
    textured: bool

    @property
    def side(self) -> int:
        """Number of pixels per unit of length."""
        return min(self.height, self.width)

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height, in sides."""
        return self.width / self.side, self.height / self.side

    @property
    def colors(self) -> tuple[str, ...]:
        """Names of the colours; grey levels if there is one channel."""
        return _NAMES[self.channels]

    @property
    def palette(self) -> Tensor:
        """Colours of the shapes, `[4, C]` in 0..255."""
        return torch.tensor(_PALETTE[self.channels], dtype=torch.float32)

    @property
    def background(self) -> Tensor:
        """Colour of the background, `[C]` in 0..255; its centre if it is textured."""
        return torch.tensor((_DIM if self.textured else _BACKGROUND)[self.channels], dtype=torch.float32)

    @property
    def depth(self) -> float:
        """Largest distance of a background pixel from `background`, in levels of 0..255."""
        return _DEPTH[self.channels] if self.textured else 0.0

    @property
    def style_palette(self) -> Tensor:
        """Colours of the shapes in the second style, in the order of `palette`, `[4, C]` in 0..255."""
        return torch.tensor(_STYLE_PALETTE[self.channels], dtype=torch.float32)

    @property
    def paper(self) -> Tensor:
        """Colour of the background in the second style, `[C]` in 0..255."""
        return torch.tensor(_PAPER[self.channels], dtype=torch.float32)

    @property
    def ink(self) -> Tensor:
        """Colour of the contours in the second style, `[C]` in 0..255."""
        return torch.tensor(_INK[self.channels], dtype=torch.float32)

    @property
    def hatch(self) -> Tensor:
        """Hatching of the second style, `[H, W]` in 0..1: diagonal lines, seven per side."""
        x, y = self.grid()
        return (0.5 + 1.5 * torch.sin(2 * math.pi * 7 / math.sqrt(2) * (x + y))).clamp_(0, 1)

    @property
    def sizes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ranges of the radii of small and of large shapes, in sides."""
        return ((0.20, 0.27), (0.32, 0.42)) if self.textured else ((0.28, 0.33), (0.36, 0.41))

    @property
    def jitter(self) -> float:
        """Largest distance of a shape's centre from the middle, as a share of the extent."""
        return 0.5 if self.textured else 0.12

    def grid(self, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """Return the coordinates x `[1, W]` and y `[H, 1]` of the pixel centres, in sides."""
        x = (torch.arange(self.width, dtype=torch.float32, device=device) + 0.5) / self.side
        y = (torch.arange(self.height, dtype=torch.float32, device=device) + 0.5) / self.side
        return x[None, :], y[:, None]


def signed_distance(
    canvas: Canvas, shape: Shape, x: Tensor, y: Tensor, radius: Tensor, angle: Tensor
) -> Tensor:
    """Compute the distance of each pixel centre to the contour of each of N shapes, negative inside.

    Args:
        canvas: canvas that has the pixels.
        shape: shape of all N contours.
        x: x coordinates of the centres, `[N]`, in sides.
        y: y coordinates of the centres, `[N]`, in sides.
        radius: radii of the circumscribed circles, `[N]`, in sides.
        angle: angles clockwise from upright, `[N]`, in radians.

    Returns:
        Distances `[N, H, W]`, in pixels.
    """
    columns, rows = canvas.grid(x.device)
    from_x, from_y = columns - x[:, None, None], rows - y[:, None, None]  # [N, 1, W], [N, H, 1]
    cos, sin = (angle.cos() / radius)[:, None, None], (angle.sin() / radius)[:, None, None]
    distance = shape.distance(cos * from_x + sin * from_y, cos * from_y - sin * from_x)
    return distance.mul_(radius[:, None, None] * canvas.side)


def coverage(distance: Tensor) -> Tensor:
    """Return the covered share of each pixel, in 0..1, for a straight contour at `distance` pixels."""
    return (0.5 - distance).clamp_(0, 1)


def blend(below: Tensor, above: Tensor, share: Tensor) -> Tensor:
    """Blend `above` over `below` with the opacity `share` `[..., H, W]`: `[..., C, H, W]`."""
    return below + (above - below) * share.unsqueeze(-3)
