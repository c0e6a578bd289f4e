"""Quality of images of the built-in world, scored by the world itself, without a file or features."""

from collections.abc import Mapping
from typing import Protocol, Self

from torch import Tensor


class Summarized(Protocol):
    """Scores of images that can be summarized in numbers."""

    @property
    def labels(self) -> Tensor:
        """Best-fitting class of each image: int64 `[N]`."""

    def shares(self) -> Mapping[str, float]:
        """Return, for each class, the share of all images that show it well formed."""

    def of(self, rows: Tensor) -> Self:
        """Return the part that belongs to these row numbers."""

    def summary(self) -> Mapping[str, float]:
        """Return shares and means by name."""


class Judge(Protocol):
    """Object that scores images from any source, such as `ganarium.data.world.World`."""

    def judge(self, images: Tensor) -> Summarized:
        """Score images `[N, C, H, W]` in [-1, 1]."""


def world_quality(images: Tensor, world: Judge) -> dict[str, float]:
    """Return the world's scores of images `[N, C, H, W]` in [-1, 1], as numbers by name."""
    return dict(world.judge(images).summary())
