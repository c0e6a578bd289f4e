r"""LSGAN: least squares GAN (Mao et al. 2017, arXiv:1611.04076).

The losses are squared distances of the scores from target values. Samples that are already classified as real
but lie far from the decision boundary are therefore moved back to the data. The game is that of `gan`.

    discriminator   min  1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]      (eq. 2)
    generator       min  1/2 E[(D(G(z)) - c)^2]

`game.targets=[a, b, c]` is [0, 1, 1] by default (eq. 9). [-1, 1, 0] (eq. 8) has b - c = 1 and b - a = 2, for
which the generator minimizes half the Pearson divergence between 2q and p + q (theorem 1).

Not to be confused with: `loss-sensitive-gan`, also abbreviated LS-GAN.

Deviations from the paper:
1. The DCGAN networks; the paper's are a deeper variant.
2. Both turns use one fake batch; `game.resample_noise=true` samples another for the generator.
3. The saved model contains the averaged generator.

Tested by: a table discriminator, whose optimum (b p + a q) / (p + q) and the Pearson divergence at it are
known; a textbook loop; all eight modes of a ring with R1 (a learning rate of zero fails).
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Return the settings of section 4: Adam 2e-4 with momentum 0.5, batches of 64."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="lsgan",
        images=5_000_000,
        batch_size=64,
        game={"noise_dim": 100, "objective": "least-squares"},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64),
    )


TINY = {"game": {"noise_dim": 4}, "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}}}

METHOD = Method("lsgan", GAN, recipe, TINY)
