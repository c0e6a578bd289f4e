r"""ComboGAN: unrestrained scalability for image domain translation (Anoosheh et al. 2017, arXiv:1712.06909).

ComboGAN translates between any number n of domains. `cyclegan` would need n (n - 1) translators; here each
domain has one encoder E_i, one decoder G_i and one discriminator D_i, and G_j(E_i(x)) translates from i to
j. Every round chooses two domains at random and uses CycleGAN's losses between them, in both directions
(sec. 3):

    encoder         min  E[(D_j(G_j(E_i(x))) - 1)^2] + cycle_weight E|G_i(E_j(G_j(E_i(x)))) - x|
                         + the same from j to i
    decoder         min  the same sum, in the same update
    discriminator   min  (E[(D_i(x) - 1)^2] + E[D_i(G_i(E_j(y)))^2]) / 2 + the same for j

All encoders are one player, and so are all decoders and all discriminators: a recipe is the same for any n.
Networks of the other domains have no gradient in a round, and Adam changes neither their weights nor their
moments. An epoch needs n / 2 times as many rounds as with two domains.

    ganarium train combogan --data seasons/  # a folder with a folder for each domain

With `--preset world` (2,400 images of each domain at 16x16), translations of unseen scenes show the correct
class in 0.91 to 0.98 of cases for the six seeds that settings were chosen with, and in 0.97 to 0.99 for three
others (chance level 0.17). The losses do not determine which colours correspond, and colours were exchanged:
class and colour are correct in at most about one case in four (chance level one in 24).

Not to be confused with: `cyclegan`, for two domains; `unit` and `xgan`, whose encoders share layers; StarGAN,
which has one translator for all domains.

Deviations from the paper:
1. A round reads images of all domains and uses those of two.
2. Losses and networks are CycleGAN's. The current official program has a smooth L1, PReLU, and discriminators
   of grey and of blurred images.

Tested by: a textbook loop with three domains; a learning test on the built-in world (plain drawings
translated into inked ones and back), which fails with a learning rate of zero; a test that networks of the
other domains do not change.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganarium.core.game import Clock, turn
from ganarium.data.batches import Unpaired
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.losses.patches import PatchAdversarialLoss
from ganarium.methods.shared_latent import EncoderDecoderTranslator, Play, coders
from ganarium.methods.translators import check_domains
from ganarium.networks import DOMAIN_DECODERS, DOMAIN_ENCODERS, PATCH_DISCRIMINATORS
from ganarium.networks.shared_latent import DomainDecoders, DomainEncoders, PerDomain
from ganarium.ops.image_pool import Pool
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe

PLAYERS = ("encoder", "decoder", "discriminator")


class ComboGAN(EncoderDecoderTranslator):
    """ComboGAN: an encoder, a decoder and a discriminator for each of n domains.

    Args:
        encoder: maps images `[N, C, H, W]` and their domain to codes.
        decoder: maps codes and a domain to images of that domain, in [-1, 1].
        discriminator: one network for each domain, which maps images to scores of patches.
        cycle_weight: weight of the L1 distance between an image and its cycle reconstruction, the mean over
            pixels and channels.
        pool_size: number of fakes stored for each domain; with 0 the discriminator scores the newest only.

    The other arguments are those of `PatchAdversarialLoss`.
    """

    roles: ClassVar = {
        "encoder": DOMAIN_ENCODERS,
        "decoder": DOMAIN_DECODERS,
        "discriminator": PATCH_DISCRIMINATORS,
    }
    settings_from: ClassVar = (PatchAdversarialLoss,)

    def __init__(
        self,
        encoder: DomainEncoders,
        decoder: DomainDecoders,
        discriminator: PerDomain,
        *,
        cycle_weight: float = 10.0,
        pool_size: int = 50,
        **loss_settings: Any,
    ):
        super().__init__(encoder, decoder)
        self.discriminator = discriminator
        self.domains = len(discriminator.networks)
        self.directions = tuple(itertools.permutations(range(self.domains), 2))
        self.pools = nn.ModuleList(Pool(pool_size) for _ in range(self.domains))
        self.cycle_weight = cycle_weight
        self.adversarial_loss = PatchAdversarialLoss(**loss_settings)
        self.adversarial_loss.check(discriminator)

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for every domain of the data."""
        domains, channels = check_domains(spec, most=None), spec.shape[0]
        discriminators = [network("discriminator", channels) for _ in range(domains)]
        return cls(*coders(network, channels, domains), PerDomain(discriminators), **settings)

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Play:
        """Choose two domains; update their encoders and decoders, then their discriminators."""
        real = self.padded_images(next(data))
        i, j = clock.shared_random().sample(range(self.domains), 2)
        fake: dict[int, Tensor] = {}
        adversarial, cycle = real[i].new_zeros(()), real[i].new_zeros(())
        for source, target in ((i, j), (j, i)):
            fake[target] = self.decoder(self.encoder(real[source], source), target)
            cycled = self.decoder(self.encoder(fake[target], target), source)
            adversarial = adversarial + self.adversarial_loss.generator_term(
                self.discriminator[target], fake[target], real[target]
            )
            cycle = cycle + self.cycle_weight * l1_loss(cycled, real[source])
        yield turn(self.encoder, self.decoder, adversarial=adversarial, cycle=cycle)

        terms: dict[str, Tensor] = {}
        for domain in (i, j):
            pooled = self.pools[domain](fake[domain])
            losses = self.adversarial_loss.discriminator_terms(
                self.discriminator[domain], real[domain], pooled, clock.every
            )
            terms = {name: terms[name] + loss if terms else loss for name, loss in losses.items()}
        yield turn(self.discriminator, **terms)
        self.adversarial_loss.clip(self.discriminator)


def recipe() -> Recipe:
    """Return CycleGAN's settings, as in the official program: nine blocks, four of them in the encoder."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999), "schedule": {"kind": "linear", "start": 0.5}}
    return Recipe(
        method="combogan",
        images=240_000,
        batch_size=1,
        game={"objective": "least-squares"},
        networks={
            "encoder": {"kind": "residual", "blocks": 4, "shared_blocks": 0},
            "decoder": {"kind": "residual", "blocks": 5, "shared_blocks": 0},
            "discriminator": {"kind": "patch"},
        },
        optimizers=dict.fromkeys(PLAYERS, adam),
        data=Data(max_size=256, condition="domains", flip=True),
    )


TINY = {
    "networks": {
        "encoder": {"width": 4, "blocks": 1},
        "decoder": {"blocks": 1},
        "discriminator": {"width": 4, "layers": 1},
    },
}

METHOD = Method("combogan", ComboGAN, recipe, TINY)
