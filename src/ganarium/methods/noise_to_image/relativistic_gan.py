r"""Relativistic-GAN: the relativistic discriminator (Jolicoeur-Martineau 2019, arXiv:1807.00734).

The discriminator estimates how much more realistic a real sample is than a fake one. The generator therefore
also lowers the relative scores of real samples. The game is that of `gan`.

`game.relativistic=average` compares each score with the mean of the other side (RaSGAN):

    discriminator   min  E[softplus(-(D(x) - E D(G)))] + E[softplus(D(G) - E D(x))]
    generator       min  E[softplus(-(D(G) - E D(x)))] + E[softplus(D(x) - E D(G))]

`game.relativistic=standard` compares the scores of pairs (RSGAN, eq. 7 and 8):

    discriminator   min  E[softplus(-(D(x) - D(G)))]
    generator       min  E[softplus(-(D(G) - D(x)))]

Both can be combined with `game.objective=hinge`, and with `least-squares` if `game.targets=[-1, 1, 0]`.

Not to be confused with: `wgan`, whose loss is also a difference of means, but not of single scores through a
sigmoid.

Deviations from the paper:
1. Means are over the micro-batch of one process.
2. Both turns use one fake batch; `game.resample_noise=true` samples another for the generator.
3. The saved model contains the averaged generator.

Tested by: both losses against the paper's formulas; a textbook loop of each; all eight modes of a ring with
R1 (a learning rate of zero fails).
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Return the settings of section 5.1.

    Adam 2e-4 with betas 0.5 and 0.999, batches of 32, spectral norm in the discriminator.
    """
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="relativistic-gan",
        images=5_000_000,
        batch_size=32,
        game={"noise_dim": 128, "relativistic": "average"},
        networks={"generator": {"kind": "sngan"}, "discriminator": {"kind": "sngan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=48),
    )


TINY = {"game": {"noise_dim": 4}, "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}}}

METHOD = Method("relativistic-gan", GAN, recipe, TINY)
