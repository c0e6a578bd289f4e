"""Signed distances of the six shapes: exact, symmetric about the origin, of circumradius 1.

The plane is folded into one sector of a polygon's mirror symmetry, in which the outline is a short convex
line. The nearest point of the outline always lies in the same sector, so the distance is exact.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Round:
    """Disc of radius 1 with a hole of radius `hole`; all rotations map it to itself (`symmetry` 0)."""

    name: str
    hole: float = 0.0
    symmetry: int = 0

    @property
    def area(self) -> float:
        """Area without the hole."""
        return math.pi * (1 - self.hole**2)

    @property
    def perimeter(self) -> float:
        """Length of all contours."""
        return 2 * math.pi * (1 + self.hole)

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the distance of each point to the nearest contour, negative inside; y points down."""
        radius = torch.hypot(x, y)
        return torch.maximum(radius - 1, self.hole - radius) if self.hole else radius - 1


@dataclass(frozen=True)
class Polygon:
    """Polygon with the mirror symmetry of a regular one; rotation by 2 pi / `symmetry` maps it to itself.

    `outline` contains the vertices (x, y) from one mirror axis, the x axis, to the next, at the angle
    pi / symmetry. `upright` is the rotation, in radians, that puts the shape upright.
    """

    name: str
    symmetry: int
    outline: tuple[tuple[float, float], ...]
    upright: float = 0.0

    @property
    def area(self) -> float:
        """Area, by the shoelace formula."""
        return self.symmetry * sum(ax * by - ay * bx for (ax, ay), (bx, by) in pairwise(self.outline))

    @property
    def perimeter(self) -> float:
        """Length of the contour."""
        return 2 * self.symmetry * sum(math.dist(a, b) for a, b in pairwise(self.outline))

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the distance of each point to the contour, negative inside; y points down."""
        cos, sin = math.cos(self.upright), math.sin(self.upright)
        x, y = self._folded(cos * x + sin * y, cos * y - sin * x)
        sides = [_side(x, y, a, b) for a, b in pairwise(self.outline)]
        nearest, outside = sides[0]
        for squared, beyond in sides[1:]:
            nearest, outside = torch.minimum(nearest, squared), torch.maximum(outside, beyond)
        return torch.copysign(nearest.sqrt(), outside)

    def _folded(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mirror the points into the sector between the angles 0 and pi / symmetry."""
        normal_x, normal_y = math.sin(math.pi / self.symmetry), -math.cos(math.pi / self.symmetry)
        y = y.abs()
        for _ in range(self.symmetry // 2):  # two reflections reduce the angle by 2 pi / symmetry
            beyond = (normal_x * x + normal_y * y).clamp(max=0).mul_(2)
            x, y = x - normal_x * beyond, (y - normal_y * beyond).abs_()
        return x, y


def _side(x: Tensor, y: Tensor, a: tuple[float, float], b: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Return the squared distance to the side from a to b, and a number that is positive outside of it."""
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    from_x, from_y = x - a[0], y - a[1]
    outside = from_x * along_y - from_y * along_x
    share = (from_x * along_x + from_y * along_y).mul_(1 / (along_x**2 + along_y**2)).clamp_(0, 1)
    return (from_x - along_x * share).square_() + (from_y - along_y * share).square_(), outside


def _point(symmetry: int, inner: float) -> tuple[tuple[float, float], ...]:
    """Return half a point: its tip at radius 1, and the notch or middle of the side at radius `inner`."""
    return (1.0, 0.0), (inner * math.cos(math.pi / symmetry), inner * math.sin(math.pi / symmetry))


def _cross(half_width: float) -> tuple[tuple[float, float], ...]:
    """Return half the end and one flank of an arm."""
    reach = math.sqrt(1 - half_width**2)
    return (reach, 0.0), (reach, half_width), (half_width, half_width)


Shape = Round | Polygon

SHAPES: tuple[Shape, ...] = (
    Round("circle"),
    Polygon("square", 4, _point(4, math.cos(math.pi / 4)), math.pi / 4),
    Polygon("triangle", 3, _point(3, math.cos(math.pi / 3)), -math.pi / 2),
    Round("ring", hole=0.55),
    Polygon("star", 5, _point(5, 0.45), -math.pi / 2),
    Polygon("cross", 4, _cross(0.32)),
)
