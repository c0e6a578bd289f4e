r"""WGAN: Wasserstein GAN (Arjovsky et al. 2017, arXiv:1701.07875).

The discriminator (the paper's critic) estimates the distance between samples and data. Its gradient guides
the generator even where the two do not overlap. The discriminator's weights are clipped after every step,
which bounds its slope. The game is that of `gan`, its round algorithm 1.

    discriminator   min  E[D(G(z))] - E[D(x)],  |weights| <= 0.01       five updates a round
    generator       min -E[D(G(z))]

The negative loss of the discriminator follows the distance, up to a factor, and so shows the progress of
training.

Not to be confused with: `wgan-gp`, which penalizes the slope instead; clipping drives most weights to the
bound and makes gradients vanish or explode over depth (Gulrajani et al. 2017, sec. 3;
`ganarium lab lipschitz`).

Deviations from the paper:
1. The generator's turn uses the fake batch of the last discriminator update; `game.resample_noise=true`
   samples another.
2. Five discriminator updates in every round; the paper's program makes a hundred in its first rounds.
3. The saved model contains the averaged generator.

Tested by: a textbook loop, clipping included; the exact direction of a clipped linear discriminator; the
shapes of the `world` data with a wider bound and an upsampling generator (a learning rate of zero fails). Of
eight modes on a ring, WGAN covered six at best.
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Return the defaults of algorithm 1.

    RMSprop 5e-5 without momentum, bound 0.01, five updates, batches of 64.
    """
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
