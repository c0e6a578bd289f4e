"""The convolutional pair of DCGAN (Radford et al. 2016, arXiv:1511.06434, sec. 3 and fig. 1)."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganarium.networks.layers.linear_score import Scoring
from ganarium.networks.layers.minibatch_discrimination import minibatch
from ganarium.networks.layers.norms import NORMS, Norm, norm2d, spectral
from ganarium.networks.layers.padding import bottom_size, center_crop, halvings
from ganarium.networks.layers.virtual_batch_norm import Reference, led


def default_width(shape: Sequence[int]) -> int:
    """As many channels beside the picture as its longer side has pixels, 64 at most, in eights."""
    return min(64, 8 * math.ceil(max(shape[1:]) / 8))


def _initialize(net: nn.Module) -> None:
    """Zero-centred normal weights of deviation 0.02 (sec. 4); norms' scales around 1.

    Only where norms follow: without them weights this small would start every output at zero.
    """
    if not any(isinstance(m, NORMS) for m in net.modules()):
        return
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, NORMS):
            nn.init.normal_(module.weight, 1.0, 0.02)


class DCGANGenerator(nn.Module):
    """Noise `[N, inputs]` to pictures `[N, C, H, W]` in [-1, 1], by fractionally strided convolutions.

    A 64x64 picture is grown 4 -> 8 -> 16 -> 32 -> 64; other sizes start where halving ends, and what
    rounding adds is cut away. `width` is the number of channels before the last layer: the paper has
    128, so that the first feature map has 1024; see `default_width` for what is taken where it is not said.
    """

    memory_format = torch.channels_last

    def __init__(self, inputs: int, shape: Sequence[int], *, width: int | None = None, norm: Norm = "batch"):
        super().__init__()
        self.shape = tuple(shape)
        times, width = halvings(shape), width or default_width(shape)
        sizes = [width * 2**k for k in reversed(range(times))]
        self.bottom = (sizes[0], *bottom_size(shape, times))
        bias = norm == "none"
        self.project = nn.Linear(inputs, self.bottom[0] * self.bottom[1] * self.bottom[2], bias=bias)
        layers: list[nn.Module] = [norm2d(norm, sizes[0]), nn.ReLU(inplace=True)]
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [
                nn.ConvTranspose2d(fan_in, fan_out, 4, stride=2, padding=1, bias=bias),
                norm2d(norm, fan_out),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(width, self.shape[0], 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        _initialize(self)
        self.reference = Reference([inputs]) if norm == "virtual" else None

    def forward(self, noise: Tensor) -> Tensor:
        """Pictures of the given shape."""
        return center_crop(led(self.reference, self._grown, noise), self.shape)

    def _grown(self, noise: Tensor) -> Tensor:
        return self.layers(self.project(noise).view(-1, *self.bottom))


def halving_layers(
    shape: Sequence[int], width: int | None, norm: Norm, *, spectral_norm: bool = False
) -> list[nn.Module]:
    """Strided convolutions of pictures `[N, C, H, W]` until the longer side is about 4.

    `width` is the number of channels after the first, which has no norm (sec. 3); it doubles with each.
    """
    times, width = halvings(shape), width or default_width(shape)
    sizes = [shape[0], *[width * 2**k for k in range(times)]]
    layers: list[nn.Module] = []
    for depth, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        normed = norm if depth else "none"
        conv = nn.Conv2d(fan_in, fan_out, 4, stride=2, padding=1, bias=normed == "none")
        layers += [
            spectral(conv, wanted=spectral_norm),
            norm2d(normed, fan_out),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return layers


class DCGANDiscriminator(Scoring):
    """Pictures `[N, C, H, W]` to scores `[N]` (logits), by strided convolutions.

    No norm after the first layer (sec. 3). `width` is the number of channels after it, as in the generator;
    `minibatch_discrimination` the number of its kernels.
    """

    memory_format = torch.channels_last

    def __init__(
        self,
        shape: Sequence[int],
        *,
        width: int | None = None,
        norm: Norm = "batch",
        spectral_norm: bool = False,
        minibatch_discrimination: int = 0,
    ):
        super().__init__()
        self.layers = nn.Sequential(*halving_layers(shape, width, norm, spectral_norm=spectral_norm))
        with torch.no_grad():
            features = self.layers.eval()(torch.zeros(1, *shape)).numel()
        self.layers.train()
        self.minibatch = minibatch(features, minibatch_discrimination, spectral_norm=spectral_norm)
        self.score = spectral(nn.Linear(features + minibatch_discrimination, 1), wanted=spectral_norm)
        _initialize(self)
        self.reference = Reference(shape) if norm == "virtual" else None

    def features(self, images: Tensor) -> Tensor:
        """What the score is read from: `[N, score.in_features]`."""
        return self.minibatch(led(self.reference, self.layers, images).flatten(1))
