"""The residual translator of CycleGAN, and pix2pixHD's pair of them, coarse and fine.

Zhu et al. 2017, arXiv:1703.10593, app. 7.2, after Johnson et al. 2016, arXiv:1603.08155; Wang et al. 2018,
arXiv:1711.11585, sec. 3.2 and 3.4. In the papers' words `c7s1-w`, `d..`, `R..`, `u..`, `c7s1-out`.
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
    """Two 3x3 convolutions beside an identity, nothing after the sum; `dropout` is between them."""

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
        """`[N, C, H, W]` to the same."""
        change = dropout(relu(self.norm_1(self.conv_1(maps))), self.dropout, self.training)
        return maps + self.norm_2(self.conv_2(change))


class ResNetEncoder(nn.Module):
    """Convolutions that halve, then residual blocks: `[N, inputs, H, W]` to `[N, channels, h, w]`.

    `padding` is that of the residual blocks; the first convolution always reflects.

    Attributes:
        channels: of what comes out; `width`, doubled at every halving.
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

    def forward(self, images: Tensor, beside: Tensor | None = None) -> Tensor:
        """Coarse maps; `beside` is added to those that the residual blocks work on."""
        maps = relu(self.first(images))
        for layer in self.down:
            maps = relu(layer(maps))
        if beside is not None:
            maps = maps + beside
        for block in self.blocks:
            maps = block(maps)
        return maps


def _doubling(channels: int, times: int, *, norm: PlainNorm, bias: bool) -> nn.ModuleList:
    """Convolutions each of which doubles height and width and halves the number of channels."""
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
    """All but the last convolution: `[N, inputs, H, W]` to `[N, width, H, W]`.

    Its arguments are those of `ResNetEncoder`.
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

    def forward(self, images: Tensor, beside: Tensor | None = None) -> Tensor:
        """`[N, width, H, W]`; `beside` is added to the coarse maps that the residual blocks work on."""
        maps = super().forward(images, beside)
        for layer in self.up:
            maps = relu(layer(maps))
        return maps


class ResNetDecoder(nn.Module):
    """Residual blocks, then convolutions that double: `[N, channels, h, w]` to pictures in [-1, 1]."""

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
        """`[N, outputs, H, W]`."""
        for block in self.blocks:
            maps = block(maps)
        for layer in self.up:
            maps = relu(layer(maps))
        return torch.tanh(self.last(maps))


LARGE = 200
"""Pixels of the shorter side from which on a picture gets nine residual blocks, not six (app. 7.2)."""


def _last(width: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(width, outputs, 7, padding=3, padding_mode="reflect")


class ResNetTranslator(nn.Module):
    """Pictures `[N, inputs, H, W]` to pictures `[N, outputs, H, W]` in [-1, 1].

    CycleGAN has two downsamplings and 9 blocks, or 6 for 128x128 and less; pix2pixHD's global generator four
    and 9.

    Args:
        inputs: channels of the pictures that come in.
        outputs: channels of those that come out.
        size: height and width that it is trained on.
        width: channels after the first convolution.
        downsamplings: how often height and width are halved before the residual blocks.
        blocks: residual blocks; 9, or 6 for pictures of a shorter side below 200, where it is not said.
        norm: after every convolution but the last.
        padding: of the residual blocks; the outer convolutions always reflect.
        dropout: within residual blocks, the probability that a value is dropped.
        bias: whether the convolutions that a norm follows have one, too.
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
        """Height and width must be multiples of `multiple`, and more than 3 pixels."""
        return torch.tanh(self.last(self.trunk(images)))


class CoarseToFine(nn.Module):
    """A global network, and enhancers that each add what they see at twice the size of the one before.

    Args:
        coarse: the global network's trunk.
        enhancers: the trunks that refine what it says, one after another.
        last: from the finest trunk's maps to pictures.
        multiple: of what height and width are multiples.
    """

    def __init__(self, coarse: nn.Module, enhancers: Iterable[nn.Module], last: nn.Conv2d, multiple: int):
        super().__init__()
        self.coarse, self.enhancers, self.last = coarse, nn.ModuleList(enhancers), last
        self.multiple = multiple

    def forward(self, images: Tensor) -> Tensor:
        """Height and width must be multiples of `multiple`."""
        pyramid = [images]
        for _ in self.enhancers:
            pyramid.append(halved(pyramid[-1]))
        maps = self.coarse(pyramid.pop())
        for enhancer in self.enhancers:
            maps = enhancer(pyramid.pop(), maps)
        return torch.tanh(self.last(maps))

    def before(self) -> nn.ModuleList:
        """The trunks that were there before the finest enhancer came."""
        return nn.ModuleList([self.coarse, *self.enhancers[:-1]])

    def coarser(self) -> "CoarseToFine":
        """What there was before the finest enhancer, for pictures of half the height and width.

        It is made of this network's own trunks: what it learns this network knows. Its last convolution, from
        twice as many channels, is a new one.
        """
        last = _last(2 * self.last.in_channels, self.last.out_channels)
        gaussian(last)
        return CoarseToFine(self.coarse, self.enhancers[:-1], last, self.multiple // 2)


class LocalEnhancer(CoarseToFine):
    """pix2pixHD's generator, coarse to fine: `[N, inputs, H, W]` to `[N, outputs, H, W]` in [-1, 1].

    The global network works at 1 / 2^`enhancers` of the size; each enhancer adds what its own convolutions
    see at twice that (sec. 3.2, fig. 3).

    Args:
        inputs: channels of the label maps and edges.
        outputs: channels of the pictures.
        size: of no account here: it works at any.
        width: channels of the finest enhancer; every coarser network has twice as many.
        downsamplings: of the global network.
        blocks: residual blocks of the global network.
        enhancers: how many networks refine it, one after another.
        enhancer_blocks: residual blocks of each.
        norm: after every convolution but the last.
        bias: whether the convolutions that a norm follows have one, too.
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
    """pix2pixHD's feature encoder: pictures and instance maps to features, one vector an instance (sec. 3.4).

    Every pixel is given the mean over its own instance of what a small translator says.
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
        """`[N, features, H, W]` in [-1, 1], from pictures and integers `[N, 1, H, W]` that name instances."""
        return instance_means(padded_forward(self.translator, images), instances)


def instance_means(maps: Tensor, instances: Tensor) -> Tensor:
    """Each pixel's mean over its own instance in its own picture: `[N, C, H, W]` to the same."""
    count, channels, height, width = maps.shape
    picture = torch.arange(count, device=maps.device).view(-1, 1, 1, 1).expand_as(instances)
    named = torch.stack([picture.flatten(), instances.flatten()])
    _, owner = torch.unique(named, dim=1, return_inverse=True)
    pixels = maps.permute(0, 2, 3, 1).reshape(-1, channels)
    # A row a pixel, more than there are instances: so no size depends on what is in the maps.
    sums = torch.zeros_like(pixels).index_add(0, owner, pixels)
    one = torch.ones_like(pixels[:, :1])
    areas = torch.zeros_like(one).index_add(0, owner, one)
    return (sums / areas.clamp(min=1))[owner].view(count, height, width, channels).permute(0, 3, 1, 2)
