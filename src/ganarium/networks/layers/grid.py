"""Any height and width for networks that halve and double."""

import math
from collections.abc import Sequence

from torch import Tensor


def halvings(shape: Sequence[int], bottom: int = 4) -> int:
    """How often the longer side of `(C, H, W)` can be halved, rounding up, to about `bottom`; at least 1."""
    return max(1, math.ceil(math.log2(max(shape[1:]) / bottom)))


def bottom_size(shape: Sequence[int], times: int) -> tuple[int, int]:
    """Height and width after so many halvings, rounded up."""
    return math.ceil(shape[1] / 2**times), math.ceil(shape[2] / 2**times)


def centre_cut(images: Tensor, shape: Sequence[int]) -> Tensor:
    """The middle `H x W` of `[N, C, H', W']`, where halving had to round up."""
    height, width = shape[1:]
    if images.shape[2:] == (height, width):
        return images
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]
