"""Discriminators of patches: PatchGAN, PatchGAN with patches of 1x1, and PatchGANs at several scales.

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
    """Images `[N, inputs, H, W]` to scores `[N, outputs, h, w]` (logits) of overlapping patches.

    The patches have 70x70 pixels with three `layers`, 16x16 with one, 286x286 with five.

    Args:
        inputs: channels of the image, and of its condition if there is one.
        outputs: scores per patch; several are logits of classes.
        layers: number of convolutions of stride 2; two more of stride 1 follow.
        width: channels after the first convolution; each further one doubles them.
        widest: maximum number of channels; 8 times `width` by default.
        norm: norm after each convolution but the first and the last.
        bias: True if the convolutions before a norm have a bias, too.
        padding: pixels on each side, for every convolution.
        spectral_norm: True for spectral norm of all weights but those of the first and the last convolution.
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
        """Return the activations of each layer, from the first to the scores, for feature matching."""
        maps = [images]
        for layer in self.hidden:
            maps.append(leaky_relu(layer(maps[-1]), 0.2))
        return [*maps[1:], self.score(maps[-1])]

    def forward(self, images: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to scores `[N, outputs, h, w]`."""
        return self.features(images)[-1]


class PixelDiscriminator(nn.Module):
    """Images `[N, inputs, H, W]` to scores `[N, outputs, H, W]` (logits) of pixels: patches of 1x1."""

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
        """`[N, inputs, H, W]` to scores `[N, outputs, H, W]`."""
        maps = leaky_relu(self.first(images), 0.2)
        return self.score(leaky_relu(self.second(maps), 0.2))


class MultiScaleDiscriminator(nn.Module):
    """Patch discriminators of one architecture, each for images of half the size of the one before.

    `scales` is their number; the other arguments are those of `PatchDiscriminator`.
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
        """Return the activations of each layer, first layer to scores, of each scale, full size first."""
        features = []
        for discriminator in self.scales:
            assert isinstance(discriminator, PatchDiscriminator)
            features.append(discriminator.features(images))
            images = halved(images)
        return features

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the scores `[N, outputs, h, w]` (logits) of each scale, full size first."""
        return [features[-1] for features in self.features(images)]
