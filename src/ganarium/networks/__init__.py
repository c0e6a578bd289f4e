"""Architectures, one file a family, and the tables that recipes choose from."""

from collections.abc import Callable

from torch import nn

from ganarium.networks.autoencoders import DCGANAutoencoder, MLPAutoencoder
from ganarium.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganarium.networks.mlp import MLPDiscriminator, MLPGenerator
from ganarium.networks.sngan import SNGANDiscriminator, SNGANGenerator
from ganarium.networks.upsampling import UpsamplingGenerator

GENERATORS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPGenerator,
    "dcgan": DCGANGenerator,
    "sngan": SNGANGenerator,
    "upsampling": UpsamplingGenerator,
}
"""From noise `[N, inputs]` to samples `[N, *shape]`: `kind(inputs, shape, **settings)`."""

DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPDiscriminator,
    "dcgan": DCGANDiscriminator,
    "sngan": SNGANDiscriminator,
}
"""From samples `[N, *shape]` to scores `[N]`: `kind(shape, **settings)`.

Each reads its `score`, a linear layer, from its `features(samples)`, so that others can, too.
"""

AUTOENCODERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPAutoencoder,
    "dcgan": DCGANAutoencoder,
}
"""From samples `[N, *shape]` to themselves: `kind(shape, **settings)`; the code is `features(samples)`."""
