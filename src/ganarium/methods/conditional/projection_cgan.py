r"""Projection-cGAN: cGANs with projection discriminator (Miyato & Koyama 2018, arXiv:1802.05637).

The discriminator is told the class y by an inner product with its features phi, which is the form that the
log ratio log p(x, y)/q(x, y) has for simple distributions. The game is CGAN's, with
`game.judge=projection`.

    D(x, y) = y^T V phi(x) + psi(phi(x))                                    (eq. 8)
    discriminator   min  E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
    generator       min -E[D(G(z, y), y)]

Not to be confused with: `cgan`, which concatenates class and features; `acgan`, which classifies.

Deviations from the paper:
1. The generator is told the class beside its noise instead of by conditional batch norm.
2. SNGAN's standard convolutional networks in place of residual ones.
3. One discriminator update a round instead of five.
4. The turns share one fake batch; `game.fresh_noise=true` draws anew for the generator.
5. Users get the averaged generator.

Tested by: a table, whose optimum has the inner product's form; the score against eq. 8; a textbook loop; the
world's shapes drawn as asked, where learning rate zero fails.
"""

from ganarium.methods.conditional.cgan import CGAN
from ganarium.recipe import Average, Data, Method, Recipe


def recipe() -> Recipe:
    """Adam 2e-4 (section 5), hinge objective, spectral norm in the discriminator, batches of 64."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="projection-cgan",
        images=10_000_000,
        batch_size=64,
        game={"noise_dim": 128, "judge": "projection", "objective": "hinge"},
        networks={"generator": {"kind": "sngan"}, "discriminator": {"kind": "sngan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(largest=48, condition="label"),
    )


TINY = {
    "game": {"noise_dim": 4, "condition_dim": 4},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("projection-cgan", CGAN, recipe, TINY)
