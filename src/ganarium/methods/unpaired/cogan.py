r"""CoGAN: coupled generative adversarial networks (Liu & Tuzel 2016, arXiv:1606.07536).

Pairs of pictures, drawn from noise, though no pair was ever shown: a generator and a discriminator for each
domain i, of which the first layers of the generators and the last ones of the discriminators are the same.
What is drawn is decided in common, each domain's last layer says how it looks (sec. 3):

    discriminator   min  mean over i of E[softplus(-D_i(x_i))] + E[softplus(D_i(G_i(z)))]
    generator       min  mean over i of E[softplus(-D_i(G_i(z)))]

All generators are one player, since they share layers, and so are the discriminators. The same seed draws a
pair:

    ganarium generate RUN --class plain --seed 3
    ganarium generate RUN --class inked --seed 3

`game.shared_generator_layers` and `game.shared_discriminator_layers` count layers with weights; all but each
domain's own one are shared where they are not said, 0 shares none (the paper varies them).

With its preset for the world, 24,000 pictures of each domain at 16x16, pairs agree in class by Cohen's kappa
(0 by chance, 1 where all do) by 0.46 to 0.58 for the six seeds that settings were chosen with, by 0.50 to
0.63 for three others. Which colour goes with which no term of this game says: four of the six exchanged some.
Exchanged as suits best, colours agree by 0.43 to 0.61, and 0.50 to 0.55. Without shared layers class and
colour agree by 0.02 and 0.11 (one seed).

Not to be confused with: `cgan` told a label, which draws both domains by one network; `unit`, by the same
authors, which also encodes and so translates.

Deviations from the paper:
1. The mean of the couples' losses in place of their sum, as in the official program; Adam forgives it.
2. DCGAN's networks in place of the paper's smaller ones; any number of domains.
3. It draws; the paper also translates by looking for a picture's noise (sec. 5), which is left to `unit`.
4. No weight decay (1e-4 to 5e-4 in the official program).

Tested by: a textbook loop; pairs of the world's drawings that show the same shape, and the same colour
but for an exchange, where a learning rate of zero and networks without shared layers fail.
"""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from ganarium.core.game import Clock
from ganarium.data.batches import Unpaired
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.translators import check_domains
from ganarium.methods.two_player import ScoredTwoPlayerGame, TurnData
from ganarium.networks.shared_latent import coupled_discriminators, coupled_generators
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


class CoGAN(ScoredTwoPlayerGame):
    """Couples of a generator and a discriminator, one a domain, that share layers.

    Args:
        generator: noise `[N, noise_dim]` and domains, int64 `[N]`, to pictures.
        discriminator: pictures and domains to scores `[N]`.
        domains: how many there are.
        shared_generator_layers: how many of the first layers with weights are shared; all but the last one
            where it is not said.
        shared_discriminator_layers: how many of the last ones; all but the first where it is not said.

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        domains: int = 2,
        *,
        shared_generator_layers: int | None = None,
        shared_discriminator_layers: int | None = None,
        **others: Any,
    ):
        # Which layers are shared is settled where the couples are made, in `assemble`.
        super().__init__(generator, discriminator, **others)
        self.domains = domains

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """A couple for each domain of the data."""
        domains = check_domains(spec, most=None)
        generators = [network("generator", settings["noise_dim"], spec.shape) for _ in range(domains)]
        discriminators = [network("discriminator", spec.shape) for _ in range(domains)]
        return cls(
            coupled_generators(generators, settings["shared_generator_layers"]),
            coupled_discriminators(discriminators, settings["shared_discriminator_layers"]),
            domains,
            **settings,
        )

    def condition_of(self, batch: Unpaired) -> Tensor:
        """The domain of each sample, one domain after the other."""
        some = batch.domains[0]
        return torch.arange(self.domains, device=some.device).repeat_interleave(len(some))

    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """Fake samples of the domains that `told` gives: the same noise for each of them."""
        return self.generator(self.noise_for(count // self.domains).repeat(self.domains, 1), condition)

    def generate(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pictures from noise `[N, noise_dim]`, each of the domain that is asked for, int64 `[N]`."""
        if condition is None:
            raise ValueError("this model draws several domains: name one for each picture")
        return self.generator(noise, condition)

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Tell real from fake in each domain."""
        real, fake, condition = turn_data
        adversarial = self.adversarial_loss.discriminator(
            *scores(self.discriminator, (real, condition), (fake, condition))
        )
        penalties = self.adversarial_loss.penalties(
            lambda samples: self.discriminator(samples, condition), real, fake, clock.every
        )
        return {"adversarial": adversarial, **penalties}

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Be taken for real in each domain."""
        fixed_discriminator = frozen(self.discriminator)
        real_scores = (
            fixed_discriminator(turn_data.real, turn_data.condition)
            if self.adversarial_loss.compares
            else None
        )
        return {
            "adversarial": self.adversarial_loss.generator(
                fixed_discriminator(turn_data.fake, turn_data.condition), real_scores
            )
        }

    def features(self, samples: Tensor, condition: Tensor | None) -> Tensor:
        """What the scores of samples of these domains are read from."""
        return frozen(self.discriminator, "features")(samples, condition)


def recipe() -> Recipe:
    """The official program's rate, noise and batches, in DCGAN's networks."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="cogan",
        images=3_200_000,
        batch_size=128,
        game={"noise": "uniform"},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64, condition="domains"),
    )


TINY = {
    "game": {"noise_dim": 4},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("cogan", CoGAN, recipe, TINY)
