"""Normalisations by name."""

from typing import Literal, TypeVar, cast

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

M = TypeVar("M", bound=nn.Module)
Norm = Literal["batch", "layer", "instance", "none"]


def norm2d(kind: Norm, channels: int) -> nn.Module:
    """Batch, layer (over channels, height and width) or instance normalisation, or none."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "layer":
        return nn.GroupNorm(1, channels)
    if kind == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    return nn.Identity()


def spectral(module: M, *, wanted: bool = True) -> M:
    """The module with its weight divided by its largest singular value (Miyato et al. 2018, eq. 8)."""
    return cast(M, spectral_norm(module)) if wanted else module
