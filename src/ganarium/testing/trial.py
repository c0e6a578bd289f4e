"""Method on its tiny recipe, ready to be played."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from ganarium.core.campaign import Stage, untrained_stage
from ganarium.core.devices import device_named
from ganarium.core.engine import Engine
from ganarium.core.game import Game
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_campaign
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import TINY, resolve
from ganarium.training.builder import engine_for

ROUNDS = 3
"""Number of rounds that a check plays."""


@dataclass(frozen=True)
class MethodUnderTest:
    """Method on its tiny recipe, with some keys changed; argument of the checks.

    Attributes:
        method: the method.
        changes: tree of recipe keys over the tiny recipe: `{"game": {"condition_score": "apart"}}`.
        device: name of the device, as in a recipe.
    """

    method: Method
    changes: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    @cached_property
    def recipe(self) -> Recipe:
        """Complete recipe."""
        return resolve(self.method, TINY, self.method.tiny, self.changes)

    @cached_property
    def dataset(self) -> Dataset:
        """Data of the recipe."""
        return open_data(self.recipe.data, seed=self.recipe.seed)

    def game(self, **changes: Any) -> Game:
        """Return a new game, that of the last stage; `changes` are keys of the recipe."""
        return self.last_stage(**changes).game

    def last_stage(self, **changes: Any) -> Stage:
        """Return the last stage with a new game."""
        recipe = self.recipe.model_copy(update=changes)
        campaign = build_campaign(self.method, recipe, self.dataset.spec)
        return untrained_stage(campaign, seed=recipe.seed)

    def model(self, game: Game) -> Model:
        """Return a game as a model."""
        provenance = Trained(self.method, self.recipe, self.dataset.spec, stage=self.last_stage().name)
        return Model(game, self.dataset.spec, provenance)

    def engine(self, game: Game | None = None, **changes: Any) -> Engine:
        """Return an engine of `game`, or of a new game; `changes` are keys of the recipe."""
        recipe = self.recipe.model_copy(update=changes)
        return engine_for(game or self.game(**changes), recipe, device_named(self.device))

    def feed(self) -> Feed:
        """Return the stream of batches from its start."""
        return Feed(
            self.dataset,
            batch_size=self.recipe.batch_size,
            seed=self.recipe.seed,
            device=device_named(self.device),
            workers=0,
        )

    def played(self, engine: Engine, feed: Iterator, rounds: int = ROUNDS) -> dict[str, Tensor]:
        """Play rounds; return the terms of the last one."""
        terms: dict[str, Tensor] = {}
        for _ in range(rounds):
            try:
                terms = engine.round(feed)
            except (RuntimeError, TypeError, ValueError) as error:
                raise AssertionError(f"{self.method.name} cannot play a round: {error}") from error
        return terms
