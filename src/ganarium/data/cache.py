"""Cache of decoded samples."""

from collections.abc import Callable

import numpy as np

from ganarium.data.modalities.base import Array, ArrayFormat
from ganarium.data.order import Indices


class SampleCache:
    """Samples by position, decoded once if all of them fit into memory, else each time.

    Args:
        make: returns the samples at some positions.
        length: number of samples.
        form: format of the samples.
        room: bytes that the cache may fill.
        in_memory: True if `make` takes hardly any time.

    Attributes:
        complete: True if no sample has to be decoded any more.
    """

    def __init__(
        self,
        make: Callable[[Indices], Array],
        length: int,
        form: ArrayFormat,
        room: int,
        *,
        in_memory: bool = False,
    ):
        self._make = make
        self.complete = in_memory
        self._present = np.zeros(length, dtype=bool)
        self._kept = np.empty((length, *form.shape), form.dtype) if 0 < length * form.size <= room else None

    def __call__(self, positions: Indices) -> Array:
        """Return the samples at these positions, decoding those that are not in the cache."""
        if self._kept is None:
            return self._make(positions)
        missing = np.unique(positions[~self._present[positions]])
        if len(missing):
            self._kept[missing] = self._make(missing)
            self._present[missing] = True
            self.complete = bool(self._present.all())
        return np.take(self._kept, positions, axis=0)
