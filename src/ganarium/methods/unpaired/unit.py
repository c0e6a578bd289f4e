r"""UNIT: unsupervised image-to-image translation networks (Liu, Breuel & Kautz 2017, arXiv:1703.00848).

Pictures of either domain have one code z: two encoders and two decoders, of which the last layers of the
encoders and the first ones of the decoders are the same. Each domain's pair is a variational autoencoder and
a GAN at once; what is decoded for the other domain is a translation (sec. 3). For x in a, m(x) =
E_a(x), z = m + noise, F(x) = G_b(z) the translation and C(x) = G_a(E_b(F(x)) + noise) what comes back; for y
in b the other way round:

    encoder           min  adversarial_weight E[softplus(-D_b(F(x)))] + kl_weight E[m(x)^2 + m(F(x))^2] / 2
                           + reconstruction_weight E|G_a(z) - x| + cycle_weight E|C(x) - x|
                           + the same for y
    decoder           min  the same sum: both move at once
    discriminator_a   min  (E[softplus(-D_a(x))] + E[softplus(D_a(F(y)))]) / 2
    discriminator_b   min  likewise

`game.domain_weight=1 optimizers.domain_classifier.lr=1e-4` adds what the paper has not, a classifier that
says of which domain a code is, and which the encoder is to mislead:

    domain_classifier min  E[softplus(K(m(x)))] + E[softplus(-K(m(y)))]
    encoder           min  -domain_weight (the same)

With its preset for the world, 2,400 pictures of each domain at 16x16, translations of unseen scenes show the
right class in 0.92 to 1.00 of cases for the six seeds that settings were chosen with, in 0.90 to 1.00 for
three others (by chance 0.17). Which colour becomes which no term of this game says, and most came out
exchanged: wholly right are 0.22 to 0.44 (by chance one in 24).

Not to be confused with: `cogan`, by the same authors, which shares layers and draws from noise; `xgan`, whose
codes are compared instead of the pictures that come back; `cyclegan`, which has no code.

Deviations from the paper:
1. Terms are means over values, not sums, as in the official programs.
2. ReLU and instance norms, as in CycleGAN's residual translator and the later official program.
3. A discriminator's two terms are halved and not weighted, which Adam forgives.
4. The noise of the codes is left out when the model is used.
5. The divergence of a picture's own code counts once, as in the official programs; the paper's circle counts
   it again (lambda 3).
6. Discriminators judge at one scale, at three in the official programs for large pictures, whose Adam has a
   weight decay of 1e-4, too; the later one halves its rates every 100,000 rounds.

Tested by: a textbook loop; the world's drawings turned into inked ones and back, where a learning rate of
zero fails.
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
    """Two variational autoencoders whose codes are one, and a discriminator for each domain.

    Args:
        networks: those of `SharedLatentTranslator`, in its order.
        adversarial_weight: of the discriminators' verdict (lambda 0).
        kl_weight: of the codes' divergence from standard normal noise, there and back (lambda 1 and 3).
        reconstruction_weight: of the distance between a picture and itself decoded (lambda 2).
        cycle_weight: of that between a picture and what comes back (lambda 4).
        domain_weight: of misleading the classifier.

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
        """Encoders and decoders move, then all who judge."""
        real = self.pictures(next(data))
        means, fake = [], {}
        terms: dict[str, Tensor] = {}
        for here, there, name in ((0, 1, "a"), (1, 0, "b")):
            x = real[here]
            mean = self.encoder(x, here)
            code = with_noise(mean)
            means.append(mean)
            fake[there] = self.decoder(code, there)
            mean_again = self.encoder(fake[there], there)
            cycled = self.decoder(with_noise(mean_again), here)
            terms |= {
                f"reconstruction_{name}": self.reconstruction_weight * l1_loss(self.decoder(code, here), x),
                f"cycle_{name}": self.cycle_weight * l1_loss(cycled, x),
                f"divergence_{name}": self.kl_weight * (divergence(mean) + divergence(mean_again)),
            }
        terms |= self.misleading_terms(real, fake, means)
        yield turn(self.encoder, self.decoder, **terms)

        yield from self.judges_turns(real, fake, means, clock)


def with_noise(means: Tensor) -> Tensor:
    """Codes drawn from normal distributions of these means, with variance one."""
    return means + torch.randn_like(means)


def divergence(means: Tensor) -> Tensor:
    """Of such a distribution from standard normal noise (Kullback-Leibler), the mean over values."""
    return means.square().mean() / 2


def recipe() -> Recipe:
    """The weights, rates and depths of the paper's program, and its rounds for street scenes."""
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
