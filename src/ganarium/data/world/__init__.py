"""The built-in world: seeded pictures of shapes in which everything is known, and a judge of any others."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ganarium.data.world.canvas import Canvas
from ganarium.data.world.judge import Judgement, judgement
from ganarium.data.world.sampling import sampled
from ganarium.data.world.scene import Scenes
from ganarium.data.world.shapes import SHAPES

__all__ = ["Judgement", "Scenes", "World"]

SMALLEST = 16
"""The shortest side, in pixels, at which a star is told from a circle."""


class World:
    """An endless set of pictures, each one shape in one colour: scene i is a function of (seed, i) alone.

    Args:
        size: height and width in pixels, at least 16; one number for square pictures.
        seed: another seed, another set.
        channels: 3 RGB, or 1 grey; the four colours then are grey levels.
        textured: backgrounds of gradients, stripes and checks in place of the plain dark one, and a
            wider range of sizes and places. The judge then knows the background only roughly and is more
            lenient.

    Raises:
        ValueError: a size below 16, or another number of channels.
    """

    classes: tuple[str, ...] = tuple(shape.name for shape in SHAPES)

    def __init__(
        self, size: int | tuple[int, int] = 32, *, seed: int = 0, channels: int = 3, textured: bool = False
    ) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < SMALLEST:
            raise ValueError(f"size={size}: the world draws pictures from {SMALLEST} x {SMALLEST} pixels on")
        if channels not in (1, 3):
            raise ValueError(f"channels={channels}: the world draws 1 (grey) or 3 (RGB) channels")
        self.seed = seed
        self.canvas = Canvas(height, width, channels, textured)
        self.colors: tuple[str, ...] = self.canvas.colors
        self.attributes: tuple[str, ...] = (*self.colors, "large", "left", "high")

    def scenes(self, indices: Sequence[int] | np.ndarray) -> Scenes:
        """The scenes of these indices, in any order and grouping.

        Each aligned run of 24 holds each class in each colour once, so that any long run is balanced.

        Raises:
            ValueError: an index that is negative or no integer.
        """
        rows = np.asarray(indices)
        if rows.size == 0:
            rows = rows.astype(np.int64)
        if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer) or (rows < 0).any():
            raise ValueError(f"indices={indices!r}: give a flat sequence of integers from 0 on")
        return sampled(self.canvas, self.seed, rows)

    def judge(self, images: Tensor) -> Judgement:
        """What each picture shows, and how well formed it is.

        Args:
            images: float `[N, C, H, W]` in [-1, 1], of this world's size and channels.

        Raises:
            ValueError: another shape or type.
        """
        expected = (self.canvas.channels, self.canvas.height, self.canvas.width)
        if images.ndim != 4 or tuple(images.shape[1:]) != expected or not images.is_floating_point():
            raise ValueError(
                f"the judge of this world takes float pictures [N, {', '.join(map(str, expected))}], "
                f"not {images.dtype} {list(images.shape)}: build a World of that size and number of channels"
            )
        return judgement(self.canvas, images)
