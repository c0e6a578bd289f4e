"""Settings of the data: which samples, and in which form the networks see them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from ganarium.common.schema import Strict

Sources = str | Path | Sequence[str | Path]
"""What `source_of` takes for data: one source or several."""


class Data(Strict):
    """Which samples, and in which form the networks see them."""

    source: str | tuple[str, ...] = "world"
    """A folder or file, or a name: `world`, `ring`, `grid`, `spiral`, `mnist`, `fashion-mnist`, `cifar10`.

    Or several of them: each a class, a domain (`condition=domains`) or a side of pairs (`pair`, `map`).
    """
    size: int | tuple[int, ...] | None = None
    """Height and width in pixels. Inferred from the data where it is not said, `max_size` at most."""
    load_size: int | tuple[int, ...] | None = None
    """Resize to this first, then cut `size` out at a random place, the same one in both of a pair."""
    max_size: int = Field(64, gt=0)
    """The longest side, in pixels, that an inferred size may have."""
    channels: int | None = Field(None, gt=0)
    """1 grey, 3 RGB, 4 RGBA; inferred from the data where it is not said."""
    condition: str | None = None
    """What each sample comes with: `label`, `attributes`, or a picture: one made from it (`edges`, ...),
    the other one of a `pair`, a label `map`. With `domains` each batch has as many of each class."""
    direction: Literal["a-to-b", "b-to-a"] = "a-to-b"
    """Which picture of a pair is the wished one; `b-to-a` changes both, so that a map is what comes out."""
    split: Literal["train", "test"] = "train"
    """`test` takes the samples that the data hold back from training."""
    labeled_samples: int | None = Field(None, gt=0)
    """Keep only so many labels, evenly over the classes; beside each batch, as many of these samples come."""
    flip: bool = False
    """Mirror half of the pictures left to right."""
    count: int | None = Field(None, gt=0)
    """Use only so many samples, of each domain (of the world: draw so many)."""
    workers: int = Field(2, ge=0)
    """Threads that decode ahead of the engine; 0 decodes in the engine's own."""
    cache_gib: float = Field(2.0, ge=0)
    """Decoded samples are kept in memory up to this many GiB, whole run."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources, one or several."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def place(self) -> str:
        """The sources in words."""
        return ", ".join(self.sources)


def lengths(size: int | Sequence[int], axes: Sequence[str], what: str) -> tuple[int, ...]:
    """Return `data.size` as the length along each windowed axis of a modality.

    Args:
        size: one length for all axes, or one for each.
        axes: names of the axes.
        what: name of the modality.

    Raises:
        ValueError: the number of lengths is not that of the axes.
    """
    each = (size,) * len(axes) if isinstance(size, int) else tuple(size)
    if len(each) != len(axes):
        raise ValueError(
            f"data.size={list(each)} has {len(each)} lengths; {what}s have {len(axes)}: {', '.join(axes)}"
        )
    return each


def source_of(data: Sources) -> str | tuple[str, ...]:
    """`Data.source` of one source or several."""
    several = (data,) if isinstance(data, str | Path) else tuple(data)
    return str(several[0]) if len(several) == 1 else tuple(map(str, several))
