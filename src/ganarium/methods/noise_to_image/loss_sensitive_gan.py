r"""Loss-Sensitive-GAN: LS-GAN, on Lipschitz densities (Qi 2020, arXiv:1701.06264).

The discriminator learns a loss L that is smaller for a real sample than for a fake one, by a margin
proportional to the distance of the two. A fake sample beyond the margin no longer contributes, so the updates
concentrate on the others.

    discriminator   min  E[C(w |x - G(z)| + L(x) - L(G(z)))],   C(t) = max(t, slope t)
    generator       min  E[L(G(z))]

The score is D = -L, so that a high score means "real" as in every other game. |x - G(z)| is the mean absolute
difference of a pair, and w is `game.margin_weight`. `game.slope=0` is LS-GAN; a slope up to one is the
generalized GLS-GAN (preprint, appendix D). With slope one the loss is that of WGAN, up to a constant.

Not to be confused with: `lsgan`, least squares.

Deviations from the paper:
1. The term E[L(x)] of eq. 7 is omitted, as in GLS-GAN: the term has no minimum if L has no lower bound.
2. The margin is a mean over pixels, not a sum, so that its weight does not depend on the image size.
3. Both turns use one fake batch; `game.resample_noise=true` samples another for the generator.
4. The saved model contains the averaged generator.

Tested by: the loss against the paper's formula; slope one against the Wasserstein loss; a textbook loop; all
eight modes of a ring (a learning rate of zero fails).
"""

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganarium.core.game import Clock
from ganarium.data.settings import Data
from ganarium.methods.two_player import TurnData, TwoPlayerGame
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


class LossSensitiveGAN(TwoPlayerGame):
    """GAN whose discriminator separates the scores of a real and a fake sample by their distance.

    Args:
        generator: maps noise `[N, noise_dim]` to samples.
        discriminator: maps samples to scores `[N]`.
        margin_weight: margin per mean absolute difference of a pair.
        slope: factor of the loss of pairs beyond the margin, 0 to 1.

    The other arguments are those of `TwoPlayerGame`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        margin_weight: float = 1.0,
        slope: float = 0.0,
        **others: Any,
    ):
        super().__init__(generator, discriminator, **others)
        if not 0 <= slope <= 1:
            raise ValueError(f"game.slope={slope}; set it between 0 (LS-GAN) and 1 (WGAN)")
        self.margin_weight = margin_weight
        self.slope = slope

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Return the mean of C(margin + L(x) - L(G(z))) over pairs of a real and a fake sample."""
        real_scores, fake_scores = scores(self.discriminator, turn_data.real, turn_data.fake)
        margin = self.margin_weight * (turn_data.real - turn_data.fake).abs().flatten(1).mean(1)
        return {"adversarial": leaky_relu(margin - real_scores + fake_scores, self.slope).mean()}

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Return the mean loss L of fake samples."""
        return {"adversarial": -frozen(self.discriminator)(turn_data.fake).mean()}


def recipe() -> Recipe:
    """Return DCGAN's networks and settings, as in the paper (sec. 7)."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="loss-sensitive-gan",
        images=5_000_000,
        batch_size=64,
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64),
    )


TINY = {"game": {"noise_dim": 4}, "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}}}

METHOD = Method("loss-sensitive-gan", LossSensitiveGAN, recipe, TINY)
