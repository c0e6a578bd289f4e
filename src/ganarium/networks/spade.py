"""Networks of GauGAN: normalisation conditioned on label maps (Park et al. 2019, arXiv:1903.07291)."""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, relu

from ganarium.networks.layers.norms import PlainNorm, plain_norm2d, spectral

HALVINGS = 6
"""Number of halvings in the style encoder."""
BOTTOM = 8
"""Target for the longer side of the generator's smallest maps, in pixels; sets the default depth."""
STYLE_SIZE = 256
"""Height and width, in pixels, to which the style encoder resizes images."""


def _initialize(net: nn.Module) -> None:
    """Draw weights from Glorot's normal with gain 0.02, and set biases to zero (app. A)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_normal_(module.weight, gain=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class SPADE(nn.Module):
    """Spatially-adaptive normalisation: scale and shift are computed from the label map (eq. 1).

    Args:
        channels: channels of the normalised maps.
        labels: channels of the label map.
        norm: normalisation, without scale and shift of its own.
        hidden: channels of the hidden layer between the label map and scale and shift.
        kernel: height and width of the convolutions' kernels.
    """

    def __init__(
        self,
        channels: int,
        labels: int,
        *,
        norm: PlainNorm = "batch",
        hidden: int = 128,
        kernel: int = 3,
    ):
        super().__init__()
        self.norm = (
            nn.BatchNorm2d(channels, affine=False) if norm == "batch" else plain_norm2d(norm, channels)
        )
        self.shared = nn.Conv2d(labels, hidden, kernel, padding=kernel // 2)
        self.scale, self.shift = (nn.Conv2d(hidden, channels, kernel, padding=kernel // 2) for _ in range(2))

    def forward(self, maps: Tensor, labels: Tensor) -> Tensor:
        """`[N, channels, h, w]` to the same shape, given label maps `[N, labels, H, W]` of any size."""
        hidden = relu(self.shared(interpolate(labels, maps.shape[2:])))
        return self.norm(maps) * (1 + self.scale(hidden)) + self.shift(hidden)


class SPADEBlock(nn.Module):
    """Residual block with SPADE norms (fig. 4).

    The shortcut is the identity, or a 1x1 convolution if the number of channels changes.
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        labels: int,
        *,
        norm: PlainNorm = "batch",
        hidden: int = 128,
        kernel: int = 3,
    ):
        super().__init__()
        middle = min(fan_in, fan_out)

        def spade(channels: int) -> SPADE:
            return SPADE(channels, labels, norm=norm, hidden=hidden, kernel=kernel)

        self.norm_1, self.conv_1 = spade(fan_in), nn.Conv2d(fan_in, middle, 3, padding=1)
        self.norm_2, self.conv_2 = spade(middle), nn.Conv2d(middle, fan_out, 3, padding=1)
        self.passes = fan_in == fan_out
        if not self.passes:
            self.norm_past, self.conv_past = spade(fan_in), nn.Conv2d(fan_in, fan_out, 1, bias=False)

    def forward(self, maps: Tensor, labels: Tensor) -> Tensor:
        """`[N, fan_in, h, w]` to `[N, fan_out, h, w]`, given label maps `[N, labels, H, W]`."""
        shortcut = maps if self.passes else self.conv_past(self.norm_past(maps, labels))
        residual = self.conv_1(leaky_relu(self.norm_1(maps, labels), 0.2))
        return shortcut + self.conv_2(leaky_relu(self.norm_2(residual, labels), 0.2))


class SPADEGenerator(nn.Module):
    """One-hot label maps `[N, labels, H, W]` to images `[N, outputs, H, W]` in [-1, 1] (fig. 12).

    Args:
        labels: channels of the label maps, including that of instance edges.
        outputs: channels of the images.
        size: height and width of the training images.
        width: channels after the seventh block; the smallest maps have 16 times as many.
        doublings: number of times that height and width are doubled: 5; 6, with one more at the smallest
            maps ("more"); or 7, with one more block, the eighth ("most"). Default: 5 for a longer side below
            512 pixels, 6 below 1024, else 7.
        style_dim: size of a style vector (`StyleEncoder`). With 0, the smallest maps are computed from the
            resized label map.
        bottom_area: with styles, height times width of the smallest maps in pixels; images have 4^doublings
            times as many. Default: that of `size`, rounded up.
        norm: norm that SPADE modulates.
        hidden: channels of SPADE between the label map and scale and shift.
        kernel: height and width of SPADE's kernels.
        spectral_norm: True for spectral norm of the blocks' convolutions, but not of SPADE's.

    Raises:
        ValueError: `doublings` is none of 5, 6 and 7.
    """

    def __init__(
        self,
        labels: int,
        outputs: int,
        size: tuple[int, int] = (256, 256),
        *,
        width: int = 64,
        doublings: int | None = None,
        style_dim: int = 0,
        bottom_area: int | None = None,
        norm: PlainNorm = "batch",
        hidden: int = 128,
        kernel: int = 3,
        spectral_norm: bool = True,
    ):
        super().__init__()
        if doublings is None:
            doublings = min(7, max(5, int(math.log2(max(size) / BOTTOM))))
        if doublings not in (5, 6, 7):
            raise ValueError(f"doublings={doublings}; it must be 5, 6 (more) or 7 (most)")
        self.multiple = 2**doublings
        if bottom_area is None:
            bottom_area = math.prod(math.ceil(side / self.multiple) for side in size)
        self.doublings, self.style_dim, self.bottom_area = doublings, style_dim, bottom_area
        self.fixed_area = style_dim > 0
        sizes = [16 * width] * 4 + [8 * width, 4 * width, 2 * width, width]
        if doublings == 7:
            sizes.append(width // 2)
        self.bottom = (
            nn.Linear(style_dim, sizes[0] * bottom_area)
            if style_dim
            else nn.Conv2d(labels, sizes[0], 3, padding=1)
        )
        self.blocks = nn.ModuleList(
            SPADEBlock(fan_in, fan_out, labels, norm=norm, hidden=hidden, kernel=kernel)
            for fan_in, fan_out in itertools.pairwise(sizes)
        )
        self.last = nn.Conv2d(sizes[-1], outputs, 3, padding=1)
        _initialize(self)
        for block in self.blocks:
            for name in ("conv_1", "conv_2", "conv_past"):
                if hasattr(block, name):
                    spectral(getattr(block, name), wanted=spectral_norm)

    def forward(self, labels: Tensor, styles: Tensor | None = None) -> Tensor:
        """Return images of the label maps' size, a multiple of `multiple`; styles are `[N, style_dim]`.

        Raises:
            ValueError: styles are missing or not accepted, or the size does not fit `bottom_area`.
        """
        if (styles is None) == bool(self.style_dim):
            expected = f"styles [N, {self.style_dim}]" if self.style_dim else "no styles"
            raise ValueError(f"with style_dim={self.style_dim} this generator takes {expected}")
        maps = self._bottom(labels, styles)
        for depth, block in enumerate(self.blocks):
            if self._doubles_before(depth):
                maps = interpolate(maps, scale_factor=2.0)
            maps = block(maps, labels)
        return torch.tanh(self.last(leaky_relu(maps, 0.2)))

    def _doubles_before(self, depth: int) -> bool:
        """Return True if height and width double before a block: not the first; the third with 6 or more."""
        return depth > 0 and (depth != 2 or self.doublings > 5)

    def _bottom(self, labels: Tensor, styles: Tensor | None) -> Tensor:
        height, width = (side // self.multiple for side in labels.shape[2:])
        if styles is None:
            return self.bottom(interpolate(labels, (height, width)))
        if height * width != self.bottom_area:
            pixels = self.bottom_area * self.multiple**2
            raise ValueError(
                f"label maps are {labels.shape[2]}x{labels.shape[3]}, but with styles this generator needs "
                f"{pixels:,} pixels, with height and width multiples of {self.multiple}"
            )
        return self.bottom(styles).view(styles.shape[0], -1, height, width)


class StyleEncoder(nn.Module):
    """Images `[N, inputs, H, W]` in [-1, 1] to mean and log variance of their styles (fig. 14)."""

    def __init__(
        self,
        inputs: int = 3,
        style_dim: int = 256,
        *,
        width: int = 64,
        norm: PlainNorm = "instance",
        bias: bool = False,
        spectral_norm: bool = True,
    ):
        super().__init__()
        sizes = [inputs, *(width * min(2**k, 8) for k in range(HALVINGS))]
        self.convs = nn.ModuleList(
            nn.Conv2d(fan_in, fan_out, 3, stride=2, padding=1, bias=bias)
            for fan_in, fan_out in itertools.pairwise(sizes)
        )
        self.norms = nn.ModuleList(plain_norm2d(norm, size) for size in sizes[1:])
        features = sizes[-1] * (STYLE_SIZE // 2**HALVINGS) ** 2
        self.mean, self.log_variance = (nn.Linear(features, style_dim) for _ in range(2))
        _initialize(self)
        for conv in self.convs:
            spectral(conv, wanted=spectral_norm)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """`[N, inputs, H, W]`, resized to 256x256 if necessary, to two tensors `[N, style_dim]`."""
        maps = images
        if maps.shape[2:] != (STYLE_SIZE, STYLE_SIZE):
            maps = interpolate(maps, (STYLE_SIZE, STYLE_SIZE), mode="bilinear")
        for conv, norm in zip(self.convs, self.norms, strict=True):
            maps = leaky_relu(norm(conv(maps)), 0.2)
        return self.mean(maps.flatten(1)), self.log_variance(maps.flatten(1))
