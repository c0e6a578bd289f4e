"""What the games have in common whose translators are an encoder and a decoder for each domain."""

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
"""A script that also yields turns at once."""


class EncoderDecoderTranslator(UnpairedTranslator):
    """Translates by the encoder of one domain and the decoder of another.

    Args:
        encoder: pictures `[N, C, H, W]` and their domain to codes `[N, channels, h, w]`.
        decoder: codes and a domain to its pictures, in [-1, 1].

    Raises:
        ValueError: one halves more often than the other doubles.
    """

    saved_networks: ClassVar = ("encoder", "decoder")

    def __init__(self, encoder: DomainEncoders, decoder: DomainDecoders):
        super().__init__()
        if encoder.multiple != decoder.multiple:
            raise ValueError(
                f"networks.encoder halves down to 1/{encoder.multiple}, networks.decoder doubles "
                f"{decoder.multiple}-fold; give both the same downsamplings"
            )
        self.encoder, self.decoder = encoder, decoder

    def translator(self, direction: Direction) -> nn.Module:
        """The network that goes this way."""
        return EncoderDecoder(self.encoder, self.decoder, *direction)

    def pictures(self, batch: Unpaired) -> list[Tensor]:
        """Those of each domain, of a height and width that the encoders can halve."""
        return [pad_replicate(pictures, self.encoder.multiple) for pictures in batch.domains]


def coders(network: Callable[..., nn.Module], channels: int, domains: int) -> tuple[Any, Any]:
    """The encoder and the decoder that a recipe chose."""
    encoder: Any = network("encoder", channels, domains)
    return encoder, network("decoder", encoder.channels, channels, domains)


class SharedLatentTranslator(EncoderDecoderTranslator):
    """Two domains with one code, and a discriminator for each: what UNIT and XGAN have in common.

    Args:
        encoder: pictures and their domain to codes.
        decoder: codes and a domain to its pictures.
        discriminator_a: pictures of the first domain to scores of patches.
        discriminator_b: of the second.
        domain_classifier: codes to the logits, a place each, that they come from the second domain; None
            without `domain_weight`.
        adversarial_weight: of the discriminators' verdict.
        domain_weight: of misleading the classifier.

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
        """Networks for two domains of pictures of the data's shape."""
        check_domains(spec)
        channels = spec.shape[0]
        encoder, decoder = coders(network, channels, 2)
        judge_a, judge_b = (network("discriminator", channels) for _ in range(2))
        classifier = network("domain_classifier", encoder.channels) if settings["domain_weight"] else None
        return cls(encoder, decoder, judge_a, judge_b, classifier, **settings)

    def misleading_terms(
        self, real: list[Tensor], fake: dict[int, Tensor], codes: list[Tensor]
    ) -> dict[str, Tensor]:
        """What encoder and decoder descend on so that all who judge are mistaken."""
        terms = {}
        for i, fixed_discriminator, name in ((0, self.discriminator_a, "a"), (1, self.discriminator_b, "b")):
            fooled = self.adversarial_loss.generator_term(fixed_discriminator, fake[i], real[i])
            terms[f"adversarial_{name}"] = self.adversarial_weight * fooled
        if self.domain_classifier is not None:
            terms["domain"] = -self.domain_weight * domain_cross_entropy(
                *map(frozen(self.domain_classifier), codes)
            )
        return terms

    def judges_turns(
        self, real: list[Tensor], fake: dict[int, Tensor], codes: list[Tensor], clock: Clock
    ) -> Play:
        """The discriminators tell real from fake, the classifier, where there is one, whose code it is."""
        judges = (self.discriminator_a, self.discriminator_b)
        turns = [
            turn(
                fixed_discriminator,
                **self.adversarial_loss.discriminator_terms(
                    fixed_discriminator, real[i], fake[i], clock.every
                ),
            )
            for i, fixed_discriminator in enumerate(judges)
        ]
        if self.domain_classifier is not None:
            a, b = (self.domain_classifier(code.detach()) for code in codes)
            turns.append(turn(self.domain_classifier, domain=domain_cross_entropy(a, b)))
        yield tuple(turns)
        for fixed_discriminator in judges:
            self.adversarial_loss.clip(fixed_discriminator)


def domain_cross_entropy(a: Tensor, b: Tensor) -> Tensor:
    """The cross entropy of logits of the second domain; `a` are of codes of the first, `b` of the second."""
    return softplus(a).mean() + softplus(-b).mean()
