"""Any height and width for networks that halve and double."""

import math
from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import avg_pool2d


def sides(shape: Sequence[int]) -> tuple[int, int]:
    """Height and width of `(C, H, W)`.

    Raises:
        ValueError: the samples are no pictures.
    """
    if len(shape) != 3:
        raise ValueError(
            f"convolutional networks are for pictures (C, H, W), but a sample here is {tuple(shape)}; "
            "set networks.generator.kind=mlp and networks.discriminator.kind=mlp"
        )
    return shape[1], shape[2]


def halvings(shape: Sequence[int], bottom: int = 4) -> int:
    """How often `(C, H, W)` can be halved until the longer side is about `bottom`; at least 1.

    Of long and narrow pictures fewer, so that a pixel of the shorter side is left.
    """
    wanted = math.ceil(math.log2(max(sides(shape)) / bottom))
    return max(1, min(wanted, int(math.log2(min(sides(shape))))))


def bottom_size(shape: Sequence[int], times: int) -> tuple[int, int]:
    """Height and width after so many halvings, rounded up."""
    height, width = sides(shape)
    return math.ceil(height / 2**times), math.ceil(width / 2**times)


def centre_cut(images: Tensor, shape: Sequence[int]) -> Tensor:
    """The middle `H x W` of `[N, C, H', W']`, where halving had to round up."""
    height, width = shape[1:]
    if images.shape[2:] == (height, width):
        return images
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]


def halved(images: Tensor) -> Tensor:
    """Half the height and width: means over 3x3, of what lies within the picture."""
    return avg_pool2d(images, 3, stride=2, padding=1, count_include_pad=False)
