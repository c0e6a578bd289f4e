"""Conditions that are computed from the sample itself.

Each function takes samples, float `[N, C, H, W]` in [-1, 1], and returns one image for each of them, in
[-1, 1] and of the same height and width.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ganarium.data.batches import Batch, Conditioned
from ganarium.data.conditions.base import SampleCondition
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.pixels import LUMA
from ganarium.data.rows import Rows
from ganarium.data.settings import Data


def gray(real: Tensor) -> Tensor:
    """Return the brightness, `[N, 1, H, W]`.

    It is ITU-R BT.601 of RGB and RGBA (without alpha), and the mean of any other number of channels.
    """
    if real.shape[1] not in (3, 4):
        return real.mean(dim=1, keepdim=True)
    return (real[:, :3] * torch.from_numpy(LUMA)[:, None, None]).sum(dim=1, keepdim=True)


def blur(real: Tensor) -> Tensor:
    """Return Gaussian blurred images, `[N, C, H, W]`: layout and colors remain, shapes do not.

    The standard deviation is a twelfth of the shorter side.
    """
    sigma = min(real.shape[2:]) / 12
    reach = max(1, round(3 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    return _along_width(_along_width(real, weights).mT, weights).mT.contiguous()


def lowres(real: Tensor) -> Tensor:
    """Return images at a quarter of the resolution (area mean), enlarged again (bilinear), `[N, C, H, W]`."""
    height, width = real.shape[2:]
    small = F.adaptive_avg_pool2d(real, (max(1, height // 4), max(1, width // 4)))
    return F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)


def mosaic(real: Tensor) -> Tensor:
    """Return images in square blocks of one color each (area mean), `[N, C, H, W]`.

    The side of a block is an eighth of the shorter side. Blocks begin at the upper left; those at the right
    and lower borders may be cut.
    """
    height, width = real.shape[2:]
    block = max(1, min(height, width) // 8)
    blocks = F.avg_pool2d(real, block, ceil_mode=True)
    enlarged = blocks.repeat_interleave(block, dim=2).repeat_interleave(block, dim=3)
    return enlarged[:, :, :height, :width].contiguous()


def mask(real: Tensor) -> Tensor:
    """Set the middle half of height and width to 0, the mean of black and white, `[N, C, H, W]`.

    The central region of the context encoder (Pathak et al. 2016, section 3.3).
    """
    height, width = real.shape[2:]
    blanked = real.clone()
    blanked[:, :, height // 4 : height - height // 4, width // 4 : width - width // 4] = 0
    return blanked


def edges(real: Tensor) -> Tensor:
    """Return the Sobel magnitude, `[N, 1, H, W]`: -1 is flat, 1 the steepest edge along an axis.

    It is the root mean square over the channels without alpha, so that a border between two colors of equal
    brightness is an edge, too.
    """
    smooth, difference = torch.tensor([1.0, 2.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0])
    across = torch.outer(smooth, difference) / 4
    planes = (real[:, :3] if real.shape[1] == 4 else real) / 2
    padded = F.pad(planes.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    slopes = F.conv2d(padded, torch.stack([across, across.T])[:, None])
    steepness = slopes.unflatten(0, planes.shape[:2]).flatten(1, 2).norm(dim=1, keepdim=True)
    return (steepness / planes.shape[1] ** 0.5).clamp(max=1) * 2 - 1


@dataclass(frozen=True)
class Derived(SampleCondition):
    """Image that is computed from the sample itself.

    Attributes:
        size: shape of one image.
    """

    size: tuple[int, ...]
    derived: ClassVar[bool] = True

    @staticmethod
    def make(real: Tensor) -> Tensor:
        """Return the images that are computed from samples `[N, C, H, W]` in [-1, 1]."""
        raise NotImplementedError

    @property
    def modality(self) -> Modality:
        """See `Condition.modality`."""
        return Image()

    @classmethod
    def check(cls, source: Any, settings: Data) -> None:
        """See `Condition.check`."""
        if source.modality.name != Image.name:
            raise ValueError(f"data.condition={cls.name} is made from images, not from {source.kind}")

    @classmethod
    def from_source(cls, source: Any, settings: Data, shape: tuple[int, ...]) -> Self:
        """See `Condition.from_source`."""
        return cls(tuple(cls.make(torch.zeros(1, *shape)).shape[1:]))

    def batch(self, real: Tensor, rows: Rows) -> Batch:
        """See `Condition.batch`."""
        return Conditioned(real, self.make(real))

    def source_settings(self, source: str, shape: tuple[int, ...]) -> Data:
        """Return settings of ordinary images, from which the condition is made."""
        return Data(source=source, channels=shape[0], size=shape[1:], condition=self.name)

    def from_image(self, images: Tensor) -> Tensor:
        """See `Kind.from_image`."""
        return self.make(images)


@dataclass(frozen=True)
class Gray(Derived):
    """Brightness."""

    name, make = "grey", staticmethod(gray)


@dataclass(frozen=True)
class Blur(Derived):
    """Blurred image."""

    name, make = "blur", staticmethod(blur)


@dataclass(frozen=True)
class LowRes(Derived):
    """Image of a quarter of the resolution."""

    name, make = "lowres", staticmethod(lowres)


@dataclass(frozen=True)
class Mosaic(Derived):
    """Image in blocks of one color."""

    name, make = "mosaic", staticmethod(mosaic)


@dataclass(frozen=True)
class Edges(Derived):
    """Edges of the image."""

    name, make = "edges", staticmethod(edges)


@dataclass(frozen=True)
class MiddleMask(Derived):
    """Image without its middle."""

    name, make = "mask", staticmethod(mask)


def _along_width(images: Tensor, weights: Tensor) -> Tensor:
    """Convolve each row with `weights`, normalized to a sum of one; borders are repeated."""
    num, channels, height, width = images.shape
    rows = images.reshape(num * channels * height, 1, width)
    reach = len(weights) // 2
    padded = F.pad(rows, (reach, reach), mode="replicate")
    return F.conv1d(padded, (weights / weights.sum())[None, None]).reshape(num, channels, height, width)
