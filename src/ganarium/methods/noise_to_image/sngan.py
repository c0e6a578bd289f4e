r"""SNGAN: spectral normalisation for GANs (Miyato et al. 2018, arXiv:1802.05957).

Each weight matrix of the discriminator is divided by its largest singular value, so every layer has
slope one at most, and the whole discriminator is Lipschitz by construction, at the cost of one power
iteration a pass. The game is GAN's, with the hinge objective (eq. 16 and 17).

    discriminator   min  E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]
    generator       min -E[D(G(z))]

Not to be confused with: `wgan-gp`, which asks for slope one by a penalty; SAGAN, which also normalises
the generator.

Deviations from the paper:
1. The turns share one pass over real and fake samples and so one power iteration, not one each.
2. Convolutions are normalised as matrices `[out, in * kh * kw]`, as in the paper's own tables.
3. One discriminator update a round, the paper's setting C of six;
   `game.discriminator_updates=5` with lr 1e-3 is its setting E.
4. Users get the averaged generator.

Tested by: the largest singular value of each layer, which stays one during training; a textbook loop;
the world's shapes with an upsampling generator, where learning rate zero fails.
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Table 1, setting C: Adam 2e-4 with betas 0.5 and 0.999, one update a round; batches of 64."""
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
