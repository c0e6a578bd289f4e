"""Autoencoders that serve as discriminators: a large reconstruction error marks a sample as not real."""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganarium.networks.dcgan import DCGANGenerator, halving_layers
from ganarium.networks.layers.norms import Norm
from ganarium.networks.mlp import MLPGenerator


class Autoencoder(nn.Module, ABC):
    """Base class: samples `[N, ...]` to reconstructions of the same shape, through a code."""

    decoder: nn.Module

    @abstractmethod
    def features(self, samples: Tensor) -> Tensor:
        """Return the code `[N, code_dim]`."""

    def forward(self, samples: Tensor) -> Tensor:
        """Return reconstructions of the samples, of the same shape."""
        return self.decoder(self.features(samples))


class MLPAutoencoder(Autoencoder):
    """Perceptrons as encoder and decoder of a code of `code_dim` numbers; samples of any shape."""

    def __init__(self, shape: Sequence[int], *, code_dim: int = 32, width: int = 256, depth: int = 2):
        super().__init__()
        sizes = [math.prod(shape), *[width] * depth]
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2, inplace=True)]
        self.encoder = nn.Sequential(*layers, nn.Linear(width, code_dim))
        self.decoder = MLPGenerator(code_dim, shape, width=width, depth=depth)

    def features(self, samples: Tensor) -> Tensor:
        """Return the code `[N, code_dim]`."""
        return self.encoder(samples)


class DCGANAutoencoder(Autoencoder):
    """Strided convolutions as encoder and DCGAN's generator as decoder of a code of `code_dim` numbers."""

    memory_format = torch.channels_last

    def __init__(
        self, shape: Sequence[int], *, code_dim: int = 64, width: int | None = None, norm: Norm = "batch"
    ):
        super().__init__()
        body = nn.Sequential(*halving_layers(shape, width, norm), nn.Flatten())
        with torch.no_grad():
            features = body.eval()(torch.zeros(1, *shape)).numel()
        self.encoder = nn.Sequential(*body.train(), nn.Linear(features, code_dim))
        self.decoder = DCGANGenerator(code_dim, shape, width=width, norm=norm)

    def features(self, samples: Tensor) -> Tensor:
        """Return the code `[N, code_dim]`."""
        return self.encoder(samples)
