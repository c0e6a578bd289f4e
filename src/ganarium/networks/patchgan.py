"""Discriminators that judge patches: PatchGAN, its 1x1 kind, and several of them at several scales.

Isola et al. 2017, arXiv:1611.07004, sec. 3.2.2 and 6.1.2; Wang et al. 2018, arXiv:1711.11585, sec. 3.2;
Park et al. 2019, arXiv:1903.07291, app. A.
"""

import itertools

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganarium.networks.layers.conv_norm import NormedConv
from ganarium.networks.layers.init import gaussian
from ganarium.networks.layers.norms import PlainNorm, spectral
from ganarium.networks.layers.padding import halved


class PatchDiscriminator(nn.Module):
    """Pictures `[N, inputs, H, W]` to scores `[N, outputs, h, w]` (logits), for each of overlapping patches.

    Three `layers` see 70x70 pixels each, one 16x16, five 286x286.

    Args:
        inputs: channels of a picture, and of what it should go with.
        outputs: scores of a patch; more than one are logits of classes.
        layers: convolutions that halve; two more follow that do not.
        width: channels after the first; twice as many after each.
        widest: at most so many channels; 8 times `width` where it is not said.
        norm: of all convolutions but the first and the last.
        bias: whether those have one, too.
        padding: of every convolution, pixels on each side.
        spectral_norm: of the weights that a norm follows.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        layers: int = 3,
        width: int = 64,
        widest: int | None = None,
        norm: PlainNorm = "instance",
        bias: bool = True,
        padding: int = 1,
        spectral_norm: bool = False,
    ):
        super().__init__()
        widest = widest or 8 * width
        sizes = [inputs, *(min(width * 2**k, widest) for k in range(layers + 1))]
        self.hidden = nn.ModuleList(
            NormedConv(
                nn.Conv2d(
                    fan_in,
                    fan_out,
                    4,
                    stride=2 if depth < layers else 1,
                    padding=padding,
                    bias=bias or depth == 0,
                ),
                norm if depth else "none",
            )
            for depth, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes))
        )
        self.score = nn.Conv2d(sizes[-1], outputs, 4, padding=padding)
        gaussian(self)
        for layer in self.hidden[1:]:
            assert isinstance(layer, NormedConv)
            spectral(layer.conv, wanted=spectral_norm)

    def features(self, images: Tensor) -> list[Tensor]:
        """What each layer says, from the first to the scores: for feature matching."""
        maps = [images]
        for layer in self.hidden:
            maps.append(leaky_relu(layer(maps[-1]), 0.2))
        return [*maps[1:], self.score(maps[-1])]

    def forward(self, images: Tensor) -> Tensor:
        """The scores alone."""
        return self.features(images)[-1]


class PixelDiscriminator(nn.Module):
    """Pictures `[N, inputs, H, W]` to scores `[N, outputs, H, W]` (logits) of pixels: patches of 1x1."""

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        width: int = 64,
        norm: PlainNorm = "instance",
        bias: bool = True,
    ):
        super().__init__()
        self.first = NormedConv(nn.Conv2d(inputs, width, 1), "none")
        self.second = NormedConv(nn.Conv2d(width, 2 * width, 1, bias=bias), norm)
        self.score = nn.Conv2d(2 * width, outputs, 1, bias=bias)
        gaussian(self)

    def forward(self, images: Tensor) -> Tensor:
        """The scores."""
        maps = leaky_relu(self.first(images), 0.2)
        return self.score(leaky_relu(self.second(maps), 0.2))


class MultiScaleDiscriminator(nn.Module):
    """Patch discriminators of one architecture, each at half the size of the one before it.

    `inputs`, `outputs`, and all but `scales`, how many there are, is as in `PatchDiscriminator`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        scales: int = 2,
        layers: int = 3,
        width: int = 64,
        widest: int = 512,
        norm: PlainNorm = "instance",
        bias: bool = True,
        padding: int = 2,
        spectral_norm: bool = False,
    ):
        super().__init__()
        self.scales = nn.ModuleList(
            PatchDiscriminator(
                inputs,
                outputs,
                layers=layers,
                width=width,
                widest=widest,
                norm=norm,
                bias=bias,
                padding=padding,
                spectral_norm=spectral_norm,
            )
            for _ in range(scales)
        )

    def features(self, images: Tensor) -> list[list[Tensor]]:
        """For each scale, full size first, what each layer says, from the first to the scores."""
        found = []
        for discriminator in self.scales:
            assert isinstance(discriminator, PatchDiscriminator)
            found.append(discriminator.features(images))
            images = halved(images)
        return found

    def forward(self, images: Tensor) -> list[Tensor]:
        """For each scale, full size first, the scores `[N, outputs, h, w]` (logits)."""
        return [features[-1] for features in self.features(images)]
