r"""GAN: Generative adversarial nets (Goodfellow et al. 2014, arXiv:1406.2661).

A generator turns noise into samples; a discriminator tells samples from data. Each learns from the
other, and at the optimum the samples are distributed as the data.

    discriminator   min  E[softplus(-D(x))] + E[softplus(D(G(z)))]
    generator       min  E[softplus(-D(G(z)))]      `game.objective=non-saturating` (sec. 3)
                    min -E[softplus(D(G(z)))]       `game.objective=saturating` (eq. 1)

D is the score before the sigmoid, so softplus(-D) is -log of the probability "real". The round is the
paper's algorithm 1: k discriminator updates, then one of the generator. The same script with another
objective, penalty or network is another method: `dcgan`, `wgan-gp`, `sngan` are recipes of this game.

Not to be confused with: `dcgan`, the convolutional networks; `cgan`, which is told what to draw.

Deviations from the paper:
1. The turns share one fake batch (exact for the generator, faster); `game.resample_noise=true` draws
   anew as the paper writes it, `game.generator_first=true` turns the order round.
2. LeakyReLU perceptrons and Adam in place of maxout, dropout and momentum;
   `networks.discriminator.dropout=0.5` brings dropout back.
3. Users get the averaged generator.

Tested by: the optimum log p/q of a table discriminator; a textbook loop, step for step; all eight
modes of a ring, with R1, where learning rate zero fails.
"""

from torch import Tensor

from ganarium.core.game import Clock
from ganarium.data.settings import Data
from ganarium.methods.two_player import ScoredTwoPlayerGame, TurnData
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


class GAN(ScoredTwoPlayerGame):
    """Two players and noise; objective, penalty, networks and number of updates are free to choose.

    Args:
        generator: noise `[N, noise_dim]` to samples.
        discriminator: samples to scores `[N, ...]`.

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Tell real from fake, and pay for too steep a slope."""
        real, fake, _ = turn_data
        adversarial = self.adversarial_loss.discriminator(*scores(self.discriminator, real, fake))
        penalties = self.adversarial_loss.penalties(self.discriminator, real, fake, clock.every)
        return {"adversarial": adversarial, **penalties}

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Be taken for real; for more real than the real ones, where the objective is relativistic."""
        fixed_discriminator = frozen(self.discriminator)
        fake_scores = fixed_discriminator(turn_data.fake)
        real_scores = fixed_discriminator(turn_data.real) if self.adversarial_loss.compares else None
        return {"adversarial": self.adversarial_loss.generator(fake_scores, real_scores)}


def recipe() -> Recipe:
    """Small grey digits or points: perceptrons."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="gan",
        images=2_000_000,
        batch_size=64,
        networks={"generator": {"kind": "mlp"}, "discriminator": {"kind": "mlp"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=32),
    )


TINY = {
    "game": {"noise_dim": 4},
    "networks": {"generator": {"width": 8, "depth": 1}, "discriminator": {"width": 8, "depth": 1}},
}

METHOD = Method("gan", GAN, recipe, TINY)
