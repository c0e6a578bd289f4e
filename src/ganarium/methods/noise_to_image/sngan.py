r"""SNGAN: spectral normalisation for GANs (Miyato et al. 2018, arXiv:1802.05957).

Each weight matrix of the discriminator is divided by its largest singular value. Every layer then has a slope
of at most one, and the discriminator is Lipschitz by construction, at the cost of one power iteration per
forward pass. The game is that of `gan`, with the hinge objective (eq. 16 and 17).

    discriminator   min  E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]
    generator       min -E[D(G(z))]

Not to be confused with: `wgan-gp`, which enforces a slope of one by a penalty; SAGAN, which also normalizes
the generator.

Deviations from the paper:
1. Real and fake samples share one forward pass, and so one power iteration instead of one each.
2. Convolutions are normalized as matrices `[out, in * kh * kw]`, as in the paper's own tables.
3. One discriminator update per round, which is setting C of the paper's six; `game.discriminator_updates=5`
   with lr 1e-3 is its setting E.
4. The saved model contains the averaged generator.

Tested by: the largest singular value of each layer, which stays one during training; a textbook loop; the
shapes of the `world` data with an upsampling generator (a learning rate of zero fails).
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Return setting C of table 1: Adam 2e-4, betas 0.5 and 0.999, one update per round; batches of 64."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="sngan",
        images=10_000_000,
        batch_size=64,
        game={"noise_dim": 128, "objective": "hinge"},
        networks={"generator": {"kind": "sngan"}, "discriminator": {"kind": "sngan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=48),
    )


TINY = {"game": {"noise_dim": 4}, "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}}}

METHOD = Method("sngan", GAN, recipe, TINY)
