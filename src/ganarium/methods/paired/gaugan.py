r"""GauGAN: semantic synthesis with spatially-adaptive normalization (Park et al. 2019, arXiv:1903.07291).

A map m says what lies where, a style picture what it should look like. Usual normalisation washes the map
out; here the map draws scale and shift of every normalisation, pixel by pixel (eq. 1). An encoder reads
mean and variance of a style code z from the true picture x; the code is where the generator begins.

    generator       min  -E[D(m, G(m, z))] + feature_matching_weight sum_i E|D_i(m, x) - D_i(m, G(m, z))|
                         + style_weight KL(q(z|x) || N(0, 1))
    discriminator   min  E[max(0, 1 - D(m, x))] + E[max(0, 1 + D(m, G(m, z)))]

D_i is what layer i says; losses are means over the discriminator's scales. The encoder learns with the
generator. After training `Model.translate(maps, style=picture)` paints maps in a picture's style; without one
the style is drawn from N(0, 1). `networks.generator.style_dim=0` leaves encoder and styles out. With styles a
model paints pictures of one area, that of its training.

Not to be confused with: `pix2pixhd`, told the map by its input alone; `pix2pix`, for any pictures.

Deviations from the paper:
1. No perceptual loss. The paper, whose results it improves, and the official program by default add 10 times
   the distance of a VGG-19's features, which learned from ImageNet; no such weights come with this library.
2. One batch of fakes serves both sides; the official program draws them anew for the discriminator.
3. After training a picture's style is the mean that the encoder says, not a draw.
4. Adam's second beta is 0.9, as in the official program; the paper says 0.999.
5. Spectral norm is where the official program has it: in the blocks of the generator, and before the norms of
   discriminator and encoder. The paper says that all layers have it.
6. The divergence is averaged over a batch; the official program adds it up.
7. The encoder is on, an option there; pictures are mirrored only if `data.flip` is set.

Tested by: a textbook loop; the official networks' outputs; the world's shapes painted from maps in the
colour of a style picture, where a learning rate of zero fails. After 24,000 images at 32x32 with
style_weight=0.002 all were well formed and had the style's colour (seeds 0 to 2; by chance 25 in 100). Styles
come later than shapes: after 6,000 images 76, 75 and 49 in 100 had it (three seeds), after 12,000 74 (one).
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
from ganarium.ops.latents import rows
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


class GauGAN(SemanticTranslator):
    """A generator told a map by its norms, and an encoder of styles.

    Args:
        generator: planes `[N, inputs, H, W]` and styles `[N, style_dim]`, if it takes any, to pictures.
        discriminator: see `SemanticTranslator`.
        classes: of a label map; 0 where pictures go in.
        encoder: pictures to mean and log variance of their styles.
        style_weight: of the divergence of styles from normal noise.

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
        self.style_dim: int = getattr(generator, "style_dim", 0)

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Networks for maps, or pictures, and pictures of the data's shapes."""
        inputs, classes = inputs_and_classes(spec)
        outputs = spec.shape[0]
        generator = network("generator", inputs, outputs, spec.shape[1:])
        style_dim = getattr(generator, "style_dim", 0)
        encoder = network("encoder", outputs, style_dim) if style_dim else None
        return cls(generator, network("discriminator", inputs + outputs), classes, encoder, **settings)

    def painted(self, condition: Tensor, real: Tensor, clock: Clock) -> tuple[Tensor, dict[str, Tensor]]:
        """Fakes in a style drawn from what the encoder says of the true pictures."""
        inputs = self.network_input(condition)
        if self.encoder is None:
            return padded_forward(self.generator, inputs), {}
        mean, log_variance = self.encoder(real)
        styles = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        divergence = normal_divergence(mean, log_variance)
        return padded_forward(self.generator, inputs, styles), {"style": self.style_weight * divergence}

    def matched(self, distances: Tensor) -> Tensor:
        """Summed over the layers, averaged over the scales."""
        return distances.sum(1).mean()

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Styles `[count, style_dim]`, standard normal."""
        return rows("normal", count, self.style_dim, generator)

    def generate(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Each condition, a map or a picture, painted in the style that the noise is."""
        if condition is None:
            raise ValueError("this model paints maps: give it some")
        return padded_forward(
            self.generator, self.network_input(condition), *([noise] if self.style_dim else [])
        )

    def in_style(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Maps painted in the style of pictures of any size."""
        assert self.encoder is not None
        mean, _ = self.encoder(styles)
        return self.generate(mean, pictures)


def normal_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) of codes `[N, size]`, its mean over the batch."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2


def recipe() -> Recipe:
    """The paper's settings for ADE20K: 200 passes over 20,210 pictures, two time scales (sec. 4, app. A)."""
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
