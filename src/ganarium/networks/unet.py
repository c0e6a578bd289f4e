"""U-Net translator of pix2pix (Isola et al. 2017, arXiv:1611.07004, sec. 3.2.1 and 6.1.1).

After Ronneberger et al. 2015, arXiv:1505.04597.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, leaky_relu, relu

from ganarium.networks.layers.conv_norm import NormedConv
from ganarium.networks.layers.init import gaussian
from ganarium.networks.layers.norms import PlainNorm
from ganarium.networks.layers.padding import fitting_halvings

MOST = 8
"""Maximum number of channels of a layer, in multiples of `width`."""
DEEPEST = 8
"""Maximum number of halvings; in the paper, 256x256 becomes one pixel."""
DROPPED_BELOW = 4
"""First level with dropout, counted from the outermost, 0; the innermost has none."""


class UNetTranslator(nn.Module):
    """Images `[N, inputs, H, W]` to images `[N, outputs, H, W]` in [-1, 1], with a skip at every level.

    Args:
        inputs: channels of the input images.
        outputs: channels of the output images.
        size: height and width of the training images.
        downsamplings: number of halvings of height and width; by default the size decides, at most 8.
        width: channels of the outermost level; each level below has twice as many, at most 8 times `width`.
        norm: norm of all levels but the outermost; the innermost has none in the encoder.
        dropout: probability that a value of a coarse level of the decoder is dropped.
        bias: True if the convolutions other than the last have a bias, too.
        skips: False for the plain encoder and decoder of sec. 4.3, as in DiscoGAN.

    Raises:
        ValueError: `downsamplings` is less than 2.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: tuple[int, int] = (256, 256),
        *,
        downsamplings: int | None = None,
        width: int = 64,
        norm: PlainNorm = "batch",
        dropout: float = 0.5,
        bias: bool = False,
        skips: bool = True,
    ):
        super().__init__()
        downsamplings = max(2, fitting_halvings(size, DEEPEST)) if downsamplings is None else downsamplings
        if downsamplings < 2:
            raise ValueError(f"downsamplings={downsamplings}; a U-Net needs at least 2")
        self.multiple, self.dropout, self.skips = 2**downsamplings, dropout, skips
        sizes = [width * min(2**k, MOST) for k in range(downsamplings)]
        innermost = downsamplings - 1
        self.down = nn.ModuleList(
            NormedConv(
                nn.Conv2d(above, here, 4, stride=2, padding=1, bias=bias),
                "none" if level in (0, innermost) else norm,
            )
            for level, (above, here) in enumerate(itertools.pairwise([inputs, *sizes]))
        )
        self.up = nn.ModuleList(
            NormedConv(
                nn.ConvTranspose2d(
                    2 * here if skips and level < innermost else here,
                    above,
                    4,
                    stride=2,
                    padding=1,
                    bias=bias or level == 0,
                ),
                "none" if level == 0 else norm,
            )
            for level, (above, here) in enumerate(itertools.pairwise([outputs, *sizes]))
        )
        gaussian(self)

    def forward(self, images: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H, W]`; H and W must be multiples of `multiple`."""
        skips = [self.down[0](images)]
        for layer in self.down[1:]:
            skips.append(layer(leaky_relu(skips[-1], 0.2)))
        innermost = len(self.up) - 1
        maps = skips.pop()
        for level in reversed(range(1, len(self.up))):
            maps = self.up[level](relu(maps))
            if DROPPED_BELOW <= level < innermost:
                maps = dropout(maps, self.dropout, self.training)
            maps = torch.cat([skips.pop(), maps], 1) if self.skips else maps
        return torch.tanh(self.up[0](relu(maps)))
