r"""GAN: Generative adversarial nets (Goodfellow et al. 2014, arXiv:1406.2661).

The generator maps noise to samples; the discriminator distinguishes samples from data. Each is trained
against the other, and at the optimum the samples have the distribution of the data.

    discriminator   min  E[softplus(-D(x))] + E[softplus(D(G(z)))]
    generator       min  E[softplus(-D(G(z)))]      `game.objective=non-saturating` (sec. 3)
                    min -E[softplus(D(G(z)))]       `game.objective=saturating` (eq. 1)

D is the score before the sigmoid, so softplus(-D) is -log of the probability "real". A round is the paper's
algorithm 1: k discriminator updates, then one generator update. Methods such as `dcgan`, `wgan-gp` and
`sngan` are this game with another objective, penalty or network.

Not to be confused with: `dcgan`, which has convolutional networks; `cgan`, which is conditioned on labels,
attributes or images.

Deviations from the paper:
1. Both turns use one fake batch (exact for the generator, and faster). `game.resample_noise=true` samples
   another for the generator, as in the paper; `game.generator_first=true` updates the generator first.
2. LeakyReLU perceptrons and Adam instead of maxout, dropout and momentum;
   `networks.discriminator.dropout=0.5` adds dropout.
3. The saved model contains the averaged generator.

Tested by: a table discriminator, whose optimum is log p/q; a textbook loop, step by step; all eight modes of
a ring with R1 (a learning rate of zero fails).
"""

from torch import Tensor

from ganarium.core.game import Clock
from ganarium.data.settings import Data
from ganarium.methods.two_player import ScoredTwoPlayerGame, TurnData
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


class GAN(ScoredTwoPlayerGame):
    """GAN without a condition; objective, penalty, networks and number of updates are settings.

    Args:
        generator: maps noise `[N, noise_dim]` to samples.
        discriminator: maps samples to scores `[N, ...]`.

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Return the adversarial loss of real and fake samples, and the penalty."""
        real, fake, _ = turn_data
        adversarial = self.adversarial_loss.discriminator(*scores(self.discriminator, real, fake))
        penalties = self.adversarial_loss.penalties(self.discriminator, real, fake, clock.every)
        return {"adversarial": adversarial, **penalties}

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Return the adversarial loss of fake samples; a relativistic one compares them with real ones."""
        fixed_discriminator = frozen(self.discriminator)
        fake_scores = fixed_discriminator(turn_data.fake)
        real_scores = fixed_discriminator(turn_data.real) if self.adversarial_loss.compares else None
        return {"adversarial": self.adversarial_loss.generator(fake_scores, real_scores)}


def recipe() -> Recipe:
    """Return settings for small gray digits or points: perceptrons."""
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
