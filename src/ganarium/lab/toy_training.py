"""Training runs on points in the plane: small recipes of the library's methods, played by the engine."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec

import numpy as np
import torch
from torch import Tensor, nn

from ganarium import methods
from ganarium.common.text import nearest
from ganarium.core.engine import Engine
from ganarium.core.game import Clock
from ganarium.data.modalities.points import Points as PointModality
from ganarium.data.sources.densities import POINTS, Points
from ganarium.data.spec import DataSpec
from ganarium.lab.result import Array, ExperimentResult
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import resolve
from ganarium.training.builder import engine_for

P = ParamSpec("P")


def seeded(experiment: Callable[P, ExperimentResult]) -> Callable[P, ExperimentResult]:
    """Seed the random numbers of an experiment with its `seed`; the caller's random state is unchanged."""

    @functools.wraps(experiment)
    def call(*args: P.args, **settings: P.kwargs) -> ExperimentResult:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.get("seed", 0))
            return experiment(*args, **settings)

    return call


def points_named(name: str) -> Points:
    """Return the distribution of this name.

    Raises:
        ValueError: unknown name; the message lists the known ones.
    """
    if name not in POINTS:
        raise ValueError(f"points={name!r}: choose from {', '.join(POINTS)}{nearest(name, POINTS)}")
    return POINTS[name]


def check_counts(**counts: int) -> None:
    """Raise ValueError naming the first setting that is less than one."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} is {count}; it must be at least 1")


def measured_rounds(rounds: int, looks: int) -> Array:
    """Return 0, `rounds` and evenly spaced rounds between them: at most `looks + 1` integers."""
    return np.unique(np.linspace(0, rounds, looks + 1).round().astype(int))


def lattice(reach: float, steps: int) -> Tensor:
    """Return a square grid of points from -reach to reach, row by row upwards: `[steps * steps, 2]`."""
    ticks = torch.linspace(-reach, reach, steps)
    return torch.cartesian_prod(ticks, ticks).flip(1)


class FreshBatches(Iterator[Tensor]):
    """Endless batches `[N, 2]` of new points; each batch is a function of the seed and its number."""

    def __init__(self, points: Points, batch_size: int, *, seed: int):
        self.points, self.batch_size, self.seed = points, batch_size, seed
        self.images = 0

    def __next__(self) -> Tensor:
        number = self.images // self.batch_size
        self.images += self.batch_size
        return self.points.sample(self.batch_size, seed=(self.seed + 1) * 1_000_003 + number)


class ToyRun:
    """Training run of a method on points: `play` some rounds, then evaluate the networks.

    Args:
        method: name of the method.
        points: distribution of the data.
        changes: layers of recipe keys over the method's own recipe.
        rounds: length of the whole run, which the schedules refer to.
        seed: seed of weights, noise and data.
    """

    def __init__(self, method: str, points: Points, *changes: Mapping[str, Any], rounds: int, seed: int):
        found = methods.find(method)
        self.recipe = resolve(found, *changes, {"seed": seed, "device": "cpu"})
        game = build_game(found, self.recipe, DataSpec(PointModality(), (2,)))
        updates = self.recipe.game.get("discriminator_updates", 1)
        images = rounds * updates * self.recipe.batch_size
        self.engine: Engine = engine_for(game, self.recipe, torch.device("cpu"), images=images)
        self.data = FreshBatches(points, self.recipe.batch_size, seed=seed)

    def play(self, rounds: int) -> dict[str, Tensor]:
        """Play this number of rounds and return the loss terms of the last one."""
        terms: dict[str, Tensor] = {}
        for _ in range(rounds):
            terms = self.engine.round(self.data)
        return terms

    @torch.no_grad()
    def samples(self, count: int, *, seed: int = 1, averaged: bool = True) -> Tensor:
        """Return generated points, `[count, 2]`, of the averaged generator or of the current one."""
        rng = torch.Generator().manual_seed(seed)
        noise = torch.randn(count, self.recipe.game["noise_dim"], generator=rng)
        players = self.engine.averages.networks if averaged else self.engine.players
        return players["generator"](noise)

    @torch.no_grad()
    def scores(self, places: Tensor) -> Tensor:
        """Return the discriminator's raw scores `[N]` at the places `[N, 2]`."""
        return self.engine.players["discriminator"](places)


def train_discriminator(
    discriminator: nn.Module,
    adversarial_loss: AdversarialLoss,
    draw: Callable[[], tuple[Tensor, Tensor]],
    *,
    rounds: int,
    lr: float,
) -> Iterator[int]:
    """Train a discriminator against a fixed generator and yield the number of rounds after each.

    Args:
        discriminator: network that is trained.
        adversarial_loss: objective and penalty of the training.
        draw: function that returns a fresh batch of real samples and one of fake samples.
        rounds: number of Adam steps; the learning rate falls linearly to zero.
        lr: initial learning rate.
    """
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.99))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, rounds)
    for played in range(1, rounds + 1):
        real, fake = draw()
        terms = adversarial_loss.penalties(discriminator, real, fake, Clock(played).every)
        terms["adversarial"] = adversarial_loss.discriminator(discriminator(real), discriminator(fake))
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
        schedule.step()
        adversarial_loss.clip(discriminator)
        yield played
