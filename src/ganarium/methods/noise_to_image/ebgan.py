r"""EBGAN: energy-based GAN (Zhao et al. 2017, arXiv:1609.03126).

The discriminator is an autoencoder, and the energy of a sample is its reconstruction error. The discriminator
lowers the energy of data and raises that of fake samples up to a margin; the generator lowers the energy of
fake samples.

    discriminator   min  E[E(x)] + E[max(0, m - E(G(z)))],   E(x) = |Dec(Enc(x)) - x|^2      (eq. 1)
    generator       min  E[E(G(z))] + w PT                                               (eq. 2)

    PT = mean of cos(S_i, S_j)^2 over pairs i != j of the codes S = Enc(G(z))            (eq. 4)

|.|^2 is the mean over the elements of a sample. The pulling-away term PT makes the codes of a batch differ,
and thus the samples; `game.pulling_away_weight=0.1` is EBGAN-PT. `game.pretraining_images=100_000` first
trains the autoencoder on data alone; the margin must be well above the energy that this training reaches.

Not to be confused with: BEGAN, which balances the two energies instead of using a margin; VAE-GAN, whose
autoencoder contains the generator.

Deviations from the paper:
1. Energies are means over the elements of a sample, so that one margin fits all sizes; the paper's are norms.
2. A code of fixed length between the convolutions, as in the paper's EBGAN-PT; DCGAN's layers in both
   networks.
3. Both turns use one fake batch; `game.resample_noise=true` samples another for the generator.
4. The saved model contains the averaged generator.

Tested by: a table of energies, whose optimum is 0 where data are denser and the margin where fake samples are
denser; the pulling-away term against its formula; a textbook loop; the shapes of the `world` data with an
upsampling generator (a learning rate of zero fails). Most of these shapes were of one class, with and without
the pulling-away term; of eight modes on a ring, EBGAN covered four at best.
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


def energy(samples: Tensor, reconstructions: Tensor) -> Tensor:
    """Return the reconstruction error of each sample, `[N]`: the mean squared difference."""
    return (reconstructions - samples).square().flatten(1).mean(1)


def pulling_away(codes: Tensor) -> Tensor:
    """Return the mean squared cosine between different codes of a batch `[N, code_dim]` (eq. 4).

    Raises:
        ValueError: the batch has fewer than two codes.
    """
    count = len(codes)
    if count < 2:
        raise ValueError(
            f"a batch of {count}: game.pulling_away_weight compares the samples of a batch; "
            "set batch_size to 2 or more"
        )
    codes = normalize(codes)
    cosines = codes @ codes.T
    return (cosines.square().sum() - cosines.diagonal().square().sum()) / (count * (count - 1))


class EBGAN(TwoPlayerGame):
    """Energy-based GAN whose discriminator is an autoencoder.

    Args:
        generator: maps noise `[N, noise_dim]` to samples.
        discriminator: autoencoder of samples; its method `features` returns the code.
        margin: energy up to which the discriminator raises fake samples.
        pulling_away_weight: weight of the term that makes the codes of a batch differ.
        pretraining_images: number of images on which the autoencoder is trained before the game begins.

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
            raise ValueError(f"game.margin={margin}: fake samples are raised to this energy; set it above 0")
        self.margin = margin
        self.pulling_away_weight = pulling_away_weight
        self.pretraining_images = pretraining_images

    def play(self, data: Iterator[Tensor], clock: Clock) -> Iterator[Turn]:
        """Yield turns of the autoencoder alone during pretraining, then the turns of algorithm 1."""
        if clock.images < self.pretraining_images:
            real = next(data)
            yield turn(self.discriminator, reconstruction=energy(real, self.discriminator(real)).mean())
        else:
            yield from super().play(data, clock)

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Return the energy of data, and the part of the margin that fake samples do not reach."""
        real, fake, _ = turn_data
        reconstructed_real, reconstructed_fake = scores(self.discriminator, real, fake)
        missing = relu(self.margin - energy(fake, reconstructed_fake))
        return {"reconstruction": energy(real, reconstructed_real).mean(), "margin": missing.mean()}

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Return the energy of fake samples and, if it has a weight, the pulling-away term."""
        fake = turn_data.fake
        terms = {"reconstruction": energy(fake, frozen(self.discriminator)(fake)).mean()}
        if self.pulling_away_weight:
            terms["pulling_away"] = self.pulling_away_weight * pulling_away(self.features(fake, None))
        return terms

    def realness(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the realness of samples, `[N]`: their negative energy."""
        return -energy(samples, self.discriminator(samples))


def recipe() -> Recipe:
    """Return the settings of EBGAN-PT, with Adam as in appendix D.

    The margin is slightly above the one that the autoencoder of `world` data needs.
    """
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
