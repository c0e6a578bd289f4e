r"""DiscoGAN: relations between domains discovered without pairs (Kim et al. 2017, arXiv:1703.05192).

CycleGAN's game, found in the same weeks: F turns a into b, G turns b into a, a discriminator each, and what
went there and back is to be what it was. The losses are the first GAN's cross entropies and a squared
distance; encoders and decoders without skips put everything through a narrow middle, so that shapes may
change, too: handbags become shoes.

    discriminator_b   min  (E[softplus(-D_b(b))] + E[softplus(D_b(F(a)))]) / 2
    discriminator_a   min  (E[softplus(-D_a(a))] + E[softplus(D_a(G(b)))]) / 2
    a_to_b            min  E[softplus(-D_b(F(a)))] + E[softplus(-D_a(G(b)))]
                           + cycle_weight (E[(G(F(a)) - a)^2] + E[(F(G(b)) - b)^2])
    b_to_a            min  the same sum: both move at once

`game.cycle=none` is the paper's standard GAN and `game.cycle=forward` its GAN with reconstruction loss, the
two that it compares with.

Nothing in the game says which colour of a is which of b: any exchange of them closes the circle as well. On
the world's two styles at 16x16 (`--preset world`) unseen scenes keep their class in 0.94 to 0.98 of cases
(chance 0.17; 0.20 without the circle), but their colours are exchanged. CycleGAN's
`game.identity_weight=0.5` settles them in some runs only: after 16,000 images class and colour are right in
0.67 to 0.97 of cases from three seeds, in 0.15 and none from two others, whose shapes fall apart (chance
0.04).

Not to be confused with: `cyclegan`, the same game with least squares, L1, an identity term, residual
translators and a memory of fakes; `dualgan`, the same with Wasserstein's distance.

Deviations from the paper:
1. Its program adds a feature matching term of nine times the adversarial weight, which the paper's losses do
   not have, and raises the share of the circle from 0.01 to 0.5 after 10,000 rounds; here all weigh one.
2. Everyone moves every round; the program's discriminators move one round in three, its translators in the
   other two.
3. The discriminator judges overlapping patches, which at 64x64 see the whole picture each; the program's has
   one convolution less and one score.
4. Pictures lie in [-1, 1], the program's in [0, 1], so that a squared distance is four times as large.

Tested by: a textbook loop; the world's drawings turned into inked ones, where a learning rate of zero and
the game without its circle fail.
"""

from ganarium.data.settings import Data
from ganarium.methods.unpaired.cyclegan import PLAYERS, CycleGAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


def recipe() -> Recipe:
    """The official program's 64x64 pixels, rate and weight decay; its batches are of 64 to 500."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999), "weight_decay": 1e-5}
    return Recipe(
        method="discogan",
        images=6_000_000,
        batch_size=200,
        game={
            "objective": "non-saturating",
            "cycle_weight": 1.0,
            "identity_weight": 0.0,
            "distance": "l2",
            "pool_size": 0,
        },
        networks={
            "translator": {"kind": "unet", "skips": False, "downsamplings": 4},
            "discriminator": {"kind": "patch", "layers": 4, "norm": "batch", "bias": False},
        },
        optimizers=dict.fromkeys(PLAYERS, adam),
        data=Data(max_size=64, condition="domains"),
    )


TINY = {
    "networks": {
        "translator": {"width": 4, "downsamplings": 2},
        "discriminator": {"width": 4, "layers": 1},
    },
}

METHOD = Method("discogan", CycleGAN, recipe, TINY)
