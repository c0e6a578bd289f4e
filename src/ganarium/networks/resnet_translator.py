"""Residual translator of CycleGAN, and pix2pixHD's coarse-to-fine generator and encoder, built from it.

Zhu et al. 2017, arXiv:1703.10593, app. 7.2, after Johnson et al. 2016, arXiv:1603.08155; Wang et al. 2018,
arXiv:1711.11585, sec. 3.2 and 3.4. The papers write `c7s1-w`, `d..`, `R..`, `u..`, `c7s1-out`.
"""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, relu

from ganarium.networks.layers.conv_norm import NormedConv
from ganarium.networks.layers.init import gaussian
from ganarium.networks.layers.norms import PlainNorm, plain_norm2d
from ganarium.networks.layers.padding import halved, padded_forward

Padding = Literal["reflect", "replicate", "zeros"]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, with dropout between them, and an identity shortcut; no ReLU after the sum."""

    def __init__(
        self,
        channels: int,
        *,
        norm: PlainNorm = "instance",
        padding: Padding = "reflect",
        dropout: float = 0.0,
        bias: bool = True,
    ):
        super().__init__()
        self.dropout = dropout
        self.conv_1, self.conv_2 = (
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding, bias=bias) for _ in range(2)
        )
        self.norm_1, self.norm_2 = (plain_norm2d(norm, channels) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        """`[N, C, H, W]` to the same shape."""
        residual = dropout(relu(self.norm_1(self.conv_1(maps))), self.dropout, self.training)
        return maps + self.norm_2(self.conv_2(residual))


class ResNetEncoder(nn.Module):
    """Strided convolutions, then residual blocks: `[N, inputs, H, W]` to `[N, channels, h, w]`.

    `padding` is that of the residual blocks; the padding of the first convolution is always "reflect".

    Attributes:
        channels: number of output channels: `width`, doubled at every halving.
    """

    def __init__(
        self,
        inputs: int,
        *,
        width: int = 64,
        downsamplings: int = 2,
        blocks: int = 9,
        norm: PlainNorm = "instance",
        padding: Padding = "reflect",
        dropout: float = 0.0,
        bias: bool = True,
    ):
        super().__init__()
        self.channels = width * 2**downsamplings
        self.first = NormedConv(
            nn.Conv2d(inputs, width, 7, padding=3, padding_mode="reflect", bias=bias), norm
        )
        self.down = nn.ModuleList(
            NormedConv(nn.Conv2d(width * 2**k, width * 2 ** (k + 1), 3, stride=2, padding=1, bias=bias), norm)
            for k in range(downsamplings)
        )
        self.blocks = nn.ModuleList(
            ResidualBlock(self.channels, norm=norm, padding=padding, dropout=dropout, bias=bias)
            for _ in range(blocks)
        )

    def forward(self, images: Tensor, coarse_maps: Tensor | None = None) -> Tensor:
        """Return maps `[N, channels, h, w]`; `coarse_maps` are added to the input of the residual blocks."""
        maps = relu(self.first(images))
        for layer in self.down:
            maps = relu(layer(maps))
        if coarse_maps is not None:
            maps = maps + coarse_maps
        for block in self.blocks:
            maps = block(maps)
        return maps


def _doubling(channels: int, times: int, *, norm: PlainNorm, bias: bool) -> nn.ModuleList:
    """Build convolutions, each of which doubles height and width and halves the number of channels."""
    return nn.ModuleList(
        NormedConv(
            nn.ConvTranspose2d(
                channels // 2**k,
                channels // 2 ** (k + 1),
                3,
                stride=2,
                padding=1,
                output_padding=1,
                bias=bias,
            ),
            norm,
        )
        for k in range(times)
    )


class ResNetTrunk(ResNetEncoder):
    """Residual translator without its last convolution: `[N, inputs, H, W]` to `[N, width, H, W]`.

    The arguments are those of `ResNetEncoder`.
    """

    def __init__(
        self,
        inputs: int,
        *,
        width: int = 64,
        downsamplings: int = 2,
        norm: PlainNorm = "instance",
        bias: bool = True,
        **others: Any,
    ):
        super().__init__(inputs, width=width, downsamplings=downsamplings, norm=norm, bias=bias, **others)
        self.up = _doubling(self.channels, downsamplings, norm=norm, bias=bias)

    def forward(self, images: Tensor, coarse_maps: Tensor | None = None) -> Tensor:
        """Return maps `[N, width, H, W]`; `coarse_maps` are added to the input of the residual blocks."""
        maps = super().forward(images, coarse_maps)
        for layer in self.up:
            maps = relu(layer(maps))
        return maps


class ResNetDecoder(nn.Module):
    """Residual blocks, then transposed convolutions: `[N, channels, h, w]` to images in [-1, 1]."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        downsamplings: int = 2,
        blocks: int = 9,
        norm: PlainNorm = "instance",
    ):
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(channels, norm=norm) for _ in range(blocks))
        self.up = _doubling(channels, downsamplings, norm=norm, bias=True)
        self.last = _last(channels // 2**downsamplings, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """`[N, channels, h, w]` to `[N, outputs, H, W]`."""
        for block in self.blocks:
            maps = block(maps)
        for layer in self.up:
            maps = relu(layer(maps))
        return torch.tanh(self.last(maps))


LARGE = 200
"""Smallest shorter side, in pixels, for which nine residual blocks are used, not six (app. 7.2)."""


def _last(width: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(width, outputs, 7, padding=3, padding_mode="reflect")


class ResNetTranslator(nn.Module):
    """Images `[N, inputs, H, W]` to images `[N, outputs, H, W]` in [-1, 1].

    CycleGAN has two downsamplings and 9 blocks, or 6 blocks for 128x128 and less. The global generator of
    pix2pixHD has four downsamplings and 9 blocks.

    Args:
        inputs: channels of the input images.
        outputs: channels of the output images.
        size: height and width of the training images.
        width: channels after the first convolution.
        downsamplings: number of halvings of height and width before the residual blocks.
        blocks: number of residual blocks; by default 9, or 6 if the shorter side is below 200 pixels.
        norm: norm after every convolution but the last.
        padding: padding of the residual blocks; that of the outer convolutions is always "reflect".
        dropout: probability that a value within a residual block is dropped.
        bias: True if the convolutions before a norm have a bias, too.
    """

    memory_format = torch.channels_last

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: tuple[int, int] = (256, 256),
        *,
        width: int = 64,
        downsamplings: int = 2,
        blocks: int | None = None,
        norm: PlainNorm = "instance",
        padding: Padding = "reflect",
        dropout: float = 0.0,
        bias: bool = True,
    ):
        super().__init__()
        self.multiple = 2**downsamplings
        self.trunk = ResNetTrunk(
            inputs,
            width=width,
            downsamplings=downsamplings,
            blocks=(9 if min(size) >= LARGE else 6) if blocks is None else blocks,
            norm=norm,
            padding=padding,
            dropout=dropout,
            bias=bias,
        )
        self.last = _last(width, outputs)
        gaussian(self)

    def forward(self, images: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H, W]`; H and W must be multiples of `multiple`, above 3."""
        return torch.tanh(self.last(self.trunk(images)))


class CoarseToFine(nn.Module):
    """Global network and enhancers, each of which works at twice the size of the network before it.

    Args:
        coarse: trunk of the global network.
        enhancers: trunks that refine its maps, one after another.
        last: convolution from the maps of the finest trunk to images.
        multiple: number of which height and width must be multiples.
    """

    def __init__(self, coarse: nn.Module, enhancers: Iterable[nn.Module], last: nn.Conv2d, multiple: int):
        super().__init__()
        self.coarse, self.enhancers, self.last = coarse, nn.ModuleList(enhancers), last
        self.multiple = multiple

    def forward(self, images: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H, W]`; H and W must be multiples of `multiple`."""
        pyramid = [images]
        for _ in self.enhancers:
            pyramid.append(halved(pyramid[-1]))
        maps = self.coarse(pyramid.pop())
        for enhancer in self.enhancers:
            maps = enhancer(pyramid.pop(), maps)
        return torch.tanh(self.last(maps))

    def before(self) -> nn.ModuleList:
        """Return all trunks but the finest enhancer."""
        return nn.ModuleList([self.coarse, *self.enhancers[:-1]])

    def coarser(self) -> "CoarseToFine":
        """Return the network without its finest enhancer, for images of half the height and width.

        Both networks share their trunks, so training the coarser one trains this one. The last convolution of
        the coarser one is new, since it has twice as many input channels.
        """
        last = _last(2 * self.last.in_channels, self.last.out_channels)
        gaussian(last)
        return CoarseToFine(self.coarse, self.enhancers[:-1], last, self.multiple // 2)


class LocalEnhancer(CoarseToFine):
    """Coarse-to-fine generator of pix2pixHD: `[N, inputs, H, W]` to `[N, outputs, H, W]` in [-1, 1].

    The global network works at 1 / 2^`enhancers` of the size. Each enhancer works at twice the size of the
    network before it and adds the maps of its own convolutions (sec. 3.2, fig. 3).

    Args:
        inputs: channels of the label maps and edges.
        outputs: channels of the images.
        size: ignored; the network takes any size.
        width: channels of the finest enhancer; each coarser network has twice as many.
        downsamplings: number of halvings in the global network.
        blocks: number of residual blocks of the global network.
        enhancers: number of enhancers.
        enhancer_blocks: number of residual blocks of each enhancer.
        norm: norm after every convolution but the last.
        bias: True if the convolutions before a norm have a bias, too.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: tuple[int, int] = (256, 256),
        *,
        width: int = 32,
        downsamplings: int = 4,
        blocks: int = 9,
        enhancers: int = 1,
        enhancer_blocks: int = 3,
        norm: PlainNorm = "instance",
        bias: bool = True,
    ):
        coarse = ResNetTrunk(
            inputs,
            width=width * 2**enhancers,
            downsamplings=downsamplings,
            blocks=blocks,
            norm=norm,
            bias=bias,
        )
        finer = [
            ResNetTrunk(
                inputs, width=width * 2**k, downsamplings=1, blocks=enhancer_blocks, norm=norm, bias=bias
            )
            for k in reversed(range(enhancers))
        ]
        super().__init__(coarse, finer, _last(width, outputs), 2 ** (enhancers + max(downsamplings, 1)))
        gaussian(self)


class InstanceEncoder(nn.Module):
    """Feature encoder of pix2pixHD: images and instance maps to one vector per instance (sec. 3.4).

    A small translator computes features of each pixel; they are averaged over each instance.
    """

    def __init__(
        self,
        inputs: int,
        features: int,
        *,
        width: int = 16,
        downsamplings: int = 4,
        norm: PlainNorm = "instance",
        bias: bool = True,
    ):
        super().__init__()
        self.translator = ResNetTranslator(
            inputs, features, width=width, downsamplings=downsamplings, blocks=0, norm=norm, bias=bias
        )

    def forward(self, images: Tensor, instances: Tensor) -> Tensor:
        """Images and integers `[N, 1, H, W]`, the ids of instances, to `[N, features, H, W]` in [-1, 1]."""
        return instance_means(padded_forward(self.translator, images), instances)


def instance_means(maps: Tensor, instances: Tensor) -> Tensor:
    """Replace each pixel of maps `[N, C, H, W]` by the mean over its instance within its image."""
    count, channels, height, width = maps.shape
    image = torch.arange(count, device=maps.device).view(-1, 1, 1, 1).expand_as(instances)
    ids = torch.stack([image.flatten(), instances.flatten()])
    _, owner = torch.unique(ids, dim=1, return_inverse=True)
    pixels = maps.permute(0, 2, 3, 1).reshape(-1, channels)
    # As many rows as pixels, not instances, so that no shape depends on the values.
    sums = torch.zeros_like(pixels).index_add(0, owner, pixels)
    one = torch.ones_like(pixels[:, :1])
    areas = torch.zeros_like(one).index_add(0, owner, one)
    return (sums / areas.clamp(min=1))[owner].view(count, height, width, channels).permute(0, 3, 1, 2)
