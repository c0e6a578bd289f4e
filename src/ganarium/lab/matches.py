"""Matches on points in the plane: small recipes of the library's own methods, played on the engine."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganarium import methods
from ganarium.builder import engine_for
from ganarium.campaign import Campaign
from ganarium.data.batches import Facts
from ganarium.data.points import POINTS, Points
from ganarium.engine import Engine
from ganarium.model import assemble
from ganarium.recipe import resolve
from ganarium.tables import nearest


def points_named(name: str) -> Points:
    """The distribution of that name.

    Raises:
        ValueError: there is none; the message lists them.
    """
    if name not in POINTS:
        raise ValueError(f"points={name!r}: choose from {', '.join(POINTS)}{nearest(name, POINTS)}")
    return POINTS[name]


def check_counts(**counts: int) -> None:
    """Raise ValueError naming the first setting that is less than one."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} is {count}; it must be at least 1")


def lattice(reach: float, steps: int) -> Tensor:
    """Places all over the plane from -reach to reach, row by row upwards, `[steps * steps, 2]`."""
    ticks = torch.linspace(-reach, reach, steps)
    return torch.cartesian_prod(ticks, ticks).flip(1)


class Fresh(Iterator[Tensor]):
    """Endless batches `[N, 2]` of points never seen before, each a function of (seed, its number)."""

    def __init__(self, points: Points, batch_size: int, *, seed: int):
        self.points, self.batch_size, self.seed = points, batch_size, seed
        self.images = 0

    def __next__(self) -> Tensor:
        number = self.images // self.batch_size
        self.images += self.batch_size
        return self.points.sample(self.batch_size, seed=(self.seed + 1) * 1_000_003 + number)


class Match:
    """A method on points: `play` it for some rounds, then look at what its networks have learned.

    Args:
        method: whose game it is.
        points: the data.
        changes: layers of recipe keys over the method's own recipe.
        rounds: length of the whole match, which the schedules refer to.
        seed: of weights, noise and data.
    """

    def __init__(self, method: str, points: Points, *changes: Mapping[str, Any], rounds: int, seed: int):
        found = methods.find(method)
        self.recipe = resolve(found, *changes, {"seed": seed, "device": "cpu"})
        game = assemble(found, self.recipe, Facts((2,)))
        if isinstance(game, Campaign):
            raise ValueError(f"{method} is played in stages; the laboratory plays single games")
        updates = self.recipe.game.get("discriminator_updates", 1)
        images = rounds * updates * self.recipe.batch_size
        self.engine: Engine = engine_for(game, self.recipe, torch.device("cpu"), images=images)
        self.data = Fresh(points, self.recipe.batch_size, seed=seed)

    def play(self, rounds: int) -> dict[str, Tensor]:
        """Go on for so many rounds; returns the last one's loss terms."""
        terms: dict[str, Tensor] = {}
        for _ in range(rounds):
            terms = self.engine.round(self.data)
        return terms

    @torch.no_grad()
    def samples(self, count: int, *, seed: int = 1) -> Tensor:
        """What the averaged generator draws, `[count, 2]`; the same noise for the same seed."""
        dice = torch.Generator().manual_seed(seed)
        with self.engine.averages.in_place(self.engine.game):
            noise = torch.randn(count, self.recipe.game["noise_dim"], generator=dice)
            return self.engine.game.get_submodule("generator")(noise)

    @torch.no_grad()
    def scores(self, places: Tensor) -> Tensor:
        """The discriminator's raw scores at the places `[N, 2]`, as `[N]`."""
        return self.engine.game.get_submodule("discriminator")(places)
