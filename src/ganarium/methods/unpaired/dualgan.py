r"""DualGAN: unsupervised dual learning for image-to-image translation (Yi et al. 2017, arXiv:1704.02510).

DualGAN is CycleGAN's game, published in the same weeks: two translators, each the dual of the other, are
trained with cycle losses, as in the dual learning of languages. The discriminators are Wasserstein critics
with clipped weights, updated several times a round; the translators are U-Nets (sec. 3).

    discriminator_b   min  (-E[D_b(b)] + E[D_b(F(a))]) / 2, weights in [-0.01, 0.01]
    discriminator_a   min  (-E[D_a(a)] + E[D_a(G(b))]) / 2, weights in [-0.01, 0.01]
    a_to_b            min  -E[D_b(F(a))] - E[D_a(G(b))]
                           + cycle_weight (E|G(F(a)) - a| + E|F(G(b)) - b|)
    b_to_a            min  the same sum, in the same update

The weight of the cycle losses is 100 here. In the official program it was 200 at first, later 20, then 500,
and in its scripts 500 to 1000.

The losses do not determine which colour of a corresponds to which of b: any exchange of colours minimizes
the cycle losses as well. On the two styles of the built-in world at 16x16 (`--preset world`), unseen scenes
keep their class in 0.98 to 1.00 of cases (chance level 0.17), but their colours are exchanged. With
CycleGAN's `game.identity_weight=0.5` and 16,000 images, class and colour are correct in 0.80 to 0.94 of cases
for four seeds, and in 0.34 for a fifth (chance level 0.04).

Not to be confused with: `cyclegan`, the same game with least squares, residual translators and a pool of
fakes; `discogan`, the same game with cross entropies and without skip connections.

Deviations from the paper:
1. Both cycle losses have one weight; the paper allows one for each.
2. Dropout, the paper's noise, is off after training, and it is only in the levels that images of 64x64 and
   more have.
3. The translators are updated first in a round, not last.
4. A critic's loss is halved; with RMSprop the scale of a loss does not matter.
5. The current official program has a gradient penalty by default, not clipping, and updates the critics once
   a round.

Tested by: a textbook loop; a learning test on the built-in world (plain drawings translated into inked
ones), which fails with a learning rate of zero.
"""

from ganarium.data.settings import Data
from ganarium.methods.unpaired.cyclegan import PLAYERS, CycleGAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


def recipe() -> Recipe:
    """Return the official program's first settings, except the cycle weight.

    RMSprop with a learning rate of 5e-5, and three updates of the critics a round.
    """
    rmsprop = {"kind": "rmsprop", "lr": 5e-5, "alpha": 0.9}
    return Recipe(
        method="dualgan",
        images=240_000,
        batch_size=1,
        game={
            "objective": "wasserstein",
            "penalty": "clip",
            "discriminator_updates": 3,
            "cycle_weight": 100.0,
            "identity_weight": 0.0,
            "pool_size": 0,
        },
        networks={
            "translator": {"kind": "unet"},
            "discriminator": {"kind": "patch", "norm": "batch", "bias": False},
        },
        optimizers=dict.fromkeys(PLAYERS, rmsprop),
        data=Data(max_size=256, condition="domains"),
    )


TINY = {
    "networks": {
        "translator": {"width": 4},
        "discriminator": {"width": 4, "layers": 1},
    },
}

METHOD = Method("dualgan", CycleGAN, recipe, TINY)
