"""Scenes of one shape each: parameters, and renderings as images, masks, outlines and clips."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from ganarium.data.world.canvas import MARGIN, Canvas, blend, coverage, signed_distance
from ganarium.data.world.shapes import SHAPES, Shape

_CHUNK = 256  # images rendered at once; they fit into the cache of a core

Array = np.ndarray


@dataclass(frozen=True)
class Scenes:
    """N scenes on one canvas.

    Lengths are in sides (the shorter of height and width); x points right and y down from the top left
    corner. Angles are in radians, clockwise. Velocity and spin are per frame of a clip.
    """

    canvas: Canvas
    labels: Array  # int64 [N]
    colors: Array  # int64 [N]
    x: Array  # float64 [N], like all that follow
    y: Array
    radius: Array  # of the circumscribed circle
    angle: Array
    velocity: Array  # [N, 2]: x, y
    spin: Array
    ground: Array  # [N, 12]: uniform numbers that determine a textured background

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Array | slice) -> "Scenes":
        arrays = {field.name: getattr(self, field.name)[rows] for field in fields(self)[1:]}
        return replace(self, **arrays)

    @property
    def large(self) -> Array:
        """Mask of the large shapes: bool `[N]`."""
        (_, small), (large, _) = self.canvas.sizes
        return self.radius > (small + large) / 2

    @property
    def left(self) -> Array:
        """Mask of the shapes with the centre in the left half: bool `[N]`."""
        return self.x < self.canvas.extent[0] / 2

    @property
    def high(self) -> Array:
        """Mask of the shapes with the centre in the upper half: bool `[N]`."""
        return self.y < self.canvas.extent[1] / 2

    @property
    def attributes(self) -> Array:
        """Attributes, float32 `[N, 7]` in {0, 1}: the four colours, large, left, high."""
        colors = np.eye(len(self.canvas.colors))[self.colors]
        return np.column_stack([colors, self.large, self.left, self.high]).astype(np.float32)

    def captions(self) -> list[str]:
        """Return one phrase per scene, such as "a large red star at the top left"."""
        return [
            f"a {'large' if large else 'small'} {self.canvas.colors[color]} {SHAPES[label].name}"
            f" at the {'top' if high else 'bottom'} {'left' if left else 'right'}"
            for label, color, large, left, high in zip(
                self.labels, self.colors, self.large, self.left, self.high, strict=True
            )
        ]

    def images(self) -> Array:
        """Return antialiased images: uint8 `[N, H, W, C]`."""

        def render(scenes: Scenes, distance: Tensor) -> Tensor:
            paint = self.canvas.palette[torch.from_numpy(scenes.colors)][:, :, None, None]
            return blend(scenes._background(), paint, coverage(distance))

        return self._rendered(render)

    def styled(self) -> Array:
        """Return images in a second style, inked and hatched on paper: uint8 `[N, H, W, C]`.

        Both styles show class, colour, place, size and angle. The paper is always blank: the second style
        does not show a textured background.
        """
        canvas = self.canvas
        hatch = canvas.hatch
        line = max(1.0, canvas.side / 32)  # pixels

        def render(scenes: Scenes, distance: Tensor) -> Tensor:
            paint = canvas.style_palette[torch.from_numpy(scenes.colors)][:, :, None, None]
            paper, ink = (level[:, None, None] for level in (canvas.paper, canvas.ink))
            filled = blend(0.55 * paint + 0.45 * paper, paint, hatch)
            return blend(blend(paper, ink, coverage(distance)), filled, coverage(distance + line))

        return self._rendered(render)

    def masks(self) -> Array:
        """Return masks of the shapes: bool `[N, H, W]`, true if at least half of the pixel is covered."""
        return self._rendered(lambda _, distance: distance <= 0)

    def semantic(self) -> Array:
        """Return label maps: uint8 `[N, H, W]`, 0 for the background, else the class + 1."""
        return (self.masks() * (self.labels + 1)[:, None, None]).astype(np.uint8)

    def outlines(self) -> Array:
        """Return the pixels of the shape that touch the background, as 255 on 0: uint8 `[N, H, W]`."""
        masks = self.masks()
        around = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
        inside = around[:, :-2, 1:-1] & around[:, 2:, 1:-1] & around[:, 1:-1, :-2] & around[:, 1:-1, 2:]
        return (masks & ~inside).astype(np.uint8) * 255

    def low_resolution(self, factor: int = 4) -> Array:
        """Return the area mean of `images()`: uint8 `[N, H / factor, W / factor, C]`.

        Raises:
            ValueError: height or width is not a multiple of `factor`.
        """
        height, width = self.canvas.height, self.canvas.width
        if factor < 1 or height % factor or width % factor:
            raise ValueError(
                f"factor={factor} does not divide images of {height} x {width}: "
                "give a common divisor of height and width"
            )
        blocks = self.images().reshape(len(self), height // factor, factor, width // factor, factor, -1)
        return np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)

    def clip(self, frames: int = 8) -> Array:
        """Return short clips; frame t is `at(t).images()`: uint8 `[N, frames, H, W, C]`.

        Raises:
            ValueError: `frames` is below 1.
        """
        if frames < 1:
            raise ValueError(f"frames={frames}: a clip has at least 1 frame")
        return np.stack([self.images(), *(self.at(time).images() for time in range(1, frames))], axis=1)

    def at(self, time: float) -> "Scenes":
        """Return the scenes `time` frames later: rotated, moved, and reflected at the borders.

        `time` counts from these scenes. The result has the same velocities, also after a reflection.
        """
        width, height = self.canvas.extent
        return replace(
            self,
            x=_reflected(self.x + self.velocity[:, 0] * time, self.radius + MARGIN, width),
            y=_reflected(self.y + self.velocity[:, 1] * time, self.radius + MARGIN, height),
            angle=self.angle + self.spin * time,
        )

    def _rendered(self, render: Callable[["Scenes", Tensor], Tensor]) -> Array:
        """Return the results of `render(scenes, distance)` for all scenes, computed in chunks of one class.

        `distance` is `[n, H, W]`, in pixels. Float results, `[n, C, H, W]` in 0..255, become uint8
        `[n, H, W, C]`.
        """
        rows, parts = [], []
        for label in np.unique(self.labels).tolist() or [0]:  # an empty set is rendered, too
            of_class = np.flatnonzero(self.labels == label)
            for chunk in np.split(of_class, range(_CHUNK, len(of_class), _CHUNK)):
                scenes = self[chunk]
                part = render(scenes, scenes._distance(SHAPES[label]))
                if part.is_floating_point():
                    part = part.round_().to(torch.uint8).permute(0, 2, 3, 1)
                rows.append(chunk)
                parts.append(part.numpy())
        return np.concatenate(parts)[np.argsort(np.concatenate(rows))]

    def _distance(self, shape: Shape) -> Tensor:
        """Return signed distances to the contours, in pixels: `[N, H, W]`."""
        place = (self.x, self.y, self.radius, self.angle)
        x, y, radius, angle = (torch.from_numpy(values.astype(np.float32)) for values in place)
        return signed_distance(self.canvas, shape, x, y, radius, angle)

    def _background(self) -> Tensor:
        """Return the backgrounds, `[C, 1, 1]` or `[N, C, H, W]` in 0..255."""
        middle = self.canvas.background[:, None, None]
        if not self.canvas.textured:
            return middle
        x, y = self.canvas.grid()
        u = torch.from_numpy(self.ground.astype(np.float32))[:, :, None, None]  # [N, 12, 1, 1]
        turn = 2 * math.pi * u
        width, height = self.canvas.extent
        slope = turn[:, 0].cos() * (2 * x / width - 1) + turn[:, 0].sin() * (2 * y / height - 1)
        pitch = 2 * math.pi * (1.5 + 3 * u[:, 1])  # waves per side
        along = turn[:, 2].cos() * x + turn[:, 2].sin() * y
        across = turn[:, 2].cos() * y - turn[:, 2].sin() * x
        stripes = (pitch * along + turn[:, 3]).sin()
        checks = stripes * (pitch * across + turn[:, 4]).sin()
        wave = torch.where(u[:, 5] < 0.5, stripes, checks)
        channels = self.canvas.channels
        tints = (2 * u[:, 6:] - 1) / math.sqrt(channels)  # two vectors of at most unit length
        gradient = 0.6 / math.sqrt(2) * tints[:, :channels] * slope[:, None]
        return middle + self.canvas.depth * (gradient + 0.4 * tints[:, 3 : 3 + channels] * wave[:, None])


def _reflected(position: Array, keep: Array, extent: float) -> Array:
    """Fold `position` into keep..extent - keep by reflection at both ends."""
    room = extent - 2 * keep
    return keep + room - np.abs((position - keep) % (2 * room) - room)
