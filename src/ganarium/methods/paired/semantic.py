"""What pix2pixHD and GauGAN share: guides of a translator, and a discriminator whose layers are matched."""

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
    """A translator and the encoder of what guides it: one player, as in the official programs."""

    def __init__(self, translator: nn.Module, encoder: nn.Module):
        super().__init__()
        self.translator, self.encoder = translator, encoder
        self.multiple = translator.multiple

    def forward(self, inputs: Tensor, *guides: Tensor) -> Tensor:
        """The translator's pictures."""
        painted: Tensor = self.translator(inputs, *guides)
        return painted


class SemanticTranslator(PairedTranslator):
    """Paints pictures of maps, or of other pictures.

    Args:
        generator: what it is told, `[N, inputs, H, W]`, and maybe a guide to pictures in [-1, 1].
        discriminator: what was told and a picture to scores of patches, at several scales or one; its
            `features` are what each layer says.
        classes: of a label map; 0 where pictures go in.
        encoder: of pictures, whose codes guide the generator.
        feature_matching_weight: of the distance between what the discriminator's layers say of a fake and of
            the true picture.

    The other arguments are those of `PatchAdversarialLoss`.

    Raises:
        ValueError: features are to be matched, but the discriminator shows none.
    """

    roles: ClassVar = {
        "generator": TRANSLATORS,
        "discriminator": PATCH_DISCRIMINATORS,
        "encoder": IMAGE_ENCODERS,
    }
    settings_from: ClassVar = (PatchAdversarialLoss,)
    tasks = (TranslateInStyle(),)
    discriminators_weight: ClassVar = 0.5
    """Of the discriminator's loss; each paper has its own."""

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
                "game.feature_matching_weight wants a discriminator of several layers: "
                "set networks.discriminator.kind=multi-scale or patch, or the weight to 0"
            )

    @property
    def translator(self) -> nn.Module:
        """The generator without its encoder."""
        return self.generator.translator if isinstance(self.generator, StyledTranslator) else self.generator

    @property
    def encoder(self) -> nn.Module | None:
        """Of what guides the generator, if anything does."""
        return self.generator.encoder if isinstance(self.generator, StyledTranslator) else None

    def play(self, data: Iterator[Conditioned], clock: Clock) -> Iterator[Turn]:
        """The generator moves, then the discriminator, which judges the same pictures."""
        real, condition = next(data)
        inputs = self.network_input(condition)
        fake, terms = self.painted(condition, real, clock)
        true_pair, fake_pair = cat([inputs, real], 1), cat([inputs, fake], 1)

        yield turn(self.generator, **self.judged(true_pair, fake_pair), **terms)

        weight = self.discriminators_weight
        yield turn(
            self.discriminator,
            **self.adversarial_loss.discriminator_terms(
                self.discriminator, true_pair, fake_pair, clock.every, weight=weight
            ),
        )
        self.adversarial_loss.clip(self.discriminator)

    @abstractmethod
    def painted(self, condition: Tensor, real: Tensor, clock: Clock) -> tuple[Tensor, dict[str, Tensor]]:
        """Fakes, guided by the true pictures, and what else the generator's loss is made of."""

    @abstractmethod
    def matched(self, distances: Tensor) -> Tensor:
        """The feature matching loss, of distances `[scales, layers]`."""

    def judged(self, true_pair: Tensor, fake_pair: Tensor) -> dict[str, Tensor]:
        """What the discriminator says of the fakes: scores to be raised, layers to be matched."""
        if not hasattr(self.discriminator, "features"):
            return {
                "adversarial": self.adversarial_loss.generator_term(self.discriminator, fake_pair, true_pair)
            }
        say = layers_of(self.discriminator)
        fake = say(fake_pair)
        with torch.no_grad():
            real = say(true_pair)
        scores = [[layers[-1] for layers in scales] for scales in (fake, real)]
        terms = {"adversarial": self.adversarial_loss.generator(*scores)}
        if self.feature_matching_weight:
            distance = self.matched(layer_distances(real, fake))
            terms["feature_matching"] = self.feature_matching_weight * distance
        return terms

    @property
    def takes_style(self) -> bool:
        """True if `translate` takes images as styles."""
        return self.encoder is not None

    def translate(self, images: Tensor, z: Tensor | None = None, style: Tensor | None = None) -> Tensor:
        """Translate label maps or images.

        Args:
            images: inputs `[N, C, H, W]`.
            z: latents of random styles, `[N, ...]`; without styles None.
            style: images `[N, C, h, w]` that the outputs are to look like, in place of `z`.
        """
        return self.paint(images, z) if style is None else self.in_style(images, style)

    @abstractmethod
    def paint(self, images: Tensor, z: Tensor | None) -> Tensor:
        """Return outputs in a random style."""

    @abstractmethod
    def in_style(self, images: Tensor, styles: Tensor) -> Tensor:
        """Return outputs in the style of other images."""
