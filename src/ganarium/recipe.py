"""Recipes: everything a run needs, typed, in one value that can be read back from its YAML."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A frozen table that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Strict):
    """Which samples, and in which form the networks see them."""

    source: str = "world"
    """A folder or file, or a name: `world`, `ring`, `grid`, `spiral`, `mnist`, `fashion-mnist`, `cifar10`."""
    size: int | tuple[int, int] | None = None
    """Height and width in pixels. Inferred from the data where it is not said, `largest` at most."""
    largest: int = Field(64, gt=0)
    """The longest side, in pixels, that an inferred size may have."""
    channels: int | None = Field(None, gt=0)
    """1 grey, 3 RGB, 4 RGBA; inferred from the data where it is not said."""
    condition: str | None = None
    """What each sample comes with: `label`, `attributes`, or a picture made from it (`blurred`, `grey`, ...)."""
    flip: bool = False
    """Mirror half of the pictures left to right."""
    count: int | None = Field(None, gt=0)
    """Use only so many samples (of the world: draw so many)."""
    workers: int = Field(2, ge=0)
    """Threads that decode ahead of the engine; 0 decodes in the engine's own."""
    cache_gib: float = Field(2.0, ge=0)
    """Decoded samples are kept in memory up to this many GiB, whole run."""
