r"""UNIT: unsupervised image-to-image translation networks (Liu, Breuel & Kautz 2017, arXiv:1703.00848).

The images of both domains are encoded as codes z of one space. Each domain has an encoder and a decoder; the
encoders share their last layers, the decoders their first ones. The encoder and decoder of a domain are a
variational autoencoder and a GAN at the same time. A code decoded for the other domain is a translation
(sec. 3). For x in a, m(x) = E_a(x), z = m(x) + noise, the translation is F(x) = G_b(z) and the cycle
reconstruction C(x) = G_a(E_b(F(x)) + noise); the same holds for y in b, with a and b exchanged:

    encoder           min  adversarial_weight E[softplus(-D_b(F(x)))] + kl_weight E[m(x)^2 + m(F(x))^2] / 2
                           + reconstruction_weight E|G_a(z) - x| + cycle_weight E|C(x) - x|
                           + the same for y
    decoder           min  the same sum, in the same update
    discriminator_a   min  (E[softplus(-D_a(x))] + E[softplus(D_a(F(y)))]) / 2
    discriminator_b   min  likewise

`game.domain_weight=1 optimizers.domain_classifier.lr=1e-4` adds what the paper does not have: a classifier of
the domain of a code, whose loss the encoder maximizes:

    domain_classifier min  E[softplus(K(m(x)))] + E[softplus(-K(m(y)))]
    encoder           min  -domain_weight (the same)

With `--preset world` (2,400 images of each domain at 16x16), translations of unseen scenes show the correct
class in 0.92 to 1.00 of cases for the six seeds that settings were chosen with, and in 0.90 to 1.00 for three
others (chance level 0.17). The losses do not determine which colours correspond, and most colours were
exchanged: class and colour are correct in 0.22 to 0.44 (chance level one in 24).

Not to be confused with: `cogan`, by the same authors, which shares layers and generates from noise; `xgan`,
which compares codes instead of cycle reconstructions; `cyclegan`, which has no code.

Deviations from the paper:
1. Terms are means over values, not sums, as in the official programs.
2. ReLU and instance norms, as in CycleGAN's residual translator and the later official program.
3. A discriminator's two terms are halved and not weighted; with Adam the scale of a loss does not matter.
4. The codes have no noise after training.
5. The divergence of an image's own code is counted once, as in the official programs; the paper's cycle loss
   counts it again (lambda 3).
6. Discriminators score one scale. In the official programs they score three for large images, and Adam has a
   weight decay of 1e-4; the later program also halves its learning rates every 100,000 rounds.

Tested by: a textbook loop; a learning test on the built-in world (plain drawings translated into inked ones
and back), which fails with a learning rate of zero.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from ganarium.core.game import Clock, turn
from ganarium.data.batches import Unpaired
from ganarium.data.settings import Data
from ganarium.methods.shared_latent import Play, SharedLatentTranslator
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe

PLAYERS = ("encoder", "decoder", "discriminator_a", "discriminator_b")


class UNIT(SharedLatentTranslator):
    """UNIT: two variational autoencoders with one space of codes, and a discriminator for each domain.

    Args:
        networks: those of `SharedLatentTranslator`, in its order.
        adversarial_weight: weight of the adversarial loss (lambda 0).
        kl_weight: weight of the KL divergence of the codes of images and of translations from N(0, 1)
            (lambda 1 and 3).
        reconstruction_weight: weight of the L1 distance between an image and its reconstruction (lambda 2).
        cycle_weight: weight of the L1 distance between an image and its cycle reconstruction (lambda 4).
        domain_weight: weight of the domain classifier's loss, which the encoder maximizes.

    The other arguments are those of `PatchAdversarialLoss`.
    """

    def __init__(
        self,
        *networks: Any,
        adversarial_weight: float = 10.0,
        kl_weight: float = 0.1,
        reconstruction_weight: float = 100.0,
        cycle_weight: float = 100.0,
        domain_weight: float = 0.0,
        **others: Any,
    ):
        super().__init__(
            *networks, adversarial_weight=adversarial_weight, domain_weight=domain_weight, **others
        )
        self.kl_weight = kl_weight
        self.reconstruction_weight = reconstruction_weight
        self.cycle_weight = cycle_weight

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Play:
        """Update encoders and decoders, then the discriminators and the domain classifier, if any."""
        real = self.padded_images(next(data))
        means, fake = [], {}
        terms: dict[str, Tensor] = {}
        for source, target, name in ((0, 1, "a"), (1, 0, "b")):
            x = real[source]
            mean = self.encoder(x, source)
            code = with_noise(mean)
            means.append(mean)
            fake[target] = self.decoder(code, target)
            fake_mean = self.encoder(fake[target], target)
            cycled = self.decoder(with_noise(fake_mean), source)
            terms |= {
                f"reconstruction_{name}": self.reconstruction_weight * l1_loss(self.decoder(code, source), x),
                f"cycle_{name}": self.cycle_weight * l1_loss(cycled, x),
                f"divergence_{name}": self.kl_weight * (divergence(mean) + divergence(fake_mean)),
            }
        terms |= self.adversarial_terms(real, fake, means)
        yield turn(self.encoder, self.decoder, **terms)

        yield from self.discriminator_turns(real, fake, means, clock)


def with_noise(means: Tensor) -> Tensor:
    """Return codes sampled from normal distributions with these means and variance one."""
    return means + torch.randn_like(means)


def divergence(means: Tensor) -> Tensor:
    """Return the KL divergence of N(mean, 1) from N(0, 1), averaged over all values."""
    return means.square().mean() / 2


def recipe() -> Recipe:
    """Return the weights, rates and depths of the paper's program, and its rounds for street scenes."""
    adam = {"kind": "adam", "lr": 1e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="unit",
        images=500_000,
        batch_size=1,
        game={"objective": "non-saturating"},
        networks={
            "encoder": {"kind": "residual", "blocks": 3, "shared_blocks": 1},
            "decoder": {"kind": "residual", "blocks": 3, "shared_blocks": 1},
            "discriminator": {"kind": "patch", "layers": 4, "widest": 1024, "norm": "none"},
            "domain_classifier": {"kind": "pixel", "norm": "none"},
        },
        optimizers=dict.fromkeys(PLAYERS, adam),
        data=Data(max_size=256, condition="domains", flip=True),
    )


TINY = {
    "networks": {
        "encoder": {"width": 4, "blocks": 1},
        "decoder": {"blocks": 1},
        "discriminator": {"width": 4, "layers": 1},
        "domain_classifier": {"width": 4},
    },
}

METHOD = Method("unit", UNIT, recipe, TINY)
