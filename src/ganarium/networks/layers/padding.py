"""Padding and cropping to any height and width, for networks that halve and double them."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn.functional import avg_pool2d, pad


def sides(shape: Sequence[int]) -> tuple[int, int]:
    """Return height and width of `(C, H, W)`.

    Raises:
        ValueError: the samples are no images.
    """
    if len(shape) != 3:
        raise ValueError(
            f"samples are {tuple(shape)}, but convolutional networks take images (C, H, W); "
            "set networks.generator.kind=mlp and networks.discriminator.kind=mlp"
        )
    return shape[1], shape[2]


def halvings(shape: Sequence[int], bottom: int = 4) -> int:
    """Return the number of halvings of `(C, H, W)` until the longer side is about `bottom`; at least 1.

    Long and narrow images are halved less often, so that the shorter side keeps at least one pixel.
    """
    wanted = math.ceil(math.log2(max(sides(shape)) / bottom))
    return max(1, min(wanted, int(math.log2(min(sides(shape))))))


def bottom_size(shape: Sequence[int], times: int) -> tuple[int, int]:
    """Return height and width after `times` halvings, rounded up."""
    height, width = sides(shape)
    return math.ceil(height / 2**times), math.ceil(width / 2**times)


def center_crop(images: Tensor, shape: Sequence[int]) -> Tensor:
    """Crop `[N, C, H', W']` to its middle `H x W`, if halving rounded up."""
    height, width = shape[1:]
    if images.shape[2:] == (height, width):
        return images
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]


def halved(images: Tensor) -> Tensor:
    """Halve height and width: means over 3x3, without the pixels outside the image."""
    return avg_pool2d(images, 3, stride=2, padding=1, count_include_pad=False)


def padded_forward(network: Any, images: Tensor, *conditions: Tensor) -> Tensor:
    """Run a network on images of any height and width.

    Right and lower edges are repeated up to a multiple of `network.multiple`; the output is cropped to the
    size of the images, times the scale of a network that enlarges. Smaller outputs are not cropped.
    `conditions` are passed on as they are.
    """
    padded = pad_replicate(images, network.multiple)
    output: Tensor = network(padded, *conditions)
    if padded is images:
        return output
    height, width = (
        side * max(made, given) // given
        for side, made, given in zip(images.shape[2:], output.shape[2:], padded.shape[2:], strict=True)
    )
    return output[:, :, :height, :width]


def pad_replicate(images: Tensor, multiple: int) -> Tensor:
    """Repeat the right and lower edges of images up to a multiple of `multiple` pixels."""
    margins = -images.shape[3] % multiple, -images.shape[2] % multiple
    return images if margins == (0, 0) else pad(images, (0, margins[0], 0, margins[1]), mode="replicate")


def fitting_halvings(size: tuple[int, int], most: int) -> int:
    """Return the largest number of halvings, 1 to `most`, for which padding adds at most 1/7 of the area."""
    height, width = size

    def added(times: int) -> float:
        multiple = 2**times
        return (height + -height % multiple) * (width + -width % multiple) / (height * width) - 1

    return max((times for times in range(1, most + 1) if added(times) <= 1 / 7), default=1)
