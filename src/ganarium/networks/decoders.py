"""Decoders from feature maps to images."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from ganarium.networks.layers.conv_norm import NormedConv
from ganarium.networks.layers.init import gaussian
from ganarium.networks.layers.norms import PlainNorm
from ganarium.networks.resnet_translator import ResidualBlock


class MapDecoder(nn.Module):
    """Second half of a residual translator: maps `[N, inputs, h, w]` to `[N, outputs, 2^k h, 2^k w]`.

    Args:
        inputs: channels of the maps.
        outputs: channels of the images, which lie in [-1, 1].
        doublings: number of times that height and width are doubled, k.
        width: channels at full size; each halving doubles them, up to 8 times `width`.
        blocks: number of residual blocks, at the size of the maps.
        norm: norm after every convolution but the last.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        doublings: int,
        *,
        width: int = 64,
        blocks: int = 4,
        norm: PlainNorm = "instance",
    ):
        super().__init__()
        sizes = [width * min(2**k, 8) for k in reversed(range(doublings + 1))]
        self.first = NormedConv(nn.Conv2d(inputs, sizes[0], 3, padding=1, padding_mode="reflect"), norm)
        self.blocks = nn.ModuleList(ResidualBlock(sizes[0], norm=norm) for _ in range(blocks))
        self.up = nn.ModuleList(
            NormedConv(nn.ConvTranspose2d(coarse, fine, 4, stride=2, padding=1), norm)
            for coarse, fine in itertools.pairwise(sizes)
        )
        self.last = nn.Conv2d(width, outputs, 7, padding=3, padding_mode="reflect")
        gaussian(self)

    def forward(self, maps: Tensor) -> Tensor:
        """`[N, inputs, h, w]` to `[N, outputs, 2^k h, 2^k w]`."""
        maps = relu(self.first(maps))
        for block in self.blocks:
            maps = block(maps)
        for layer in self.up:
            maps = relu(layer(maps))
        return torch.tanh(self.last(maps))
