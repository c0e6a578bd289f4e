"""Any height and width for networks that halve and double."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn.functional import avg_pool2d, pad


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


def center_crop(images: Tensor, shape: Sequence[int]) -> Tensor:
    """The middle `H x W` of `[N, C, H', W']`, where halving had to round up."""
    height, width = shape[1:]
    if images.shape[2:] == (height, width):
        return images
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]


def halved(images: Tensor) -> Tensor:
    """Half the height and width: means over 3x3, of what lies within the picture."""
    return avg_pool2d(images, 3, stride=2, padding=1, count_include_pad=False)


def padded_forward(network: Any, images: Tensor, *told: Tensor) -> Tensor:
    """What a network makes of pictures of any height and width.

    Their edges are repeated up to a multiple of `network.multiple`, and that much is cut away again.
    """
    height, width = images.shape[2:]
    wide = pad_replicate(images, network.multiple)
    made: Tensor = network(wide, *told)
    return made if wide is images else made[:, :, :height, :width]


def pad_replicate(images: Tensor, multiple: int) -> Tensor:
    """Pictures whose right and lower edges are repeated up to a multiple of so many pixels."""
    margins = -images.shape[3] % multiple, -images.shape[2] % multiple
    return images if margins == (0, 0) else pad(images, (0, margins[0], 0, margins[1]), mode="replicate")


def fitting_halvings(size: tuple[int, int], most: int) -> int:
    """How often a picture may be halved, at most `most` times, if at most a seventh is to be added to it."""
    height, width = size

    def added(times: int) -> float:
        multiple = 2**times
        return (height + -height % multiple) * (width + -width % multiple) / (height * width) - 1

    return max((times for times in range(1, most + 1) if added(times) <= 1 / 7), default=1)
