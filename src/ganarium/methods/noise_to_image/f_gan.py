r"""f-GAN: training by any f-divergence (Nowozin et al. 2016, arXiv:1606.00709).

A discriminator bounds the divergence D_f between data and samples from below, for any convex f; the
generator lowers it. T(x) = g_f(D(x)) is the score D after the activation that keeps it within the domain
of the conjugate f*; at its best T(x) is f'(p(x)/q(x)), and the bound is the divergence. The game is GAN's.

    discriminator   min -E[g_f(D(x))] + E[f*(g_f(D(G(z))))]      (eq. 6 and 7)
    generator       min -E[g_f(D(G(z)))]                         (sec. 3.2)
                    min -E[f*(g_f(D(G(z))))]      `game.minimax=true` (algorithm 1)

`game.objective` is one of kl, reverse-kl, total-variation, pearson, neyman, squared-hellinger,
jensen-shannon, gan; f, f* and g_f of each stand in `ganarium.losses.divergences`, and
`ganarium lab conjugate` draws them. `gan` is the first GAN's own objective, to the bit.

Not to be confused with: `lsgan`, whose Pearson divergence is one of 2q from p + q; `wgan`, whose distance
is no f-divergence and keeps its slope where data and samples are apart.

Deviations from the paper:
1. Jeffrey's and the alpha divergences are left out.
2. Every g_f rises, as the text asks; some in the paper's tables fall.
3. f* and g_f are one function where, one after the other, they would overflow.
4. The discriminator steps before the generator; algorithm 1 steps both at once.
5. The turns share one fake batch; `game.resample_noise=true` draws anew for the generator.
6. Batches of 32, as in `dcgan`.
7. Users get the averaged generator.

Tested by: conjugates by search, divergences by closed forms and integration; tables and perceptrons that
reach all eight; a textbook loop for each; the Gaussian that fits a mixture best (sec. 2.4) in five of them
(total variation and neyman do not get there); all eight modes of a ring with R1 of weight 1, in all eight.
Measured, not tested: without R1 total variation finds none of the modes, and reverse KL seven.
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Section 3: the DCGAN networks, Adam 2e-4 with momentum 0.5."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="f-gan",
        images=5_000_000,
        batch_size=32,
        game={"noise_dim": 100, "noise": "uniform", "objective": "kl"},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64),
    )


TINY = {"game": {"noise_dim": 4}, "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}}}

METHOD = Method("f-gan", GAN, recipe, TINY)
