"""Standard generator and discriminator of SNGAN (Miyato et al. 2018, arXiv:1802.05957, table 3)."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganarium.networks.layers.linear_score import Scoring
from ganarium.networks.layers.minibatch_discrimination import minibatch
from ganarium.networks.layers.norms import spectral
from ganarium.networks.layers.padding import bottom_size, center_crop, sides

STAGES = 3
"""Number of times that height and width are halved or doubled."""


class SNGANGenerator(nn.Module):
    """Noise `[N, inputs]` to images `[N, C, H, W]` in [-1, 1] (table 3a); the paper has `width` 64."""

    memory_format = torch.channels_last

    def __init__(self, inputs: int, shape: Sequence[int], *, width: int = 64):
        super().__init__()
        self.shape = tuple(shape)
        sizes = [width * 2**k for k in reversed(range(STAGES + 1))]
        self.bottom = (sizes[0], *bottom_size(shape, STAGES))
        self.project = nn.Linear(inputs, self.bottom[0] * self.bottom[1] * self.bottom[2])
        layers: list[nn.Module] = []
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [
                nn.ConvTranspose2d(fan_in, fan_out, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(fan_out),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.Conv2d(width, self.shape[0], 3, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, noise: Tensor) -> Tensor:
        """`[N, inputs]` to `[N, *shape]`."""
        return center_crop(self.layers(self.project(noise).view(-1, *self.bottom)), self.shape)


class SNGANDiscriminator(Scoring):
    """Images `[N, C, H, W]` to scores `[N]` (table 3b); spectral norm on every layer, no other norm.

    `minibatch_discrimination` is the number of kernels of `MinibatchDiscrimination`, 0 for none.
    """

    memory_format = torch.channels_last

    def __init__(
        self,
        shape: Sequence[int],
        *,
        width: int = 64,
        spectral_norm: bool = True,
        minibatch_discrimination: int = 0,
    ):
        super().__init__()
        if min(sides(shape)) < 2**STAGES:
            raise ValueError(
                f"images are {shape[1]}x{shape[2]}, but the sngan discriminator needs at least {2**STAGES} "
                "pixels a side; set data.size, or networks.discriminator.kind=dcgan"
            )
        layers: list[nn.Module] = []
        channels = shape[0]
        for stage in range(STAGES):
            size = width * 2**stage
            for fan_in, fan_out, kernel, stride in ((channels, size, 3, 1), (size, size, 4, 2)):
                conv = nn.Conv2d(fan_in, fan_out, kernel, stride, padding=1)
                layers += [spectral(conv, wanted=spectral_norm), nn.LeakyReLU(0.1, inplace=True)]
            channels = size
        last = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        layers += [spectral(last, wanted=spectral_norm), nn.LeakyReLU(0.1, inplace=True)]
        self.layers = nn.Sequential(*layers)
        with torch.no_grad():
            features = self.layers(torch.zeros(1, *shape)).numel()
        self.minibatch = minibatch(features, minibatch_discrimination, spectral_norm=spectral_norm)
        self.score = spectral(nn.Linear(features + minibatch_discrimination, 1), wanted=spectral_norm)

    def features(self, images: Tensor) -> Tensor:
        """Return the input of `score`: `[N, score.in_features]`."""
        return self.minibatch(self.layers(images).flatten(1))
