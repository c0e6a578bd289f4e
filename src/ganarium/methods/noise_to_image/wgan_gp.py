r"""WGAN-GP: improved training of Wasserstein GANs (Gulrajani et al. 2017, arXiv:1704.00028).

The discriminator estimates the Wasserstein distance between samples and data. A penalty keeps its slope at
one between them, instead of WGAN's weight clipping. The game is that of `gan`, its round algorithm 1:

    discriminator   min  E[D(G(z))] - E[D(x)] + 10 E[(|grad D(x^)| - 1)^2]      five updates a round
    generator       min -E[D(G(z))]

x^ lies at a uniformly random point of the line between a real and a fake sample. `game.penalty=one-sided-gp`
is max(0, |grad D(x^)| - 1) instead, which does not penalize smaller slopes.

Not to be confused with: `wgan`, which clips weights; R1 (`game.penalty=r1`), which penalizes any slope at
real samples.

Deviations from the paper:
1. DCGAN's networks with layer norm in the discriminator (sec. 4 recommends it instead of batch norm); the
   paper's large tables have residual networks.
2. The generator's turn uses the fake batch of the last discriminator update; `game.resample_noise=true`
   samples another.
3. The one-sided penalty is the plain distance above one, not its square.
4. The saved model contains the averaged generator.

Tested by: the distance between two shifted distributions, whose penalized optimum is known in closed form; a
textbook loop; all eight modes of a ring (a learning rate of zero fails).
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Return the defaults of algorithm 1.

    Weight 10, five updates, Adam 1e-4 with betas 0 and 0.9, batches of 64.
    """
    adam = {"kind": "adam", "lr": 1e-4, "betas": (0.0, 0.9)}
    return Recipe(
        method="wgan-gp",
        images=20_000_000,
        batch_size=64,
        game={"noise_dim": 128, "objective": "wasserstein", "penalty": "gp", "discriminator_updates": 5},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan", "norm": "layer"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=50)},
        data=Data(max_size=64),
    )


TINY = {
    "game": {"noise_dim": 4, "discriminator_updates": 2},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("wgan-gp", GAN, recipe, TINY)
