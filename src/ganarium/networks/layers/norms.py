"""Normalisation layers by name."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.utils.parametrizations import spectral_norm

from ganarium.networks.layers.virtual_batch_norm import VirtualBatchNorm2d

M = TypeVar("M", bound=nn.Module)
Norm = Literal["batch", "virtual", "layer", "instance", "none"]
NORMS = (nn.BatchNorm2d, VirtualBatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)
"""Classes of the layers that `norm2d` builds."""


def norm2d(kind: Norm, channels: int) -> nn.Module:
    """Build batch, virtual batch, layer (over channels, height and width) or instance norm, or an identity.

    Virtual batch normalisation needs its `Reference` batch ahead of the samples.
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
    """Build a norm of an image translator: as `norm2d`, but instance norm learns no scale and shift.

    Ulyanov et al. 2017, arXiv:1701.02096, eq. 4; used by pix2pix, CycleGAN and their successors.
    """
    return InstanceNorm2d(channels) if kind == "instance" else norm2d(kind, channels)


class InstanceNorm2d(nn.InstanceNorm2d):
    """PyTorch's instance norm, but three to four times as fast for NHWC maps on a CPU, equal up to rounding.

    PyTorch's own copies such maps to NCHW and back.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """`[N, C, H, W]` to the same shape."""
        if self.track_running_stats and not self.training:  # fixed statistics are the same for all samples
            return batch_norm(maps, self.running_mean, self.running_var, eps=self.eps)
        use_default = maps.device.type != "cpu" or maps.is_contiguous() or torch.compiler.is_compiling()
        if use_default or self.track_running_stats:
            return super().forward(maps)
        normed = [batch_norm(each, None, None, training=True, eps=self.eps) for each in maps.split(1)]
        return torch.cat(normed) if len(normed) > 1 else normed[0]


def spectral(module: M, *, wanted: bool = True) -> M:
    """Divide the module's weight by its largest singular value if `wanted`, and return the module.

    Miyato et al. 2018, eq. 8.
    """
    return cast(M, spectral_norm(module)) if wanted else module


@contextlib.contextmanager
def shared_statistics(network: nn.Module, run: Callable[[], object]) -> Iterator[None]:
    """Make instance norms use the means and variances of one run of the network, within the block.

    So all tiles of an image are normalised alike. `run` calls the network once; its whole batch counts as one
    image. Norms with running statistics are not changed.
    """
    own = [m for m in network.modules() if isinstance(m, nn.InstanceNorm2d) and not m.track_running_stats]
    hooks = [norm.register_forward_pre_hook(_take_statistics) for norm in own]
    try:
        for norm in own:
            norm.track_running_stats = True
        if own:
            run()
        for hook in hooks:
            hook.remove()
        yield
    finally:
        for norm, hook in zip(own, hooks, strict=True):
            hook.remove()
            norm.track_running_stats, norm.running_mean, norm.running_var = False, None, None


def _take_statistics(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
    norm.running_var, norm.running_mean = torch.var_mean(given[0].detach().float(), (0, 2, 3), correction=0)
