"""Base classes of translators that have an encoder and a decoder for each domain."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from torch import Tensor, nn
from torch.nn.functional import softplus

from ganarium.core.game import Clock, Turn, turn
from ganarium.data.batches import Unpaired
from ganarium.data.spec import DataSpec
from ganarium.losses.patches import PatchAdversarialLoss
from ganarium.methods.translators import UnpairedTranslator, check_domains
from ganarium.networks import DOMAIN_DECODERS, DOMAIN_ENCODERS, PATCH_DISCRIMINATORS
from ganarium.networks.layers.padding import pad_replicate
from ganarium.networks.shared_latent import DomainDecoders, DomainEncoders, EncoderDecoder
from ganarium.ops.scoring import frozen
from ganarium.tasks.translate import Direction

Play = Iterator[Turn | tuple[Turn, ...]]
"""Script of a round that also yields tuples of turns."""


class EncoderDecoderTranslator(UnpairedTranslator):
    """Translator from the encoder of one domain to the decoder of another.

    Args:
        encoder: maps images `[N, C, H, W]` and their domain to codes `[N, channels, h, w]`.
        decoder: maps codes and a domain to images of that domain, in [-1, 1].

    Raises:
        ValueError: the encoder's downsampling differs from the decoder's upsampling.
    """

    saved_networks: ClassVar = ("encoder", "decoder")

    def __init__(self, encoder: DomainEncoders, decoder: DomainDecoders):
        super().__init__()
        if encoder.multiple != decoder.multiple:
            raise ValueError(
                f"networks.encoder scales by 1/{encoder.multiple}, networks.decoder by {decoder.multiple}; "
                "give both the same downsamplings"
            )
        self.encoder, self.decoder = encoder, decoder

    def translator(self, direction: Direction) -> nn.Module:
        """Return the network that translates in this direction."""
        return EncoderDecoder(self.encoder, self.decoder, *direction)

    def padded_images(self, batch: Unpaired) -> list[Tensor]:
        """Return the images of each domain, padded to multiples of the encoder's downsampling."""
        return [pad_replicate(images, self.encoder.multiple) for images in batch.domains]


def coders(network: Callable[..., nn.Module], channels: int, domains: int) -> tuple[Any, Any]:
    """Build the encoder and the decoder of a recipe."""
    encoder: Any = network("encoder", channels, domains)
    return encoder, network("decoder", encoder.channels, channels, domains)


class SharedLatentTranslator(EncoderDecoderTranslator):
    """Translator of two domains with shared codes and a discriminator for each; base class of UNIT and XGAN.

    Args:
        encoder: see `EncoderDecoderTranslator`.
        decoder: see `EncoderDecoderTranslator`.
        discriminator_a: maps images of the first domain to scores of patches.
        discriminator_b: maps images of the second domain to scores of patches.
        domain_classifier: maps codes to a logit of the second domain at each position; None if
            `domain_weight` is 0.
        adversarial_weight: weight of the adversarial losses.
        domain_weight: weight of the classifier's loss, which encoder and decoder maximize.

    The other arguments are those of `PatchAdversarialLoss`.
    """

    roles: ClassVar = {
        "encoder": DOMAIN_ENCODERS,
        "decoder": DOMAIN_DECODERS,
        "discriminator": PATCH_DISCRIMINATORS,
        "domain_classifier": PATCH_DISCRIMINATORS,
    }
    settings_from: ClassVar = (PatchAdversarialLoss,)

    def __init__(
        self,
        encoder: DomainEncoders,
        decoder: DomainDecoders,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        domain_classifier: nn.Module | None = None,
        *,
        adversarial_weight: float,
        domain_weight: float,
        **loss_settings: Any,
    ):
        super().__init__(encoder, decoder)
        self.discriminator_a, self.discriminator_b = discriminator_a, discriminator_b
        self.domain_classifier = domain_classifier
        self.adversarial_weight = adversarial_weight
        self.domain_weight = domain_weight
        self.adversarial_loss = PatchAdversarialLoss(**loss_settings)
        self.adversarial_loss.check(discriminator_a)

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for two domains of images of the data's shape."""
        check_domains(spec)
        channels = spec.shape[0]
        encoder, decoder = coders(network, channels, 2)
        discriminator_a, discriminator_b = (network("discriminator", channels) for _ in range(2))
        classifier = network("domain_classifier", encoder.channels) if settings["domain_weight"] else None
        return cls(encoder, decoder, discriminator_a, discriminator_b, classifier, **settings)

    def adversarial_terms(
        self, real: list[Tensor], fake: dict[int, Tensor], codes: list[Tensor]
    ) -> dict[str, Tensor]:
        """Return the losses of encoder and decoder against the discriminators and the domain classifier."""
        terms = {}
        for i, discriminator, name in ((0, self.discriminator_a, "a"), (1, self.discriminator_b, "b")):
            loss = self.adversarial_loss.generator_term(discriminator, fake[i], real[i])
            terms[f"adversarial_{name}"] = self.adversarial_weight * loss
        if self.domain_classifier is not None:
            logits = map(frozen(self.domain_classifier), codes)
            terms["domain"] = -self.domain_weight * domain_cross_entropy(*logits)
        return terms

    def discriminator_turns(
        self, real: list[Tensor], fake: dict[int, Tensor], codes: list[Tensor], clock: Clock
    ) -> Play:
        """Update the discriminators and the domain classifier, if any, in one yield."""
        discriminators = (self.discriminator_a, self.discriminator_b)
        turns = []
        for i, discriminator in enumerate(discriminators):
            terms = self.adversarial_loss.discriminator_terms(discriminator, real[i], fake[i], clock.every)
            turns.append(turn(discriminator, **terms))
        if self.domain_classifier is not None:
            a, b = (self.domain_classifier(code.detach()) for code in codes)
            turns.append(turn(self.domain_classifier, domain=domain_cross_entropy(a, b)))
        yield tuple(turns)
        for discriminator in discriminators:
            self.adversarial_loss.clip(discriminator)


def domain_cross_entropy(a: Tensor, b: Tensor) -> Tensor:
    """Return the cross-entropy of logits of the second domain, for codes of the first and of the second."""
    return softplus(a).mean() + softplus(-b).mean()
