"""Generator and discriminator of DCGAN (Radford et al. 2016, arXiv:1511.06434, sec. 3 and fig. 1)."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganarium.networks.layers.linear_score import Scoring
from ganarium.networks.layers.minibatch_discrimination import minibatch
from ganarium.networks.layers.norms import NORMS, Norm, norm2d, spectral
from ganarium.networks.layers.padding import bottom_size, center_crop, halvings
from ganarium.networks.layers.virtual_batch_norm import Reference, forward_with_reference


def default_width(shape: Sequence[int]) -> int:
    """Return the longer side in pixels, rounded up to a multiple of 8, at most 64."""
    return min(64, 8 * math.ceil(max(shape[1:]) / 8))


def _initialize(net: nn.Module) -> None:
    """Draw weights from a zero-centred normal of deviation 0.02 (sec. 4), norms' scales around 1.

    Networks without norms are left as they are: weights this small would start every output at zero.
    """
    if not any(isinstance(m, NORMS) for m in net.modules()):
        return
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, NORMS):
            nn.init.normal_(module.weight, 1.0, 0.02)


class DCGANGenerator(nn.Module):
    """Noise `[N, inputs]` to images `[N, C, H, W]` in [-1, 1], by fractionally strided convolutions.

    The maps of a 64x64 image grow 4 -> 8 -> 16 -> 32 -> 64. For other sizes, halving rounds up and the output
    is cropped. `width` is the number of channels before the last layer, by default `default_width(shape)`;
    the paper has 128, so that the first feature map has 1024.
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
        """`[N, inputs]` to `[N, *shape]`."""
        return center_crop(forward_with_reference(self.reference, self._uncropped, noise), self.shape)

    def _uncropped(self, noise: Tensor) -> Tensor:
        return self.layers(self.project(noise).view(-1, *self.bottom))


def halving_layers(
    shape: Sequence[int], width: int | None, norm: Norm, *, spectral_norm: bool = False
) -> list[nn.Module]:
    """Build strided convolutions that halve images `[N, C, H, W]` until the longer side is about 4.

    `width` is the number of channels after the first, which has no norm (sec. 3); each further one doubles
    it.
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
    """Images `[N, C, H, W]` to scores `[N]` (logits), by strided convolutions.

    The first layer has no norm (sec. 3). `width` is the number of channels after it, with the generator's
    default; `minibatch_discrimination` is the number of kernels of `MinibatchDiscrimination`, 0 for none.
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
        """Return the input of `score`: `[N, score.in_features]`."""
        return self.minibatch(forward_with_reference(self.reference, self.layers, images).flatten(1))
