r"""InfoGAN: representations by maximised information (Chen et al. 2016, arXiv:1606.03657).

Part of the generator's input is a code c of a few categories and numbers. A second head Q on the
discriminator's features reads the code back from the sample, so that it cannot be ignored: each code comes
to stand for something that can be seen, without any label.

    discriminator   min  E[softplus(-D(x))] + E[softplus(D(G))] - L(G, Q)
    generator       min  E[softplus(-D(G))] - L(G, Q)

    L(G, Q) = w E[log Q(c|G(z, c))] for categories, and with w' -1/2 E[(c - Q(G(z, c)))^2] for numbers

L is a lower bound of the mutual information of code and sample (eq. 5). Each categorical code is drawn
uniformly, each number uniformly from [-1, 1].

    ganarium walk RUN --code categorical-0 --out walk.png

draws a row for each noise, with only that code changing along it.

Not to be confused with: `acgan`, where the codes are the data's labels; `cgan`.

Deviations from the paper:
1. The Gaussian Q of a number has a fixed deviation of one, so its log likelihood is a squared distance.
2. DCGAN's layers, whose hidden head has LeakyReLU without batch norm.
3. The turns share one fake batch; `game.resample_noise=true` draws anew for the generator.
4. Pictures, real and fake, are warped at random before the discriminator sees them (`game.warp=0` is the
   paper's), so that the codes come to stand for what slants and shifts leave as it is: on 5,000 digits, for
   their classes.
5. 16 uniform noise variables instead of 62, the categories weigh a half, and batches of 32 instead of 128.
   At the paper's weight of one the warped digits of a code came out nearly alike.
6. Users get the averaged generator.

Tested by: the bound of a table, which reaches the mutual information itself; a textbook loop; a ring whose
modes a code tells apart without a label, where information weight zero fails; handwritten digits likewise.
"""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

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


class InfoGAN(ScoredTwoPlayerGame):
    """A generator whose codes can be read back from its samples.

    Codes are `[N, C]`: the categorical ones as one-hot vectors side by side, then the continuous ones.

    Args:
        generator: noise and codes side by side, `[N, noise_dim + C]`, to samples.
        discriminator: samples to `[N, 1 + C]`: the score, then logits and means of the codes.
        categorical_codes: how many categories each categorical code has.
        continuous_codes: how many numbers there are.
        information_weight: of the categorical codes' log likelihood.
        continuous_weight: of the continuous codes'.
        head_width: units in the hidden layer that only the codes' head has.
        warp: how much all pictures that the discriminator sees are turned, slanted, stretched and shifted at
            random (see `ganarium.ops.augment`; 1 is up to 15 degrees).

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

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
        self.information_weight = information_weight
        self.continuous_weight = continuous_weight
        self.warp = warp

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Networks for samples of the data's shape."""
        refuse_condition(spec)
        categories, numbers = settings["categorical_codes"], settings["continuous_codes"]
        if any(count < 2 for count in categories) or numbers < 0 or not (categories or numbers):
            raise ValueError(
                f"game.categorical_codes={list(categories)} and game.continuous_codes={numbers}: "
                "a categorical code has two categories or more, and there is at least one code"
            )
        size = sum(categories) + numbers
        generator = network("generator", settings["noise_dim"] + size, spec.shape)
        discriminator = MultiHead(network("discriminator", spec.shape), size, width=settings["head_width"])
        return cls(generator, discriminator, **settings)

    def condition_of(self, batch: Tensor | Conditioned) -> Tensor:
        """Codes for as many samples, `[N, C]`."""
        return self.codes(len(batch), device=batch[0].device)

    def codes(
        self, count: int, device: torch.device | str = "cpu", generator: torch.Generator | None = None
    ) -> Tensor:
        """`count` codes drawn from their prior, `[count, C]`."""
        chance = {"device": device, "generator": generator}
        drawn = [one_hot(torch.randint(k, (count,), **chance), k).float() for k in self.categories]  # type: ignore[arg-type]
        return torch.cat([*drawn, latents.noise("uniform", count, self.numbers, **chance)], 1)  # type: ignore[arg-type]

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Tell real from fake, and read the codes of the fake."""
        real, fake, codes = turn_data
        assert codes is not None
        of_real, of_fake = scores(self.discriminator, real, fake)
        return {
            "adversarial": self.adversarial_loss.discriminator(of_real[:, 0], of_fake[:, 0]),
            **self.information(of_fake[:, 1:], codes),
            **self.adversarial_loss.penalties(lambda x: self.discriminator(x)[:, 0], real, fake, clock.every),
        }

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Be taken for real, and let the codes be read."""
        real, fake, codes = turn_data
        assert codes is not None
        fixed_discriminator = frozen(self.discriminator)
        of_fake = fixed_discriminator(fake)
        real_scores = fixed_discriminator(real)[:, 0] if self.adversarial_loss.compares else None
        adversarial = self.adversarial_loss.generator(of_fake[:, 0], real_scores)
        return {"adversarial": adversarial, **self.information(of_fake[:, 1:], codes)}

    def discriminator_input(self, samples: Tensor, clock: Clock) -> Tensor:
        """Samples as the discriminator sees them: the codes have to show through the warp."""
        return super().discriminator_input(warped(samples, self.warp), clock)

    def information(self, read: Tensor, codes: Tensor) -> dict[str, Tensor]:
        """Minus L(G, Q), by kind of code: how badly the codes are read, `[N, C]` both."""
        widths = [*self.categories, self.numbers]
        *logits, means = read.split(widths, 1)
        *chosen, numbers = codes.split(widths, 1)
        terms = {}
        if self.categories:
            misread = sum(map(cross_entropy, logits, chosen), start=read.new_zeros(()))
            terms["categorical"] = self.information_weight * misread
        if self.numbers:
            distance = (means - numbers).square().sum(1).mean() / 2
            terms["continuous"] = self.continuous_weight * distance
        return terms

    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """A fake sample for each code, from fresh noise."""
        assert condition is not None
        return self.generator(torch.cat([self.noise_for(count), condition], 1))

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise and codes `[count, noise_dim + C]`; the first rows do not depend on how many follow."""
        rows = []
        for _ in range(count):
            noise = latents.noise(self.noise_kind, 1, self.noise_dim, generator=generator)
            rows.append(torch.cat([noise, self.codes(1, generator=generator)], 1))
        return torch.cat(rows)

    @property
    def walkable(self) -> tuple[str, ...]:
        """The codes' names: `categorical-0` ..., then `continuous-0` ..."""
        named = {"categorical": len(self.categories), "continuous": self.numbers}
        return tuple(f"{kind}-{i}" for kind, count in named.items() for i in range(count))

    def walk(self, noise: Tensor, code: str, steps: int) -> Tensor:
        """Each row of `noise` again and again, one code changing: `[N * steps, noise_dim + C]`.

        A categorical code takes each of its categories (again from the first after the last), a continuous
        one goes from -1 to 1.
        """
        kind, _, number = code.partition("-")
        i, start = int(number), self.noise_dim
        if kind == "categorical":
            start, width = start + sum(self.categories[:i]), self.categories[i]
            values = one_hot(torch.arange(steps) % width, width).float()
        else:
            start, width = start + sum(self.categories) + i, 1
            values = torch.linspace(-1, 1, steps).unsqueeze(1)
        walked = noise.repeat_interleave(steps, 0)
        walked[:, start : start + width] = values.repeat(len(noise), 1)
        return walked


def recipe() -> Recipe:
    """Appendix C.1 (digits): one code of ten categories, two numbers; Adam 2e-4 and 1e-3."""
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
