"""Base classes of pix2pixHD and GauGAN: translators with a style encoder and feature matching."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, cat, nn

from ganarium.core.game import Clock, Turn, turn
from ganarium.data.batches import Conditioned
from ganarium.losses.patches import PatchAdversarialLoss, layer_distances, layers_of
from ganarium.methods.translators import PairedTranslator
from ganarium.networks import IMAGE_ENCODERS, PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.tasks.translate import TranslateInStyle


class StyledTranslator(nn.Module):
    """Translator and its style encoder, which are one player, as in the official programs."""

    def __init__(self, translator: nn.Module, encoder: nn.Module):
        super().__init__()
        self.translator, self.encoder = translator, encoder
        self.multiple = translator.multiple

    def forward(self, inputs: Tensor, *styles: Tensor) -> Tensor:
        """Return the translator's images."""
        images: Tensor = self.translator(inputs, *styles)
        return images


class SemanticTranslator(PairedTranslator):
    """Translator of label maps, or of images, in styles of other images.

    Args:
        generator: maps inputs `[N, inputs, H, W]`, and styles if it has any, to images in [-1, 1].
        discriminator: maps inputs and images, `[N, inputs + C, H, W]`, to scores of patches, at one scale or
            several; its method `features` returns the outputs of all layers.
        classes: number of classes of a label map; 0 if the input is an image.
        encoder: maps images to styles.
        feature_matching_weight: weight of the distance between the outputs of the discriminator's layers for
            fake and real images.

    The other arguments are those of `PatchAdversarialLoss`.

    Raises:
        ValueError: `feature_matching_weight` is set, but the discriminator has no `features`.
    """

    roles: ClassVar = {
        "generator": TRANSLATORS,
        "discriminator": PATCH_DISCRIMINATORS,
        "encoder": IMAGE_ENCODERS,
    }
    settings_from: ClassVar = (PatchAdversarialLoss,)
    tasks = (TranslateInStyle(),)
    discriminators_weight: ClassVar = 0.5
    """Weight of the discriminator's loss; it differs between the papers."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        classes: int = 0,
        encoder: nn.Module | None = None,
        *,
        feature_matching_weight: float = 10.0,
        **loss_settings: Any,
    ):
        super().__init__(
            generator if encoder is None else StyledTranslator(generator, encoder), discriminator, classes
        )
        self.feature_matching_weight = feature_matching_weight
        self.adversarial_loss = PatchAdversarialLoss(**loss_settings)
        self.adversarial_loss.check(discriminator)
        if feature_matching_weight and not hasattr(discriminator, "features"):
            raise ValueError(
                f"game.feature_matching_weight={feature_matching_weight} needs a discriminator of several "
                "layers; set networks.discriminator.kind=multi-scale or patch, or the weight to 0"
            )

    @property
    def translator(self) -> nn.Module:
        """Generator without its encoder."""
        return self.generator.translator if isinstance(self.generator, StyledTranslator) else self.generator

    @property
    def encoder(self) -> nn.Module | None:
        """Encoder of styles; None if the generator has none."""
        return self.generator.encoder if isinstance(self.generator, StyledTranslator) else None

    def play(self, data: Iterator[Conditioned], clock: Clock) -> Iterator[Turn]:
        """Update the generator, then the discriminator, on the same fake batch."""
        real, condition = next(data)
        inputs = self.network_input(condition)
        fake, terms = self.generate_fakes(condition, real, clock)
        true_pair, fake_pair = cat([inputs, real], 1), cat([inputs, fake], 1)

        yield turn(self.generator, **self.generator_terms(true_pair, fake_pair), **terms)

        weight = self.discriminators_weight
        yield turn(
            self.discriminator,
            **self.adversarial_loss.discriminator_terms(
                self.discriminator, true_pair, fake_pair, clock.every, weight=weight
            ),
        )
        self.adversarial_loss.clip(self.discriminator)

    @abstractmethod
    def generate_fakes(
        self, condition: Tensor, real: Tensor, clock: Clock
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return fakes, in the styles of the real images, and further loss terms of the generator."""

    @abstractmethod
    def feature_matching_loss(self, distances: Tensor) -> Tensor:
        """Return the feature matching loss of distances `[scales, layers]`."""

    def generator_terms(self, true_pair: Tensor, fake_pair: Tensor) -> dict[str, Tensor]:
        """Return the generator's adversarial and feature matching losses."""
        if not hasattr(self.discriminator, "features"):
            return {
                "adversarial": self.adversarial_loss.generator_term(self.discriminator, fake_pair, true_pair)
            }
        features = layers_of(self.discriminator)
        fake = features(fake_pair)
        with torch.no_grad():
            real = features(true_pair)
        scores = [[layers[-1] for layers in scales] for scales in (fake, real)]
        terms = {"adversarial": self.adversarial_loss.generator(*scores)}
        if self.feature_matching_weight:
            loss = self.feature_matching_loss(layer_distances(real, fake))
            terms["feature_matching"] = self.feature_matching_weight * loss
        return terms

    @property
    def takes_style(self) -> bool:
        """True if `translate` takes images as styles."""
        return self.encoder is not None

    def translate(self, images: Tensor, z: Tensor | None = None, style: Tensor | None = None) -> Tensor:
        """Translate label maps or images.

        Args:
            images: inputs `[N, C, H, W]`.
            z: latents of random styles, `[N, ...]`; None if the generator has no styles.
            style: images `[N, C, h, w]` in whose styles the outputs are, in place of `z`.
        """
        if style is None:
            return self.translate_with_latents(images, z)
        return self.translate_in_style(images, style)

    @abstractmethod
    def translate_with_latents(self, images: Tensor, z: Tensor | None) -> Tensor:
        """Return outputs in the styles of latents `z`."""

    @abstractmethod
    def translate_in_style(self, images: Tensor, style: Tensor) -> Tensor:
        """Return outputs in the styles of other images."""
