r"""CoGAN: coupled generative adversarial networks (Liu & Tuzel 2016, arXiv:1606.07536).

CoGAN generates pairs of corresponding images from noise; the training data have no pairs. Each domain i has
a generator and a discriminator. The generators share their first layers, the discriminators their last ones.
The shared layers determine the content of an image, the last layer of its generator the style of its domain
(sec. 3):

    discriminator   min  mean over i of E[softplus(-D_i(x_i))] + E[softplus(D_i(G_i(z)))]
    generator       min  mean over i of E[softplus(-D_i(G_i(z)))]

All generators are one player, since they share layers, and so are the discriminators. The same seed
generates a pair:

    ganarium generate RUN --condition plain --seed 3
    ganarium generate RUN --condition inked --seed 3

`game.shared_generator_layers` and `game.shared_discriminator_layers` count layers with weights. By default
each domain has one layer of its own and shares all others; 0 shares none (the paper varies them).

With `--preset world` (24,000 images of each domain at 16x16), Cohen's kappa of the classes of a pair (0 at
chance level, 1 if all agree) is 0.46 to 0.58 for the six seeds that settings were chosen with, and 0.50 to
0.63 for three others. The losses do not determine which colours correspond: four of the six seeds exchanged
some. With the best assignment of colours, kappa of the colours is 0.43 to 0.61, and 0.50 to 0.55 for the
others. Without shared layers kappa is 0.02 for the class and 0.11 for the colour (one seed).

Not to be confused with: `cgan` conditioned on a label, which generates both domains with one network; `unit`,
by the same authors, which also encodes images and therefore translates.

Deviations from the paper:
1. The domains' losses are averaged, not summed, as in the official program; with Adam the scale of a loss
   does not matter.
2. DCGAN's networks replace the paper's smaller ones; any number of domains is possible.
3. Generation only. The paper also translates, by a search for the noise of an image (sec. 5); `unit` is the
   method for this.
4. No weight decay (1e-4 to 5e-4 in the official program).

Tested by: a textbook loop; a learning test on the built-in world (pairs of drawings with the same shape, and
the same colour up to an exchange of colours), which fails with a learning rate of zero and without shared
layers.
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
    """CoGAN: one generator and one discriminator for each domain, with shared layers.

    Args:
        generator: maps noise `[N, noise_dim]` and domains, int64 `[N]`, to images.
        discriminator: maps images and domains to scores `[N]`.
        domains: number of domains.
        shared_generator_layers: number of shared first layers with weights; all but the last by default.
        shared_discriminator_layers: number of shared last layers with weights; all but the first by default.

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
        # The numbers of shared layers are used in `assemble`, which builds the networks.
        super().__init__(generator, discriminator, **others)
        self.domains = domains

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build a generator and a discriminator for each domain of the data."""
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
        """Return the domain of each sample, int64 `[N]`, one domain after the other."""
        first = batch.domains[0]
        return torch.arange(self.domains, device=first.device).repeat_interleave(len(first))

    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """Return fake samples of the domains in `condition`, with the same noise for each domain."""
        return self.generator(self.noise_for(count // self.domains).repeat(self.domains, 1), condition)

    def realness(self, samples: Tensor, condition: Tensor | None) -> Tensor | None:
        """Return the discriminator's scores."""
        scores: Tensor = self.discriminator(samples, condition)
        return scores

    def generate(self, z: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        """Return images of latents `[N, noise_dim]` and domains, int64 `[N]`."""
        return self.generator(z, condition)

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Return the discriminators' loss, the mean over the domains, and the penalties."""
        real, fake, condition = turn_data
        adversarial = self.adversarial_loss.discriminator(
            *scores(self.discriminator, (real, condition), (fake, condition))
        )
        penalties = self.adversarial_loss.penalties(
            lambda samples: self.discriminator(samples, condition), real, fake, clock.every
        )
        return {"adversarial": adversarial, **penalties}

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Return the generators' loss, the mean over the domains."""
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
        """Return the input of the discriminators' last layer, for samples of these domains."""
        return frozen(self.discriminator, "features")(samples, condition)


def recipe() -> Recipe:
    """Return the official program's learning rate, noise and batch size, with DCGAN's networks."""
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
