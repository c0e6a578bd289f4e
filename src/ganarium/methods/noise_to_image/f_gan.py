r"""f-GAN: training by any f-divergence (Nowozin et al. 2016, arXiv:1606.00709).

The discriminator raises a lower bound of the divergence D_f between data and samples, for any convex f; the
generator minimizes the bound. T(x) = g_f(D(x)) is the score D after an activation that keeps it within the
domain of the conjugate f*. At the optimum T(x) is f'(p(x)/q(x)), and the bound equals the divergence. The
game is that of `gan`.

    discriminator   min -E[g_f(D(x))] + E[f*(g_f(D(G(z))))]      (eq. 6 and 7)
    generator       min -E[g_f(D(G(z)))]                         (sec. 3.2)
                    min -E[f*(g_f(D(G(z))))]      `game.minimax=true` (algorithm 1)

`game.objective` is one of kl, reverse-kl, total-variation, pearson, neyman, squared-hellinger,
jensen-shannon, gan. `ganarium.losses.divergences` lists f, f* and g_f of each, and `ganarium lab conjugate`
plots them. `gan` is bit for bit the objective of the original GAN.

Not to be confused with: `lsgan`, whose Pearson divergence is that of 2q from p + q; `wgan`, whose distance is
not an f-divergence and keeps its slope where data and samples do not overlap.

Deviations from the paper:
1. Jeffrey's and the alpha divergences are omitted.
2. Every g_f is increasing, as the text requires; some in the paper's tables are decreasing.
3. f* and g_f are one function where their composition would overflow.
4. The discriminator is updated before the generator; algorithm 1 updates both at once.
5. Both turns use one fake batch; `game.resample_noise=true` samples another for the generator.
6. Batches of 32, as in `dcgan`.
7. The saved model contains the averaged generator.

Tested by: conjugates against a numerical search; divergences against closed forms and integration; tables and
perceptrons, which reach all eight; a textbook loop for each; the Gaussian that fits a mixture best (sec. 2.4)
for five of them (total variation and neyman do not reach it); all eight modes of a ring with R1 of weight 1,
for all eight. Measured, not tested: without R1, total variation finds none of the modes and reverse KL seven.
"""

from ganarium.data.settings import Data
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def recipe() -> Recipe:
    """Return the settings of section 3: the DCGAN networks, Adam 2e-4 with momentum 0.5."""
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
