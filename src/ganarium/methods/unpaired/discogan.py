r"""DiscoGAN: relations between domains discovered without pairs (Kim et al. 2017, arXiv:1703.05192).

DiscoGAN is CycleGAN's game, published in the same weeks: F translates a into b, G translates b into a, each
domain has a discriminator, and cycle losses pull reconstructions to the inputs. The losses are the cross
entropies of the first GAN and a squared distance. Encoder-decoders without skip connections pass everything
through a narrow bottleneck, so that shapes may change, too: handbags become shoes.

    discriminator_b   min  (E[softplus(-D_b(b))] + E[softplus(D_b(F(a)))]) / 2
    discriminator_a   min  (E[softplus(-D_a(a))] + E[softplus(D_a(G(b)))]) / 2
    a_to_b            min  E[softplus(-D_b(F(a)))] + E[softplus(-D_a(G(b)))]
                           + cycle_weight (E[(G(F(a)) - a)^2] + E[(F(G(b)) - b)^2])
    b_to_a            min  the same sum, in the same update

`game.cycle=none` is the paper's standard GAN and `game.cycle=forward` its GAN with reconstruction loss, its
two baselines.

The losses do not determine which colour of a corresponds to which of b: any exchange of colours minimizes
the cycle losses as well. On the two styles of the built-in world at 16x16 (`--preset world`), unseen scenes
keep their class in 0.94 to 0.98 of cases (chance level 0.17; 0.20 without the cycle losses), but their
colours are exchanged. CycleGAN's `game.identity_weight=0.5` corrects the colours in some runs only: after
16,000 images class and colour are correct in 0.67 to 0.97 of cases for three seeds, and in 0.15 and none for
two others, whose shapes are destroyed (chance level 0.04).

Not to be confused with: `cyclegan`, the same game with least squares, L1, an identity term, residual
translators and a pool of fakes; `dualgan`, the same game with the Wasserstein distance.

Deviations from the paper:
1. The official program adds a feature matching term of nine times the adversarial weight, which the paper's
   losses do not have, and raises the share of the cycle losses from 0.01 to 0.5 after 10,000 rounds; here all
   weights are one.
2. All networks are updated every round; the official program updates its discriminators in one round of
   three, its translators in the other two.
3. The discriminator scores overlapping patches; at 64x64 each covers the whole image. The official program's
   has one convolution less and one score.
4. Images are in [-1, 1], in the official program in [0, 1], so that a squared distance is four times as
   large.

Tested by: a textbook loop; a learning test on the built-in world (plain drawings translated into inked
ones), which fails with a learning rate of zero and without the cycle losses.
"""

from ganarium.data.settings import Data
from ganarium.methods.unpaired.cyclegan import PLAYERS, CycleGAN
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


def recipe() -> Recipe:
    """Return the official program's size, learning rate and weight decay; it has batches of 64 to 500."""
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
