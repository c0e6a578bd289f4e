"""Architectures, one file a family, and the tables that recipes choose from."""

from collections.abc import Callable

from torch import nn

from ganarium.networks.autoencoders import DCGANAutoencoder, MLPAutoencoder
from ganarium.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganarium.networks.decoders import MapDecoder
from ganarium.networks.frozen import EdgeMaps, VGGMaps
from ganarium.networks.mlp import MLPDiscriminator, MLPGenerator
from ganarium.networks.patchgan import MultiScaleDiscriminator, PatchDiscriminator, PixelDiscriminator
from ganarium.networks.resnet_translator import InstanceEncoder, LocalEnhancer, ResNetTranslator
from ganarium.networks.shared_latent import DomainDecoders, DomainEncoders
from ganarium.networks.sngan import SNGANDiscriminator, SNGANGenerator
from ganarium.networks.spade import SPADEGenerator, StyleEncoder
from ganarium.networks.unet import UNetTranslator
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

TRANSLATORS: dict[str, Callable[..., nn.Module]] = {
    "resnet": ResNetTranslator,
    "unet": UNetTranslator,
    "local-enhancer": LocalEnhancer,
    "spade": SPADEGenerator,
}
"""From pictures `[N, inputs, H, W]` to `[N, outputs, H, W]`: `kind(inputs, outputs, size, **settings)`.

Height and width are multiples of the network's `multiple`; `layers.grid.fitted` sees to that. `size`, the
height and width of the training pictures, decides what is not said of depth.
"""

PATCH_DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "patch": PatchDiscriminator,
    "pixel": PixelDiscriminator,
    "multi-scale": MultiScaleDiscriminator,
}
"""From pictures `[N, inputs, H, W]` to scores of patches; a list of such where there are several scales."""

IMAGE_ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "instance": InstanceEncoder,
    "style": StyleEncoder,
}
"""From pictures to what guides a translator, features an instance, or a style's mean and variance:
`kind(inputs, features, **settings)`.
"""

FEATURES: dict[str, Callable[..., nn.Module]] = {
    "edges": EdgeMaps,
    "vgg": VGGMaps,
}
"""Frozen: from pictures `[N, inputs, H, W]` to maps of what they show: `kind(inputs, **settings)`.

Each says how many channels its maps have, `width`, and how often it halves, `halvings`; `multiple` is two to
the power of that.
"""

DECODERS: dict[str, Callable[..., nn.Module]] = {"residual": MapDecoder}
"""From such maps to pictures `[N, outputs, H, W]` in [-1, 1]:
`kind(inputs, outputs, doublings, **settings)`.
"""

DOMAIN_ENCODERS: dict[str, Callable[..., nn.Module]] = {"residual": DomainEncoders}
"""From pictures of a domain to codes `[N, channels, h, w]`: `kind(inputs, domains, **settings)`."""

DOMAIN_DECODERS: dict[str, Callable[..., nn.Module]] = {"residual": DomainDecoders}
"""From codes to pictures of a domain: `kind(channels, outputs, domains, **settings)`."""
