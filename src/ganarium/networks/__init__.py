"""Architectures (one file per family) and the tables that recipes choose from."""

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
"""Generators from noise `[N, inputs]` to samples `[N, *shape]`: `kind(inputs, shape, **settings)`."""

DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPDiscriminator,
    "dcgan": DCGANDiscriminator,
    "sngan": SNGANDiscriminator,
}
"""Discriminators from samples `[N, *shape]` to scores `[N]`: `kind(shape, **settings)`.

Each applies a linear layer, `score`, to its `features(samples)`. Other heads can use the same features.
"""

AUTOENCODERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPAutoencoder,
    "dcgan": DCGANAutoencoder,
}
"""Autoencoders of samples `[N, *shape]`: `kind(shape, **settings)`.

`features(samples)` returns the code.
"""

TRANSLATORS: dict[str, Callable[..., nn.Module]] = {
    "resnet": ResNetTranslator,
    "unet": UNetTranslator,
    "local-enhancer": LocalEnhancer,
    "spade": SPADEGenerator,
}
"""Translators from images `[N, inputs, H, W]` to images `[N, outputs, H, W]`:
`kind(inputs, outputs, size, **settings)`.

Height and width must be multiples of the network's `multiple`; `layers.padding.padded_forward` accepts any.
`size`, the height and width of the training images, sets the default depth.
"""

PATCH_DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "patch": PatchDiscriminator,
    "pixel": PixelDiscriminator,
    "multi-scale": MultiScaleDiscriminator,
}
"""Discriminators from images `[N, inputs, H, W]` to scores of patches: `kind(inputs, outputs, **settings)`.

`multi-scale` returns a list with the scores of each scale.
"""

IMAGE_ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "instance": InstanceEncoder,
    "style": StyleEncoder,
}
"""Encoders from images to further inputs of a translator: `kind(inputs, features, **settings)`.

`instance` returns features of each instance, `style` mean and log variance of a style.
"""

FEATURES: dict[str, Callable[..., nn.Module]] = {
    "edges": EdgeMaps,
    "vgg": VGGMaps,
}
"""Frozen networks from images `[N, inputs, H, W]` to feature maps: `kind(inputs, **settings)`.

Each has the attributes `width`, the number of channels of its maps, `halvings`, the number of times that it
halves height and width, and `multiple`, which is 2^`halvings`.
"""

DECODERS: dict[str, Callable[..., nn.Module]] = {"residual": MapDecoder}
"""Decoders from feature maps to images `[N, outputs, H, W]` in [-1, 1]:
`kind(inputs, outputs, doublings, **settings)`.
"""

DOMAIN_ENCODERS: dict[str, Callable[..., nn.Module]] = {"residual": DomainEncoders}
"""Encoders from images of a domain to codes `[N, channels, h, w]`: `kind(inputs, domains, **settings)`."""

DOMAIN_DECODERS: dict[str, Callable[..., nn.Module]] = {"residual": DomainDecoders}
"""Decoders from codes to images of a domain: `kind(channels, outputs, domains, **settings)`."""
