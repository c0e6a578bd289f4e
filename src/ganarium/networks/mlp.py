"""Perceptrons, as in the first GAN (Goodfellow et al. 2014), for points and small images."""

import itertools
import math
from collections.abc import Sequence

from torch import Tensor, nn

from ganarium.networks.layers.linear_score import Scoring
from ganarium.networks.layers.minibatch_discrimination import minibatch


class MLPGenerator(nn.Module):
    """Noise `[N, inputs]` to samples `[N, *shape]`: images in [-1, 1] (tanh), points without bounds."""

    def __init__(self, inputs: int, shape: Sequence[int], *, width: int = 256, depth: int = 3):
        super().__init__()
        self.shape = tuple(shape)
        sizes = [inputs, *[width] * depth]
        layers: list[nn.Module] = []
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU(inplace=True)]
        layers.append(nn.Linear(width, math.prod(shape)))
        if len(self.shape) == 3:
            layers.append(nn.Tanh())
        self.layers = nn.Sequential(*layers)

    def forward(self, noise: Tensor) -> Tensor:
        """`[N, inputs]` to `[N, *shape]`."""
        return self.layers(noise).view(-1, *self.shape)


class MLPDiscriminator(Scoring):
    """Samples `[N, *shape]` to scores `[N]` (logits).

    `minibatch_discrimination` is the number of kernels of `MinibatchDiscrimination`, 0 for none.
    """

    def __init__(
        self,
        shape: Sequence[int],
        *,
        width: int = 256,
        depth: int = 3,
        dropout: float = 0.0,
        minibatch_discrimination: int = 0,
    ):
        super().__init__()
        sizes = [math.prod(shape), *[width] * depth]
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2, inplace=True)]
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers)
        self.minibatch = minibatch(width, minibatch_discrimination)
        self.score = nn.Linear(width + minibatch_discrimination, 1)

    def features(self, samples: Tensor) -> Tensor:
        """Return the input of `score`: `[N, score.in_features]`."""
        return self.minibatch(self.layers(samples))
