r"""EBGAN: energy-based GAN (Zhao et al. 2017, arXiv:1609.03126).

The discriminator is an autoencoder, and what it puts back together badly has a high energy. It learns low
energy for data and energy up to a margin for fake samples; the generator looks for low energy.

    discriminator   min  E[E(x)] + E[max(0, m - E(G(z)))],   E(x) = |Dec(Enc(x)) - x|^2      (eq. 1)
    generator       min  E[E(G(z))] + w PT                                               (eq. 2)

    PT = mean of cos(S_i, S_j)^2 over pairs i != j of the codes S = Enc(G(z))            (eq. 4)

|.|^2 is the mean over a sample's numbers. The pulling-away term PT keeps the codes of a batch apart, and
so the samples; `game.pulling_away_weight=0.1` is EBGAN-PT. `game.pretraining_images=100_000` first trains
the autoencoder on data alone, which shows how low the energy can go: a margin well above that is needed.

Not to be confused with: BEGAN, which balances the two energies instead of a margin; VAE-GAN, whose
autoencoder is the generator's side.

Deviations from the paper:
1. Energies are means over a sample's numbers, so that one margin serves all sizes; the paper's are norms.
2. A code of fixed length between the convolutions, as in its EBGAN-PT; DCGAN's layers on both sides.
3. The turns share one fake batch; `game.resample_noise=true` draws anew for the generator.
4. Users get the averaged generator.

Tested by: a table of energies, whose optimum is 0 where the data are denser and the margin where the fake
samples are; the pulling-away term against its formula; a textbook loop; the world's shapes with an upsampling
generator, where learning rate zero fails. There most samples were of one class, with and without pulling
away; of eight modes on a ring it covered four at best.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from ganarium.core.game import Clock, Turn, turn
from ganarium.data.settings import Data
from ganarium.methods.two_player import TurnData, TwoPlayerGame
from ganarium.networks import AUTOENCODERS, GENERATORS
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def energy(samples: Tensor, rebuilt: Tensor) -> Tensor:
    """How badly each sample was put back together: the mean squared difference, `[N]`."""
    return (rebuilt - samples).square().flatten(1).mean(1)


def pulling_away(codes: Tensor) -> Tensor:
    """The mean squared cosine of the angles between different codes of a batch `[N, code_dim]` (eq. 4)."""
    count = len(codes)
    if count < 2:
        raise ValueError("the pulling-away term compares samples of a batch: set batch_size to 2 or more")
    codes = normalize(codes)
    cosines = codes @ codes.T
    return (cosines.square().sum() - cosines.diagonal().square().sum()) / (count * (count - 1))


class EBGAN(TwoPlayerGame):
    """An autoencoder as discriminator.

    Args:
        generator: noise `[N, noise_dim]` to samples.
        discriminator: an autoencoder, which shows its code as `features`.
        margin: the energy up to which fake samples are raised.
        pulling_away_weight: of the term that keeps the codes of a batch apart.
        pretraining_images: so many the autoencoder sees before the game begins.

    The other arguments are those of `TwoPlayerGame`.
    """

    roles: ClassVar = {"generator": GENERATORS, "discriminator": AUTOENCODERS}

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        margin: float = 1.0,
        pulling_away_weight: float = 0.0,
        pretraining_images: int = 0,
        **others: Any,
    ):
        super().__init__(generator, discriminator, **others)
        if margin <= 0:
            raise ValueError(f"game.margin is {margin}; fake samples are raised up to it, so it is above 0")
        self.margin = margin
        self.pulling_away_weight = pulling_away_weight
        self.pretraining_images = pretraining_images

    def play(self, data: Iterator[Tensor], clock: Clock) -> Iterator[Turn]:
        """The autoencoder alone, then algorithm 1."""
        if clock.images < self.pretraining_images:
            real = next(data)
            yield turn(self.discriminator, reconstruction=energy(real, self.discriminator(real)).mean())
        else:
            yield from super().play(data, clock)

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Put data back together, and fake samples only badly."""
        real, fake, _ = turn_data
        rebuilt_real, rebuilt_fake = scores(self.discriminator, real, fake)
        missing = relu(self.margin - energy(fake, rebuilt_fake))
        return {"reconstruction": energy(real, rebuilt_real).mean(), "margin": missing.mean()}

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Draw what the autoencoder can put back together; different things in one batch."""
        fake = turn_data.fake
        terms = {"reconstruction": energy(fake, frozen(self.discriminator)(fake)).mean()}
        if self.pulling_away_weight:
            terms["pulling_away"] = self.pulling_away_weight * pulling_away(self.features(fake, None))
        return terms

    def realness(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        """How real samples look to the autoencoder, `[N]`: the less their energy, the more."""
        return -energy(samples, self.discriminator(samples))


def recipe() -> Recipe:
    """EBGAN-PT; Adam as in appendix D, and a margin a little above what the world's autoencoder needs."""
    adam = {"kind": "adam", "lr": 1e-3, "betas": (0.5, 0.999)}
    return Recipe(
        method="ebgan",
        images=5_000_000,
        batch_size=64,
        game={"margin": 0.1, "pulling_away_weight": 0.1},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan", "norm": "none"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64),
    )


TINY = {
    "game": {"noise_dim": 4},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4, "code_dim": 4}},
}

METHOD = Method("ebgan", EBGAN, recipe, TINY)
