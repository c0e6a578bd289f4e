"""Rows of a batch: their samples, their places in the stream, and the columns of the source."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganarium.data.order import hashed


@dataclass(frozen=True)
class Rows:
    """Rows of a batch, the input of a condition.

    Attributes:
        positions: numbers of the samples in the source, `[N]`.
        places: places of the rows in the endless stream of the data, `[N]`; they differ from epoch to epoch.
            In evaluation they are the positions.
        seed: seed of the data.
        mirrored: True for rows that are mirror images, `[N]`; None if none is.
        corners: places where rows are cut out of larger samples, if they are: `[N, A]` in [0, 1) along the
            windowed axes; None for the middle.
        columns: columns of all samples of the source (labels, attributes), by name.
        companions: decoded samples that belong to the rows (the other image of a pair), by name.
    """

    positions: NDArray[np.int64]
    places: NDArray[np.int64]
    seed: int = 0
    mirrored: NDArray[np.bool_] | None = None
    corners: NDArray[np.float64] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    companions: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)

    def column(self, name: str) -> NDArray[Any]:
        """Return the values of a column for these rows, such as their labels."""
        return np.asarray(self.columns[name])[self.positions]

    def companion(self, name: str) -> Tensor:
        """Return the companions of these rows: the other image of a pair, a label map."""
        return self.companions[name]

    def uniform(self, name: str, *shape: int) -> NDArray[np.float64]:
        """Return random numbers `[N, *shape]` in [0, 1): a function of seed, place and name alone.

        The randomness of a condition (a mask, a degradation) is therefore the same for any number of
        processes, micro-batches and workers, and differs from epoch to epoch.
        """
        size = math.prod(shape)
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "little")
        counters = self.places.astype(np.int64)[:, None] * size + np.arange(size)
        bits = hashed(counters, self.seed, key) >> np.uint64(11)
        return (bits.astype(np.float64) / 2**53).reshape(len(self.places), *shape)


@dataclass(frozen=True)
class Stream:
    """Samples with an order of their own; a batch takes equally many rows from every stream.

    Attributes:
        members: positions of the samples in the data set, ascending.
        order: key of the random order.
        mirror: key of the random choice of mirror images and corners.
        few: True if rows are expected to repeat within a batch.
    """

    members: NDArray[np.int64]
    order: tuple[int, ...] = (1,)
    mirror: tuple[int, ...] = (2,)
    few: bool = False

    def __len__(self) -> int:
        return len(self.members)
