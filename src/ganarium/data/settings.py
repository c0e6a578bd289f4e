"""Settings of the data: the samples that are used, and their format."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from ganarium.common.schema import Strict

Sources = str | Path | Sequence[str | Path]
"""Argument of `source_of`: one source or several."""


class Data(Strict):
    """Samples that are used, and the format in which networks get them."""

    source: str | tuple[str, ...] = "world"
    """A folder or file, or a name: `world`, `ring`, `grid`, `spiral`, `mnist`, `fashion-mnist`, `cifar10`.

    Or several of them: each a class, a domain (`condition=domains`) or a side of pairs (`pair`, `map`).
    """
    size: int | tuple[int, ...] | None = None
    """Height and width in pixels. By default the size of the data, `max_size` at most."""
    load_size: int | tuple[int, ...] | None = None
    """Resize to this size first, then cut out `size` at a random place, the same in both images of a pair."""
    max_size: int = Field(64, gt=0)
    """Longest side, in pixels, of a size that is inferred from the data."""
    channels: int | None = Field(None, gt=0)
    """Number of channels: 1 gray, 3 RGB, 4 RGBA. By default that of the data."""
    condition: str | None = None
    """Condition of each sample: `label`, `attributes`, an image that is made from the sample (`edges`, ...),
    the other image of a `pair`, a label `map`. With `domains` each batch has equally many of each class."""
    direction: Literal["a-to-b", "b-to-a"] = "a-to-b"
    """Direction of a pair: `b-to-a` swaps input and target, so that models of maps generate the map."""
    split: Literal["train", "test"] = "train"
    """Part of the data: `test` takes the samples that are held back from training."""
    labeled_samples: int | None = Field(None, gt=0)
    """Number of samples that keep their labels, balanced over the classes. Each batch gets an equally large
    batch of them."""
    flip: bool = False
    """Mirror half of the images left to right."""
    count: int | None = Field(None, gt=0)
    """Number of samples that are used, per domain; number of scenes that are drawn of `world`."""
    workers: int = Field(2, ge=0)
    """Number of threads that decode ahead of the engine; with 0 the engine's own thread decodes."""
    cache_gib: float = Field(2.0, ge=0)
    """Memory for decoded samples in GiB, over all processes of the run."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, one or several."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def place(self) -> str:
        """Names of the sources as one text."""
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
    """Return the value of `Data.source` for one source or several."""
    several = (data,) if isinstance(data, str | Path) else tuple(data)
    return str(several[0]) if len(several) == 1 else tuple(map(str, several))
