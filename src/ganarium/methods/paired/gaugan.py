r"""GauGAN: semantic synthesis with spatially-adaptive normalization (Park et al. 2019, arXiv:1903.07291).

The generator turns a label map m into an image. Ordinary normalization removes the information of the map;
here scale and shift of every normalization are computed from the map, pixel by pixel (eq. 1). An encoder
computes mean and variance of a style code z from the real image x. The code is the input of the generator's
first layer.

    generator       min  -E[D(m, G(m, z))] + feature_matching_weight sum_i E|D_i(m, x) - D_i(m, G(m, z))|
                         + style_weight KL(q(z|x) || N(0, 1))
    discriminator   min  E[max(0, 1 - D(m, x))] + E[max(0, 1 + D(m, G(m, z)))]

D_i is the output of layer i. Losses are means over the discriminator's scales. The encoder is trained with
the generator. After training, `Model.translate(maps, style=image)` generates images from maps in the style
of an image; without `style` the code is sampled from N(0, 1). `networks.generator.style_dim=0` removes
encoder and styles. With styles, a model generates images of one height and width only, those of its training.

Not to be confused with: `pix2pixhd`, whose generator gets the map only as its input; `pix2pix`, for input
images of any kind.

Deviations from the paper:
1. No perceptual loss. The paper uses one, which improves its results, and so does the official program by
   default: 10 times the distance between features of a VGG-19 trained on ImageNet. This library includes no
   such weights.
2. Both sides use the same batch of fakes; the official program generates new ones for the discriminator.
3. After training, the style of an image is the mean that the encoder computes, not a sample.
4. Adam's second beta is 0.9, as in the official program; the paper says 0.999.
5. Spectral norm is used where the official program has it: in the blocks of the generator, and before the
   norms of discriminator and encoder. The paper says that all layers have it.
6. The divergence is averaged over a batch; the official program sums it.
7. The encoder is on by default; in the official program it is an option. Images are mirrored only if
   `data.flip` is set.

Tested by: a textbook loop; the outputs of the official networks; a learning test on the built-in world
(shapes generated from maps in the colour of a style image), which fails with a learning rate of zero. After
24,000 images at 32x32 with style_weight=0.002, all samples were well formed and had the colour of the style
image (seeds 0 to 2; chance level 25 in 100). Styles are learned later than shapes: after 6,000 images 76, 75
and 49 in 100 samples had the colour (three seeds), after 12,000 images 74 (one seed).
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ganarium.core.game import Clock
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.paired.semantic import SemanticTranslator
from ganarium.methods.translators import inputs_and_classes
from ganarium.networks.layers.padding import padded_forward
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.latents import Latent


class GauGAN(SemanticTranslator):
    """GauGAN: a generator conditioned on a label map through its normalization layers, and a style encoder.

    Args:
        generator: maps planes `[N, inputs, H, W]` and, if it has styles, styles `[N, style_dim]` to images
            `[N, C, H, W]` in [-1, 1].
        discriminator: see `SemanticTranslator`.
        classes: number of classes of a label map; 0 if the input is an image.
        encoder: maps images to mean and log variance of their styles, `[N, style_dim]` each.
        style_weight: weight of the KL divergence of the styles from N(0, 1).

    The other arguments are those of `SemanticTranslator`.
    """

    discriminators_weight: ClassVar = 1.0

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        classes: int = 0,
        encoder: nn.Module | None = None,
        *,
        style_weight: float = 0.05,
        **others: Any,
    ):
        super().__init__(generator, discriminator, classes, encoder, **others)
        self.style_weight = style_weight
        style_dim: int = getattr(generator, "style_dim", 0)
        self.latents = (Latent("z", (style_dim,)),) if style_dim else ()

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for label maps or input images, and images of the data's shape."""
        inputs, classes = inputs_and_classes(spec)
        outputs = spec.shape[0]
        generator = network("generator", inputs, outputs, spec.shape[1:])
        style_dim = getattr(generator, "style_dim", 0)
        encoder = network("encoder", outputs, style_dim) if style_dim else None
        return cls(generator, network("discriminator", inputs + outputs), classes, encoder, **settings)

    def generate_fakes(
        self, condition: Tensor, real: Tensor, clock: Clock
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return fakes in styles that are sampled from the encoder's distributions, and the style loss."""
        inputs = self.network_input(condition)
        if self.encoder is None:
            return padded_forward(self.generator, inputs), {}
        mean, log_variance = self.encoder(real)
        styles = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        divergence = normal_divergence(mean, log_variance)
        return padded_forward(self.generator, inputs, styles), {"style": self.style_weight * divergence}

    def feature_matching_loss(self, distances: Tensor) -> Tensor:
        """Return the sum over the layers, averaged over the scales."""
        return distances.sum(1).mean()

    def translate_with_latents(self, images: Tensor, z: Tensor | None) -> Tensor:
        """Return the images of label maps or input images in the styles `z`, `[N, style_dim]`."""
        return padded_forward(self.generator, self.network_input(images), *([] if z is None else [z]))

    def translate_in_style(self, images: Tensor, style: Tensor) -> Tensor:
        """Return the images of label maps in the style of other images, which may have any size."""
        assert self.encoder is not None
        mean, _ = self.encoder(style)
        return self.translate_with_latents(images, mean)


def normal_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)) of codes `[N, size]`, averaged over the batch."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2


def recipe() -> Recipe:
    """Return the paper's settings for ADE20K (sec. 4, app. A).

    200 passes over 20,210 images; the two learning rates are those of the two time-scale update rule.
    """
    schedule = {"kind": "linear", "start": 0.5}
    return Recipe(
        method="gaugan",
        images=4_042_000,
        batch_size=32,
        game={"objective": "hinge", "over_scales": "mean"},
        networks={
            "generator": {"kind": "spade", "style_dim": 256},
            "discriminator": {"kind": "multi-scale", "layers": 3, "bias": False, "spectral_norm": True},
            "encoder": {"kind": "style"},
        },
        optimizers={
            "generator": {"kind": "adam", "lr": 1e-4, "betas": (0.0, 0.9), "schedule": schedule},
            "discriminator": {"kind": "adam", "lr": 4e-4, "betas": (0.0, 0.9), "schedule": schedule},
        },
        data=Data(max_size=256, condition="map"),
    )


TINY = {
    "networks": {
        "generator": {"width": 2, "hidden": 4, "style_dim": 8},
        "discriminator": {"width": 4, "layers": 1},
        "encoder": {"width": 2},
    },
}

METHOD = Method("gaugan", GauGAN, recipe, TINY)
