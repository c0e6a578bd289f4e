r"""InfoGAN: representations by maximised information (Chen et al. 2016, arXiv:1606.03657).

Part of the generator's input is a code c of a few categories and numbers. A second head Q on the
discriminator's features predicts the code from the sample, so the generator cannot ignore it. Without any
labels, each code learns to control a visible property of the samples.

    discriminator   min  E[softplus(-D(x))] + E[softplus(D(G))] - L(G, Q)
    generator       min  E[softplus(-D(G))] - L(G, Q)

    L(G, Q) = w E[log Q(c|G(z, c))] for categories, and with w' -1/2 E[(c - Q(G(z, c)))^2] for numbers

L is a lower bound of the mutual information of code and sample (eq. 5). Categorical codes are sampled
uniformly, continuous codes uniformly from [-1, 1]. w is `game.information_weight`, w' is
`game.continuous_weight`. This command plots one row per noise vector, along which only the given code
changes:

    ganarium traverse RUN --code categorical-0 --grid traversal.png

Not to be confused with: `acgan`, whose codes are the labels of the data; `cgan`, whose condition also comes
from the data.

Deviations from the paper:
1. The Gaussian Q of a number has a fixed standard deviation of one, so its log likelihood is a squared
   distance.
2. DCGAN's layers; the hidden layer of the head Q has LeakyReLU without batch norm.
3. Both turns use one fake batch; `game.resample_noise=true` samples another for the generator.
4. Images, real and fake, are warped at random before the discriminator scores them (`game.warp=0` is the
   paper's). The codes then learn properties that slants and shifts do not change: on 5,000 digits, the
   classes.
5. 16 uniform noise variables instead of 62, a weight of one half for categories, and batches of 32 instead of
   128. At the paper's weight of one, the warped digits of a code were nearly identical.
6. The saved model contains the averaged generator.

Tested by: a table, whose bound reaches the mutual information; a textbook loop; a ring whose modes a code
separates without labels (an information weight of zero fails); handwritten digits likewise.
"""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from ganarium.common.text import nearest
from ganarium.core.game import Clock
from ganarium.data.batches import Conditioned
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.two_player import ScoredTwoPlayerGame, TurnData, refuse_condition
from ganarium.networks.heads import MultiHead
from ganarium.ops import latents
from ganarium.ops.augment import warped
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent
from ganarium.tasks.traverse import Traverse


class InfoGAN(ScoredTwoPlayerGame):
    """GAN whose discriminator predicts the generator's codes from the samples.

    Codes are `[N, C]`: concatenated one-hot vectors of the categorical codes, then the continuous codes.

    Args:
        generator: maps concatenated noise and codes, `[N, noise_dim + C]`, to samples.
        discriminator: maps samples to `[N, 1 + C]`: the score, then logits and means of the codes.
        categorical_codes: number of categories of each categorical code.
        continuous_codes: number of continuous codes.
        information_weight: weight of the categorical codes' log likelihood.
        continuous_weight: weight of the continuous codes' log likelihood.
        head_width: number of units in the hidden layer of the head that predicts the codes.
        warp: strength of the random rotation, slant, stretch and shift of all images that the discriminator
            scores (see `ganarium.ops.augment`; 1 is up to 15 degrees).

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

    tasks = (Generate(), Traverse())

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        categorical_codes: tuple[int, ...] = (10,),
        continuous_codes: int = 2,
        information_weight: float = 1.0,
        continuous_weight: float = 0.1,
        head_width: int = 128,
        warp: float = 0.0,
        **others: Any,
    ):
        super().__init__(generator, discriminator, **others)
        self.categories = tuple(categorical_codes)
        self.numbers = continuous_codes
        self.latents += tuple(
            Latent(f"categorical_{i}", (count,), "one-hot") for i, count in enumerate(self.categories)
        )
        if continuous_codes:
            self.latents += (Latent("continuous", (continuous_codes,), "uniform"),)
        self.information_weight = information_weight
        self.continuous_weight = continuous_weight
        self.warp = warp

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Return the game with networks for samples of the data's shape.

        Raises:
            ValueError: no code, a code with fewer than two categories, or data with a condition.
        """
        refuse_condition(spec)
        categories, numbers = settings["categorical_codes"], settings["continuous_codes"]
        if any(count < 2 for count in categories) or numbers < 0 or not (categories or numbers):
            raise ValueError(
                f"game.categorical_codes={list(categories)}, game.continuous_codes={numbers}: "
                "set at least one code, and at least two categories for each categorical code"
            )
        size = sum(categories) + numbers
        generator = network("generator", settings["noise_dim"] + size, spec.shape)
        discriminator = MultiHead(network("discriminator", spec.shape), size, width=settings["head_width"])
        return cls(generator, discriminator, **settings)

    def condition_of(self, batch: Tensor | Conditioned) -> Tensor:
        """Return new codes for the samples of a batch, `[N, C]`."""
        return self.codes(len(batch), device=batch[0].device)

    def codes(
        self, count: int, device: torch.device | str = "cpu", generator: torch.Generator | None = None
    ) -> Tensor:
        """Return codes sampled from their prior, `[count, C]`."""
        rng: dict[str, Any] = {"device": device, "generator": generator}
        categorical = [one_hot(torch.randint(k, (count,), **rng), k).float() for k in self.categories]
        return torch.cat([*categorical, latents.noise("uniform", count, self.numbers, **rng)], 1)

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Return the adversarial loss, the loss of the codes predicted from fake samples, and the penalty."""
        real, fake, codes = turn_data
        assert codes is not None
        real_outputs, fake_outputs = scores(self.discriminator, real, fake)
        return {
            "adversarial": self.adversarial_loss.discriminator(real_outputs[:, 0], fake_outputs[:, 0]),
            **self.information(fake_outputs[:, 1:], codes),
            **self.adversarial_loss.penalties(lambda x: self.discriminator(x)[:, 0], real, fake, clock.every),
        }

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Return the adversarial loss of fake samples and the loss of the codes predicted from them."""
        real, fake, codes = turn_data
        assert codes is not None
        fixed_discriminator = frozen(self.discriminator)
        fake_outputs = fixed_discriminator(fake)
        real_scores = fixed_discriminator(real)[:, 0] if self.adversarial_loss.compares else None
        adversarial = self.adversarial_loss.generator(fake_outputs[:, 0], real_scores)
        return {"adversarial": adversarial, **self.information(fake_outputs[:, 1:], codes)}

    def discriminator_input(self, samples: Tensor, clock: Clock) -> Tensor:
        """Return warped samples: the codes must be predictable from these."""
        return super().discriminator_input(warped(samples, self.warp), clock)

    def information(self, predictions: Tensor, codes: Tensor) -> dict[str, Tensor]:
        """Return -L(G, Q) by kind of code, from predictions and true codes, both `[N, C]`."""
        widths = [*self.categories, self.numbers]
        *logits, means = predictions.split(widths, 1)
        *categories, numbers = codes.split(widths, 1)
        terms = {}
        if self.categories:
            loss = sum(map(cross_entropy, logits, categories), start=predictions.new_zeros(()))
            terms["categorical"] = self.information_weight * loss
        if self.numbers:
            distance = (means - numbers).square().sum(1).mean() / 2
            terms["continuous"] = self.continuous_weight * distance
        return terms

    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """Return a fake sample for each code, from new noise."""
        assert condition is not None
        return self.generator(torch.cat([self.noise_for(count), condition], 1))

    def generate(self, z: Tensor, **codes: Tensor) -> Tensor:
        """Return samples of latents `[N, noise_dim]` and of codes, one argument for each of `latents`."""
        return self.generator(torch.cat([z, *(codes[latent.argument] for latent in self.latents[1:])], 1))

    def traverse(self, z: Tensor, *, code: str | None = None, steps: int = 10, **codes: Tensor) -> Tensor:
        """Return `steps` samples for each row of latents, along which one code changes.

        A categorical code takes its categories in turn, repeatedly if `steps` exceeds their number. A
        continuous code increases from -1 to 1.

        Args:
            z: latents `[N, noise_dim]`.
            code: name of the code, `categorical-0` ... or `continuous-0` ...; the first one if None.
            steps: number of values.
            codes: codes, one argument for each of `latents`.

        Raises:
            ValueError: there is no such code.
        """
        argument, column = self._code(code)
        given = {name: values.repeat_interleave(steps, 0) for name, values in {"z": z, **codes}.items()}
        if column is None:
            width = given[argument].shape[1]
            varied = one_hot(torch.arange(steps, device=z.device) % width, width).float()
            given[argument] = varied.repeat(len(z), 1)
        else:
            given[argument] = given[argument].clone()
            given[argument][:, column] = torch.linspace(-1, 1, steps, device=z.device).repeat(len(z))
        return self.generate(**given)

    def _code(self, code: str | None) -> tuple[str, int | None]:
        """Return the latent of a code, and its column if the code is continuous."""
        places: dict[str, tuple[str, int | None]] = {
            f"categorical-{i}": (f"categorical_{i}", None) for i in range(len(self.categories))
        }
        places |= {f"continuous-{i}": ("continuous", i) for i in range(self.numbers)}
        code = code or next(iter(places))
        if code not in places:
            raise ValueError(
                f"there is no code {code!r}{nearest(code, places)}; choose from {', '.join(places)}"
            )
        return places[code]


def recipe() -> Recipe:
    """Return the settings of appendix C.1 (digits).

    One code of ten categories, two numbers; Adam 2e-4 and 1e-3.
    """
    return Recipe(
        method="infogan",
        images=5_000_000,
        batch_size=32,
        game={"noise_dim": 16, "noise": "uniform", "information_weight": 0.5, "warp": 1.0},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={
            "generator": {"kind": "adam", "lr": 1e-3, "betas": (0.5, 0.999)},
            "discriminator": {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)},
        },
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64),
    )


TINY = {
    "game": {"noise_dim": 4, "head_width": 8},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("infogan", InfoGAN, recipe, TINY)
