r"""CGAN: conditional generative adversarial nets (Mirza & Osindero 2014, arXiv:1411.1784).

Both sides are told what the sample should show: a label, an attribute vector or a picture c. It joins
each side by concatenation or by addition. The discriminator judges in one of two ways:

`game.condition_score=joint`: one score, "real, and matching"

    discriminator   min  E[softplus(-D(x, c))] + E[softplus(D(G(z, c), c))]
    generator       min  E[softplus(-D(G(z, c), c))]

`game.condition_score=apart`: "real?" by one network R, "does it match?" by another M (as the two heads of
Zhang et al. 2017, arXiv:1710.10916, eq. 3 and 4)

    discriminator   min  E[softplus(-R(x))] + E[softplus(R(G))] + E[softplus(-M(x, c))] + E[softplus(M(G, c))]
    generator       min  E[softplus(-R(G))] + E[softplus(-M(G, c))]

`game.condition_score=projection`: one score, to which the condition is joined by an inner product; see
`projection-cgan`.

`game.mismatched_pairs=true` also shows the discriminator real samples with a wrong condition c', as samples
that do not match, at equal parts with the fake ones (Reed et al. 2016, arXiv:1605.05396, algorithm 1).
`game.noise=none` lets the condition, a blurred picture say, stand in place of noise.

Not to be confused with: `acgan`, whose discriminator names the class instead of being told;
`projection-cgan`, which joins by an inner product; pix2pix, whose generator keeps the picture's layout.

Deviations from the paper:
1. Convolutional networks; the paper has perceptrons (`networks.*.kind=mlp`).
2. Labels are embedded; the paper's one-hot vector followed by a linear layer is the same.
3. The turns share one fake batch; `game.resample_noise=true` draws anew for the generator, and
   `game.generator_first=true` turns the order round.
4. Adam in batches of 32, the generator's rate five times the discriminator's; the paper has plain gradient
   descent in batches of 100.
5. Users get the averaged generator.

Tested by: a table discriminator, whose optimum is log p(x|c)/q(x|c) and, with mismatched pairs, has a
closed form, too; a textbook loop; the world's shapes and handwritten digits drawn as asked, where learning
rate zero fails.
"""

from collections.abc import Callable
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from ganarium.core.game import Clock
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.two_player import ScoredTwoPlayerGame, TurnData
from ganarium.networks.conditioning import (
    ConditionedDiscriminator,
    ConditionedGenerator,
    ConditionVector,
    ImageScore,
    Join,
    JointScore,
    ProjectionScore,
)
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


class CGAN(ScoredTwoPlayerGame):
    """Two players who are both told the condition.

    Args:
        generator: noise `[N, noise_dim]` (or None) and conditions to samples.
        discriminator: samples and conditions to scores `[N, J]`, a column a question; the last one asks
            whether the sample matches its condition.
        classes: how many labels there are; 0 where the condition is no label.
        join: how conditions join each network's input, `concatenate` or `add`.
        condition_dim: length of a condition's vector, or number of its planes, where it is concatenated.
        condition_score: `joint` and `projection` ask one question (J = 1), `apart` two (J = 2).
        mismatched_pairs: show the discriminator real samples with wrong conditions, too.
        noise: `normal`, `uniform` in [-1, 1], or `none`.

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        classes: int = 0,
        *,
        join: Join = "concatenate",
        condition_dim: int = 16,
        condition_score: Literal["joint", "apart", "projection"] = "joint",
        mismatched_pairs: bool = False,
        noise: Literal["normal", "uniform", "none"] = "normal",
        **others: Any,
    ):
        super().__init__(generator, discriminator, noise="normal" if noise == "none" else noise, **others)
        self.without_noise = noise == "none"
        self.classes = classes
        self.questions = ("realism", "matching") if condition_score == "apart" else ("adversarial",)
        self.mismatched_pairs = mismatched_pairs

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Networks for samples and conditions of the data's shapes."""
        if not spec.condition:
            raise ValueError(
                "this method draws what it is told: set data.condition=label, attributes or a picture"
            )
        join, size = settings["join"], settings["condition_dim"]
        classes = len(spec.classes) if spec.condition == "label" else 0
        wish = spec.condition_shape, classes

        inputs = settings["noise_dim"] if settings["noise"] != "none" else 0
        condition = inputs if join == "add" and inputs else size
        body = network("generator", condition if join == "add" else inputs + condition, spec.shape)
        generator = ConditionedGenerator(body, ConditionVector(*wish, condition), join=join)

        matching: JointScore | ImageScore | ProjectionScore
        if settings["condition_score"] == "projection":
            matching = ProjectionScore(network("discriminator", spec.shape), *wish)
        elif len(spec.condition_shape) == 3:
            channels = spec.shape[0]
            planes = nn.Conv2d(spec.condition_shape[0], channels if join == "add" else size, 1)
            joined = channels if join == "add" else channels + size
            matching = ImageScore(network("discriminator", (joined, *spec.shape[1:])), planes, join=join)
        else:
            matching = JointScore(network("discriminator", spec.shape), *wish, size, join=join)
        realism = network("discriminator", spec.shape) if settings["condition_score"] == "apart" else None
        return cls(generator, ConditionedDiscriminator(matching, realism), classes, **settings)

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Tell real pairs from fake ones, and from mismatched ones."""
        real, fake, condition = turn_data
        assert condition is not None
        pairs = [(real, condition), (fake, condition)]
        if self.mismatched_pairs:
            pairs += self.with_wrong_conditions(real, condition)
        real_scores, fake_scores, *wrong_scores = scores(self.discriminator, *pairs)

        judge = self.adversarial_loss.discriminator
        terms = {}
        for j, question in enumerate(self.questions):
            terms[question] = judge(real_scores[:, j], fake_scores[:, j])
            terms |= self.adversarial_loss.penalties(
                lambda samples, j=j: self.discriminator(samples, condition)[:, j],  # type: ignore[misc]
                real,
                fake,
                clock.every,
                name=f"{question}_penalty",
            )
        for wrong in wrong_scores:
            about_match = judge(real_scores[:, -1], wrong[:, -1])
            terms[self.questions[-1]] = (terms[self.questions[-1]] + about_match) / 2
        return terms

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Be taken for real, and for what was asked."""
        real, fake, condition = turn_data
        assert condition is not None
        judge = frozen(self.discriminator)
        fake_scores = judge(fake, condition).unbind(1)
        real_scores = (
            judge(real, condition).unbind(1) if self.adversarial_loss.compares else (None,) * len(fake_scores)
        )
        losses = map(self.adversarial_loss.generator, fake_scores, real_scores)
        return dict(zip(self.questions, losses, strict=True))

    def features(self, samples: Tensor, condition: Tensor | None) -> Tensor:
        """What the score for sample and condition is read from."""
        return frozen(self.discriminator, "features")(samples, condition)

    def with_wrong_conditions(self, real: Tensor, condition: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Real samples with a condition that is surely not theirs; none where all conditions are alike."""
        if self.classes:
            other = torch.randint(1, max(2, self.classes), condition.shape, device=condition.device)
            return [(real, (condition + other) % self.classes)] if self.classes > 1 else []
        wrong = condition.roll(1, 0)
        differs = (wrong != condition).flatten(1).any(1)
        return [(real[differs], wrong[differs])] if bool(differs.any()) else []

    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """A fake sample for each condition, from fresh noise."""
        return self.generator(None if self.without_noise else self.noise_for(count), condition)

    def generate(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples from noise `[N, noise_dim]`, one for each condition."""
        if condition is None:
            raise ValueError("this model draws what it is told: name a class, attributes or pictures")
        return self.generator(None if self.without_noise else noise, condition)


def recipe() -> Recipe:
    """Labels, in DCGAN's networks and settings, with a generator that learns five times as fast."""
    return Recipe(
        method="cgan",
        images=5_000_000,
        batch_size=32,
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={
            "generator": {"kind": "adam", "lr": 1e-3, "betas": (0.5, 0.999)},
            "discriminator": {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)},
        },
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64, condition="label"),
    )


TINY = {
    "game": {"noise_dim": 4, "condition_dim": 4},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("cgan", CGAN, recipe, TINY)
