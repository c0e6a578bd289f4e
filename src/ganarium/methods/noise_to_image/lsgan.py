r"""LSGAN: least squares GAN (Mao et al. 2017, arXiv:1611.04076).

The scores are pulled to targets by their squared distance, so that samples which are already taken for
real, but lie far from the boundary, are pulled back to the data. The game is GAN's.

    discriminator   min  1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]      (eq. 2)
    generator       min  1/2 E[(D(G(z)) - c)^2]

`game.targets=[a, b, c]`: [0, 1, 1] (eq. 9) where it is not said; [-1, 1, 0] (eq. 8) has b - c = 1 and
b - a = 2, for which the generator minimises half the Pearson divergence between 2q and p + q (theorem 1).

Not to be confused with: `loss-sensitive-gan`, also abbreviated LS-GAN.

Deviations from the paper:
1. The DCGAN networks, of which the paper's are a deeper kind.
2. The turns share one fake batch; `game.resample_noise=true` draws anew for the generator.
3. Users get the averaged generator.

Tested by: a table discriminator, whose optimum (b p + a q) / (p + q) and the Pearson divergence at it
are known; a textbook loop; all eight modes of a ring, with R1, where learning rate zero fails.
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Section 4: Adam 2e-4 with momentum 0.5, batches of 64."""
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
