r"""GAN: Generative adversarial nets (Goodfellow et al. 2014, arXiv:1406.2661).

A generator turns noise into samples; a discriminator tells samples from data. Each learns from the
other, and at the optimum the samples are distributed as the data.

    discriminator   min  E[softplus(-D(x))] + E[softplus(D(G(z)))]
    generator       min  E[softplus(-D(G(z)))]      `game.objective=non-saturating` (sec. 3)
                    min -E[softplus(D(G(z)))]       `game.objective=saturating` (eq. 1)

D is the score before the sigmoid, so softplus(-D) is -log of the probability "real". The round is the
paper's algorithm 1: k discriminator updates, then one of the generator. The same script with another
objective, penalty or network is another method: `dcgan`, `wgan-gp`, `sngan` are recipes of this game.

Not to be confused with: `dcgan`, the convolutional networks; `cgan`, which is told what to draw.

Deviations from the paper:
1. The turns share one fake batch (exact for the generator, faster); `game.fresh_noise=true` draws
   anew as the paper writes it, `game.generator_first=true` turns the order round.
2. LeakyReLU perceptrons and Adam in place of maxout, dropout and momentum;
   `networks.discriminator.dropout=0.5` brings dropout back.
3. Users get the averaged generator.

Tested by: the optimum log p/q of a table discriminator; a textbook loop, step for step; all eight
modes of a ring, with R1, where learning rate zero fails.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ganarium.data.batches import Facts
from ganarium.game import Clock, Game, Turn, turn
from ganarium.networks import DISCRIMINATORS, GENERATORS
from ganarium.parts import latents
from ganarium.parts.dispute import Dispute
from ganarium.parts.judging import frozen, scores
from ganarium.parts.objectives import ObjectiveName
from ganarium.parts.penalties import PenaltyName
from ganarium.recipe import Average, Data, Method, Recipe


class GAN(Game):
    """Two players and noise; objective, penalty, networks and number of updates are free to choose.

    Args:
        generator: noise `[N, noise_dim]` to samples.
        discriminator: samples to scores `[N, ...]`.
        noise_dim: length of the noise vector.
        noise: `normal`, or `uniform` in [-1, 1].
        objective: what the two sides want, see `ganarium.parts.objectives`.
        penalty: on the discriminator's slope or weights, see `ganarium.parts.penalties`.
        penalty_weight: the penalty's factor; its paper's where it is not said.
        penalty_interval: rounds from one penalty to the next; each is scaled up by as much.
        clip_bound: largest weight of the discriminator, for `penalty="clip"`.
        discriminator_updates: the paper's k.
        fresh_noise: the generator's turn draws its own fake batch.
        generator_first: the generator moves before the discriminator.
    """

    roles: ClassVar = {"generator": GENERATORS, "discriminator": DISCRIMINATORS}

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        noise_dim: int = 100,
        noise: latents.Noise = "normal",
        objective: ObjectiveName = "non-saturating",
        penalty: PenaltyName = "none",
        penalty_weight: float | None = None,
        penalty_interval: int = 1,
        clip_bound: float = 0.01,
        discriminator_updates: int = 1,
        fresh_noise: bool = False,
        generator_first: bool = False,
    ):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.noise_dim = noise_dim
        self.noise_kind = noise
        self.dispute = Dispute(objective, penalty, penalty_weight, penalty_interval, clip_bound)
        self.dispute.check(discriminator)
        self.discriminator_updates = discriminator_updates
        self.fresh_noise = fresh_noise
        self.generator_first = generator_first

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], facts: Facts, **settings: Any) -> Self:
        """Networks for samples of the data's shape."""
        if facts.condition:
            raise ValueError(
                f"data.condition={facts.condition}, but this method draws without a condition; "
                "leave data.condition out, or choose cgan"
            )
        generator = network("generator", settings["noise_dim"], facts.shape)
        return cls(generator, network("discriminator", facts.shape), **settings)

    def play(self, data: Iterator[Tensor], clock: Clock) -> Iterator[Turn]:
        """Algorithm 1."""
        if self.generator_first:
            yield from self.play_generator_first(data, clock)
            return
        for left in reversed(range(self.discriminator_updates)):
            real = next(data)
            shared = left == 0 and not self.fresh_noise
            with torch.set_grad_enabled(shared):
                fake = self.sample(len(real))
            yield self.discriminators_turn(real, fake, clock)
            self.dispute.clip(self.discriminator)
        yield self.generators_turn(self.sample(len(real)) if self.fresh_noise else fake)

    def play_generator_first(self, data: Iterator[Tensor], clock: Clock) -> Iterator[Turn]:
        """The generator against the discriminator of the last round, then the discriminator's updates."""
        real = next(data)
        fake = self.sample(len(real))
        yield self.generators_turn(fake)
        for update in range(self.discriminator_updates):
            if update or self.fresh_noise:
                real = next(data) if update else real
                with torch.no_grad():
                    fake = self.sample(len(real))
            yield self.discriminators_turn(real, fake, clock)
            self.dispute.clip(self.discriminator)

    def discriminators_turn(self, real: Tensor, fake: Tensor, clock: Clock) -> Turn:
        """Tell real from fake, and pay for too steep a slope."""
        fake = fake.detach()
        real_scores, fake_scores = scores(self.discriminator, real, fake)
        adversarial = self.dispute.objective.discriminator(real_scores, fake_scores)
        penalties = self.dispute.penalties(self.discriminator, real, fake, clock.every)
        return turn(self.discriminator, adversarial=adversarial, **penalties)

    def generators_turn(self, fake: Tensor) -> Turn:
        """Be taken for real."""
        fake_scores = frozen(self.discriminator)(fake)
        return turn(self.generator, adversarial=self.dispute.objective.generator(fake_scores))

    def sample(self, count: int) -> Tensor:
        """`count` fake samples from fresh noise."""
        device = next(self.generator.parameters()).device
        return self.generator(latents.noise(self.noise_kind, count, self.noise_dim, device=device))

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise `[count, noise_dim]` on the CPU; the first rows do not depend on how many follow."""
        return latents.rows(self.noise_kind, count, self.noise_dim, generator)

    def generate(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples from noise `[N, noise_dim]`."""
        return self.generator(noise)


def recipe() -> Recipe:
    """Small grey digits or points: perceptrons."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="gan",
        images=2_000_000,
        batch_size=64,
        networks={"generator": {"kind": "mlp"}, "discriminator": {"kind": "mlp"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(largest=32),
    )


TINY = {
    "game": {"noise_dim": 4},
    "networks": {"generator": {"width": 8, "depth": 1}, "discriminator": {"width": 8, "depth": 1}},
}

METHOD = Method("gan", GAN, recipe, TINY)
