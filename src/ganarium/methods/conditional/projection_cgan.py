r"""Projection-cGAN: cGANs with projection discriminator (Miyato & Koyama 2018, arXiv:1802.05637).

The discriminator is told the class y by an inner product with its features phi, which is the form that the
log ratio log p(x, y)/q(x, y) has for simple distributions. The game is CGAN's, with
`game.condition_score=projection`.

    D(x, y) = y^T V phi(x) + psi(phi(x))                                    (eq. 8)
    discriminator   min  E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
    generator       min -E[D(G(z, y), y)]

Not to be confused with: `cgan`, which concatenates class and features; `acgan`, which classifies.

Deviations from the paper:
1. The generator is told the class beside its noise instead of by conditional batch norm.
2. DCGAN's networks, with spectral norm in place of batch norm in the discriminator, instead of residual
   ones; `networks.generator.kind=sngan` and `networks.discriminator.kind=sngan` are SNGAN's standard ones.
3. One discriminator update a round instead of five, and both sides learn at 1e-3 instead of 2e-4, with a
   momentum of 0.5 instead of none, in batches of 32 instead of 64.
4. The turns share one fake batch; `game.resample_noise=true` draws anew for the generator.
5. Users get the averaged generator.

Tested by: a table, whose optimum has the inner product's form; the score against eq. 8; a textbook loop; the
world's shapes and handwritten digits drawn as asked, where learning rate zero fails.
"""

from ganarium.data.settings import Data
from ganarium.methods.conditional.cgan import CGAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Hinge objective and spectral norm in the discriminator (section 5); both sides at 1e-3."""
    adam = {"kind": "adam", "lr": 1e-3, "betas": (0.5, 0.999)}
    return Recipe(
        method="projection-cgan",
        images=10_000_000,
        batch_size=32,
        game={"noise_dim": 128, "condition_score": "projection", "objective": "hinge"},
        networks={
            "generator": {"kind": "dcgan"},
            "discriminator": {"kind": "dcgan", "norm": "none", "spectral_norm": True},
        },
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=48, condition="label"),
    )


TINY = {
    "game": {"noise_dim": 4, "condition_dim": 4},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("projection-cgan", CGAN, recipe, TINY)
