"""Cache of decoded samples."""

from collections.abc import Callable

import numpy as np

from ganarium.data.modalities.base import Array, ArrayFormat
from ganarium.data.order import Indices


class SampleCache:
    """Samples by position, each made once if all of them fit into `room` bytes, else whenever asked for.

    `complete` when none has to be made any more, or making one takes no time (`instant`).
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
        """Return the samples at these positions, from the cache where they are in it."""
        if self._kept is None:
            return self._make(positions)
        missing = np.unique(positions[~self._present[positions]])
        if len(missing):
            self._kept[missing] = self._make(missing)
            self._present[missing] = True
            self.complete = bool(self._present.all())
        return np.take(self._kept, positions, axis=0)
