"""A campaign: games played one after another, each built on what the last one taught."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import nn

from ganarium.engine import Engine
from ganarium.game import Game, Network

Averages = Mapping[str, nn.Module]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """One game of a campaign, and how it is trained."""

    name: str
    game: Game
    images: int
    """Length of the stage."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the run's recipe: data size, batch size, optimizers ..."""
    averages: Averages = field(default_factory=dict)
    """Where this stage's averages start, if not at its players' weights."""


class Campaign(ABC):
    """SinGAN's scales, StackGAN's two stages, a network grown level by level.

    As a game, it says which networks a recipe may choose (`roles`) and how it is put together
    (`assemble`); a saved model holds the last stage's game.
    """

    roles: ClassVar[Mapping[str, Mapping[str, Network]]] = {}

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], facts: Any, **settings: Any) -> Self:
        """The campaign for data with these `facts`; `network(role, *collaborators)` builds a network."""
        return cls(**settings)

    @abstractmethod
    def stages(self) -> Generator[Stage, Averages, None]:
        """`averages = yield Stage(...)`: the code after the yield sees the game trained.

        `averages` maps a player's name to its averaged copy.
        """


class Single(Campaign):
    """One game as a campaign of one stage."""

    def __init__(self, game: Game, images: int):
        self.game, self.images = game, images

    def stages(self) -> Generator[Stage, Averages, None]:
        """The game."""
        yield Stage("", self.game, self.images)


def play(
    campaign: Campaign,
    saved: MutableMapping[str, State],
    engine: Callable[[Stage], Engine],
    play_stage: Callable[[Stage, Engine], Generator[Any, None, None]],
    *,
    seed: int = 0,
) -> Generator[Any, None, None]:
    """Play every stage, or go on: a finished stage is loaded, an unfinished one resumed.

    `saved` maps a stage's name to its engine's state; `play_stage` plays on until the stage's end,
    and what it yields is passed on. Weights drawn between stages depend on (seed, stage) only.
    """
    script, count = campaign.stages(), 0
    averages: Averages | None = None
    while True:
        torch.manual_seed(seed * 1_000_003 + count)
        try:
            stage = script.send(averages)  # type: ignore[arg-type]
        except StopIteration:
            return
        player = engine(stage)
        for name, average in stage.averages.items():
            player.averages.networks[name].load_state_dict(average.state_dict())
        if stage.name in saved:
            player.load_state_dict(saved[stage.name])
        if player.clock.images < stage.images:
            yield from play_stage(stage, player)
            saved[stage.name] = player.state_dict()
        averages, count = player.averages.networks, count + 1


def last_game(campaign: Campaign) -> Game:
    """The last stage's game, built but untrained."""
    script = campaign.stages()
    stage = next(script)
    while True:
        try:
            stage = script.send(stage.game.players())
        except StopIteration:
            return stage.game
