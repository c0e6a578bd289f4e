"""Images in one array, the base of the layouts that store such arrays."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.base import Array, ArrayFormat
from ganarium.data.modalities.pixels import fitted_size, recolored, refitted
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source


class Arrays(Source):
    """Array of images, `[N, C, H, W]` of uint8, uint16 or float32 in [-1, 1], optionally with labels.

    Raises:
        ValueError: labels do not fit the images or the classes.
    """

    def __init__(
        self,
        kind: str,
        images: Array,
        labels: Array | None = None,
        classes: Sequence[str] = (),
        labels_hint: str = "",
    ):
        self.kind = kind
        self.images = images
        self.labels_hint = labels_hint
        if labels is not None:
            self.labels, self.classes = _checked_labels(labels, tuple(classes), len(images))

    def __len__(self) -> int:
        return len(self.images)

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.array_format`."""
        num, channels, height, width = self.images.shape
        report.surveyed = num
        report.sizes = Counter({f"{height}x{width}": num})
        report.modes = Counter({f"{self.images.dtype}, {channels} channel{'s' * (channels > 1)}": num})
        height, width = fitted_size([(height, width)] * num, data, report)
        wanted = data.channels or channels
        recolored(self.images[:1], wanted)
        return ArrayFormat((wanted, height, width), self.images.dtype)

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        channels, height, width = form.shape
        images = recolored(np.take(self.images, indices, axis=0), channels)
        if images.shape[2:] == (height, width):
            return images
        return np.stack([refitted(pixels, height, width) for pixels in images])

    def in_memory(self, form: ArrayFormat) -> bool:
        """See `Source.in_memory`."""
        return self.images.shape[1:] == form.shape


def channels_first(images: Array, source: str) -> Array:
    """Return images of any layout and dtype as `[N, C, H, W]` of uint8, uint16 or float32 in [-1, 1].

    The shorter one of the second and the last axis is that of the channels (the last one if they are equal).

    Raises:
        ValueError: the array is not of images, or its values of black and white are unknown.
    """
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[3] <= images.shape[1]:
        images = images.transpose(0, 3, 1, 2)
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"{source}: images of shape {images.shape}; give [N, H, W], [N, H, W, C] or [N, C, H, W]"
        )
    return np.ascontiguousarray(_with_known_range(images, source))


def _with_known_range(images: Array, source: str) -> Array:
    if images.dtype == np.bool_:
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind == "u" and images.itemsize <= 2:
        return images.astype(images.dtype.newbyteorder("="), copy=False)
    if images.dtype.kind not in "iuf":
        raise ValueError(f"{source}: images of type {images.dtype}; give uint8, uint16 or floats")
    lowest, highest = float(images.min()), float(images.max())
    if images.dtype.kind in "iu" and lowest >= 0 and highest <= 255:
        return images.astype(np.uint8)
    if images.dtype.kind == "f" and lowest >= -1 and highest <= 1:
        floats = images.astype(np.float32)
        return floats * 2 - 1 if lowest >= 0 else floats
    raise ValueError(
        f"{source}: images of type {images.dtype} from {lowest:g} to {highest:g}; "
        "give uint8, uint16, or finite floats in [0, 1] or [-1, 1]"
    )


def _checked_labels(
    labels: Array, classes: tuple[str, ...], num: int
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    if labels.shape != (num,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {num} integers, one per image, not {labels.dtype} of shape {labels.shape}"
        )
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= (len(classes) or max(num, 2)):
        known = f"{len(classes)} classes" if classes else f"{num} images"
        raise ValueError(
            f"labels run from {lowest} to {highest}, but there are {known}: number the classes from 0"
        )
    return labels.astype(np.int64), classes or tuple(map(str, range(highest + 1)))
