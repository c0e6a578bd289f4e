"""Quality of pictures of the built-in world, which judges them itself: no file, no features."""

from collections.abc import Mapping
from typing import Protocol, Self

from torch import Tensor


class Summarized(Protocol):
    """A judgement that can be told in numbers."""

    @property
    def labels(self) -> Tensor:
        """int64 `[N]`: the class that each picture shows best."""

    def shares(self) -> Mapping[str, float]:
        """For each class, the share of all pictures that show it well formed."""

    def of(self, rows: Tensor) -> Self:
        """The judgement of these pictures alone."""

    def summary(self) -> Mapping[str, float]:
        """Shares and means by name."""


class Judge(Protocol):
    """Something that scores pictures it did not draw, as `ganarium.data.world.World` does."""

    def judge(self, images: Tensor) -> Summarized:
        """The judgement of pictures `[N, C, H, W]` in [-1, 1]."""


def world_quality(images: Tensor, world: Judge) -> dict[str, float]:
    """What the world says of pictures `[N, C, H, W]` in [-1, 1], in numbers by name."""
    return dict(world.judge(images).summary())
