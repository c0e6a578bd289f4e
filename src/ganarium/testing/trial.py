"""A method on its tiny recipe, ready to be played."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ganarium.core.campaign import Campaign, last_stage
from ganarium.core.devices import device_named
from ganarium.core.engine import Engine
from ganarium.core.game import Game
from ganarium.data.batches import Unpaired
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.recipes.assemble import assemble
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import TINY, resolve
from ganarium.training.builder import engine_for

ROUNDS = 3


@dataclass(frozen=True)
class MethodUnderTest:
    """A method on its tiny recipe, with some keys changed: what the checks look at.

    Attributes:
        method: whose game it is.
        changes: a tree of recipe keys over the tiny recipe, `{"game": {"condition_score": "apart"}}` say.
        device: where it is played, as in a recipe.
    """

    method: Method
    changes: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    @cached_property
    def recipe(self) -> Recipe:
        """Complete."""
        return resolve(self.method, TINY, self.method.tiny, self.changes)

    @cached_property
    def dataset(self) -> Dataset:
        """The few samples that the recipe names."""
        return open_data(self.recipe.data, seed=self.recipe.seed)

    def game(self, **changes: Any) -> Game:
        """Built anew; of a campaign, the last stage's. `changes` are keys of the recipe."""
        played = self._played(**changes)
        return last_stage(played).game if isinstance(played, Campaign) else played

    @property
    def stage(self) -> str:
        """Of a campaign, the last stage's name."""
        played = self._played()
        return last_stage(played).name if isinstance(played, Campaign) else ""

    def _played(self, **changes: Any) -> Game | Campaign:
        return assemble(self.method, self.recipe.model_copy(update=changes), self.dataset.spec)

    def engine(self, game: Game | None = None, **changes: Any) -> Engine:
        """One that plays `game`, or a game built anew."""
        recipe = self.recipe.model_copy(update=changes)
        return engine_for(game or self.game(**changes), recipe, device_named(self.device))

    def feed(self) -> Feed:
        """The stream of batches, from its start."""
        return Feed(
            self.dataset,
            batch_size=self.recipe.batch_size,
            seed=self.recipe.seed,
            device=device_named(self.device),
            workers=0,
        )

    def played(self, engine: Engine, feed: Iterator, rounds: int = ROUNDS) -> dict[str, Tensor]:
        """The last round's terms, after so many rounds."""
        terms: dict[str, Tensor] = {}
        for _ in range(rounds):
            try:
                terms = engine.round(feed)
            except (RuntimeError, TypeError, ValueError) as error:
                raise AssertionError(f"{self.method.name} cannot play a round: {error}") from error
        return terms

    def condition(self, count: int) -> Tensor | None:
        """What the game is told for each of `count` samples."""
        if not self.dataset.spec.condition:
            return None
        told: Any = self.dataset.batch(range(min(count, len(self.dataset))))
        if isinstance(told, Unpaired):
            return torch.arange(count) % len(told.domains)
        return told.condition[torch.arange(count) % len(told.condition)]
