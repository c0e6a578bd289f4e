"""Normalisations by name."""

from typing import Literal, TypeVar, cast

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganarium.networks.layers.virtual import VirtualBatchNorm2d

M = TypeVar("M", bound=nn.Module)
Norm = Literal["batch", "virtual", "layer", "instance", "none"]
NORMS = (nn.BatchNorm2d, VirtualBatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)
"""What `norm2d` makes, if it makes anything."""


def norm2d(kind: Norm, channels: int) -> nn.Module:
    """Batch, virtual batch, layer (over channels, height and width) or instance normalisation, or none.

    Virtual batch normalisation wants its `Reference` batch ahead of the samples.
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "virtual":
        return VirtualBatchNorm2d(channels)
    if kind == "layer":
        return nn.GroupNorm(1, channels)
    if kind == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    return nn.Identity()


PlainNorm = Literal["batch", "instance", "none"]


def plain_norm2d(kind: PlainNorm, channels: int) -> nn.Module:
    """The norms of image translation: as `norm2d`, but instance norm learns no scale and shift.

    (Ulyanov et al. 2017, arXiv:1701.02096, eq. 4; so in pix2pix, CycleGAN and what followed.)
    """
    return nn.InstanceNorm2d(channels) if kind == "instance" else norm2d(kind, channels)


def spectral(module: M, *, wanted: bool = True) -> M:
    """The module with its weight divided by its largest singular value (Miyato et al. 2018, eq. 8)."""
    return cast(M, spectral_norm(module)) if wanted else module
