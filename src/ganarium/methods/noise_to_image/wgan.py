r"""WGAN: Wasserstein GAN (Arjovsky et al. 2017, arXiv:1701.07875).

The discriminator (the paper's critic) measures how far samples lie from data, and goes on telling the
generator where to go when the two do not overlap. Its weights are clipped after every step, which keeps its
slope bounded. The game is GAN's, its round algorithm 1.

    discriminator   min  E[D(G(z))] - E[D(x)],  |weights| <= 0.01       five updates a round
    generator       min -E[D(G(z))]

Minus the discriminator's loss rises and falls with the distance, up to a factor: it tells how training goes.

Not to be confused with: `wgan-gp`, which penalises the slope instead; clipping drives most weights to the
bound and makes gradients vanish or explode over depth (Gulrajani et al. 2017, sec. 3; `ganarium lab
lipschitz`).

Deviations from the paper:
1. The generator's turn uses the last discriminator update's fake batch; `game.resample_noise=true` draws
   its own.
2. Five discriminator updates throughout; the paper's program plays a hundred in its first rounds.
3. Users get the averaged generator.

Tested by: a textbook loop, clipping included; the exact direction of a clipped linear discriminator; the
world's shapes with a wider bound and an upsampling generator, where learning rate zero fails. On a ring of
eight modes it covered six at best.
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Algorithm 1's defaults: RMSprop 5e-5 without momentum, bound 0.01, five updates, batches of 64."""
    rmsprop = {"kind": "rmsprop", "lr": 5e-5}
    return Recipe(
        method="wgan",
        images=20_000_000,
        batch_size=64,
        game={
            "noise_dim": 100,
            "objective": "wasserstein",
            "penalty": "clip",
            "clip_bound": 0.01,
            "discriminator_updates": 5,
        },
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={"generator": rmsprop, "discriminator": rmsprop},
        averages={"generator": Average(half_life_kimg=50)},
        data=Data(max_size=64),
    )


TINY = {
    "game": {"noise_dim": 4, "discriminator_updates": 2},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("wgan", GAN, recipe, TINY)
