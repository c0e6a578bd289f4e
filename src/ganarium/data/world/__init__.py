"""Built-in synthetic data: seeded images of shapes with known parameters, and scores of any other images."""

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
"""Smallest side in pixels; below it a star and a circle cannot be distinguished."""


class World:
    """Endless set of images of one shape in one colour each; scene i is a function of (seed, i) alone.

    Args:
        size: height and width in pixels, at least 16; one number means square images.
        seed: seed of the set; each seed gives different scenes.
        channels: 3 (RGB) or 1 (grey); with 1 the four colours are grey levels.
        textured: draw backgrounds of gradients, stripes and checks instead of a plain dark one, and use a
            wider range of sizes and places. `judge` then knows the background only approximately and is
            more lenient.

    Raises:
        ValueError: size below 16, or number of channels other than 1 and 3.
    """

    classes: tuple[str, ...] = tuple(shape.name for shape in SHAPES)

    def __init__(
        self, size: int | tuple[int, int] = 32, *, seed: int = 0, channels: int = 3, textured: bool = False
    ) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < SMALLEST:
            raise ValueError(f"size={size}: images need at least {SMALLEST} x {SMALLEST} pixels")
        if channels not in (1, 3):
            raise ValueError(f"channels={channels}: give 1 (grey) or 3 (RGB)")
        self.seed = seed
        self.canvas = Canvas(height, width, channels, textured)
        self.colors: tuple[str, ...] = self.canvas.colors
        self.attributes: tuple[str, ...] = (*self.colors, "large", "left", "high")

    def scenes(self, indices: Sequence[int] | np.ndarray) -> Scenes:
        """Return the scenes of these indices; order and grouping of the indices do not change a scene.

        Each aligned run of 24 indices contains each combination of class and colour once, so long runs are
        balanced.

        Raises:
            ValueError: index that is negative or not an integer, or indices that are not flat.
        """
        rows = np.asarray(indices)
        if rows.size == 0:
            rows = rows.astype(np.int64)
        if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer) or (rows < 0).any():
            raise ValueError(f"indices={indices!r}: give a flat sequence of non-negative integers")
        return sampled(self.canvas, self.seed, rows)

    def judge(self, images: Tensor) -> Judgement:
        """Classify each image and score how well formed its shape is.

        Args:
            images: float `[N, C, H, W]` in [-1, 1], of this world's size and channels.

        Raises:
            ValueError: other shape or dtype.
        """
        expected = (self.canvas.channels, self.canvas.height, self.canvas.width)
        if images.ndim != 4 or tuple(images.shape[1:]) != expected or not images.is_floating_point():
            raise ValueError(
                f"this world evaluates float images [N, {', '.join(map(str, expected))}]; given: "
                f"{images.dtype} {list(images.shape)}. Build a World with the size and channels of the images"
            )
        return judgement(self.canvas, images)
