"""Points in the plane as a source of samples."""

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.base import Array, ArrayFormat
from ganarium.data.modalities.points import Points as PointModality
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source
from ganarium.data.sources.densities import Points

_COUNT = 100_000


class PlanePoints(Source):
    """`data.count` (100,000) points of a known density."""

    gives_conditions = False
    modality = PointModality()

    def __init__(self, points: Points, count: int | None, seed: int):
        self.kind = f"points of the {points.name}"
        self.points: NDArray[np.float32] = points.sample(count or _COUNT, seed=seed).numpy()

    def __len__(self) -> int:
        return len(self.points)

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.array_format`; points have neither size nor channels, and no mirror image."""
        for key in ("load_size", "size", "channels", "flip"):
            if (value := getattr(data, key)) is not None and value is not False:
                raise ValueError(
                    f"data.{key}={value} is for pictures, but data.source={data.place} gives points"
                )
        return ArrayFormat((2,), self.points.dtype)

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        return self.points[indices]

    def in_memory(self, form: ArrayFormat) -> bool:
        """See `Source.in_memory`."""
        return True
