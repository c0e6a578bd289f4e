r"""DualGAN: unsupervised dual learning for image-to-image translation (Yi et al. 2017, arXiv:1704.02510).

CycleGAN's game, found in the same weeks: two translations that are each other's dual close a circle, as in
the dual learning of languages. The discriminators are Wasserstein's critics with clipped weights, which move
several times a round; the translators are U-Nets (sec. 3).

    discriminator_b   min  (-E[D_b(b)] + E[D_b(F(a))]) / 2, weights in [-0.01, 0.01]
    discriminator_a   min  (-E[D_a(a)] + E[D_a(G(b))]) / 2, weights in [-0.01, 0.01]
    a_to_b            min  -E[D_b(F(a))] - E[D_a(G(b))]
                           + cycle_weight (E|G(F(a)) - a| + E|F(G(b)) - b|)
    b_to_a            min  the same sum: both move at once

The circle weighs 100 here. In the official program it weighed 200 at first, later 20, then 500, and in its
scripts 500 to 1000.

Nothing in the game says which colour of a is which of b: any exchange of them closes the circle as well. On
the world's two styles at 16x16 (`--preset world`) unseen scenes keep their class in 0.98 to 1.00 of cases
(chance 0.17), but their colours are exchanged. With CycleGAN's `game.identity_weight=0.5` and 16,000 images
class and colour are right in 0.80 to 0.94 of cases from four seeds, in 0.34 from a fifth (chance 0.04).

Not to be confused with: `cyclegan`, the same game with least squares, residual translators and a memory of
fakes; `discogan`, the same with cross entropies and without skips.

Deviations from the paper:
1. One weight for both circles; the paper allows each its own.
2. Dropout, the paper's noise, is off when the model is used, and only in levels that 64x64 or more has.
3. The translators move first in a round, not last.
4. A critic's loss is halved, which RMSprop forgives.
5. The official program's default is by now a gradient penalty in place of clipping, and one move of the
   critics a round.

Tested by: a textbook loop; the world's drawings turned into inked ones, where a learning rate of zero fails.
"""

from ganarium.data.settings import Data
from ganarium.methods.unpaired.cyclegan import PLAYERS, CycleGAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


def recipe() -> Recipe:
    """The official program's first settings but for the weight: RMSprop 5e-5, three moves of the critics."""
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
