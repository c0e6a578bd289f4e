"""Small, fast generator of nearest-neighbour upsampling and 3x3 convolutions.

Resize-convolution avoids checkerboards (Odena et al. 2016, "Deconvolution and checkerboard artifacts").
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganarium.networks.layers.norms import Norm, norm2d
from ganarium.networks.layers.padding import bottom_size, center_crop, halvings
from ganarium.networks.layers.virtual_batch_norm import Reference, forward_with_reference


class UpsamplingGenerator(nn.Module):
    """Noise `[N, inputs]` to images `[N, C, H, W]` in [-1, 1]; `width` channels before the last layer."""

    memory_format = torch.channels_last

    def __init__(self, inputs: int, shape: Sequence[int], *, width: int = 16, norm: Norm = "batch"):
        super().__init__()
        self.shape = tuple(shape)
        times = halvings(shape)
        sizes = [width * 2**k for k in reversed(range(times + 1))]
        self.bottom = (sizes[0], *bottom_size(shape, times))
        self.project = nn.Linear(inputs, self.bottom[0] * self.bottom[1] * self.bottom[2])
        layers: list[nn.Module] = [norm2d(norm, sizes[0]), nn.ReLU(inplace=True)]
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [
                nn.Upsample(scale_factor=2),
                nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=norm == "none"),
                norm2d(norm, fan_out),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.Conv2d(width, self.shape[0], 3, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.reference = Reference([inputs]) if norm == "virtual" else None

    def forward(self, noise: Tensor) -> Tensor:
        """`[N, inputs]` to `[N, *shape]`."""
        return center_crop(forward_with_reference(self.reference, self._uncropped, noise), self.shape)

    def _uncropped(self, noise: Tensor) -> Tensor:
        return self.layers(self.project(noise).view(-1, *self.bottom))
