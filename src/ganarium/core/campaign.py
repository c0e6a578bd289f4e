"""A campaign: games played one after another, each built on what the last one taught."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import nn

from ganarium.core.engine import Engine
from ganarium.core.game import Game, Network

Averages = Mapping[str, nn.Module]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """One game of a campaign, and how it is trained."""

    name: str
    game: Game
    images: int
    """Length of the stage: its part of the run's."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the run's recipe: data size, batch size, optimizers ..."""
    averages: Averages = field(default_factory=dict)
    """Where this stage's averages start, if not at its players' weights."""


class Campaign(ABC):
    """SinGAN's scales, StackGAN's two stages, a network grown level by level.

    As a game, it says which networks a recipe may choose (`roles`) and how it is put together
    (`assemble`); a saved model holds the game of the stage that it was saved in.
    """

    roles: ClassVar[Mapping[str, Mapping[str, Network]]] = {}

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: Any, **settings: Any) -> Self:
        """The campaign for data with these `facts`; `network(role, *collaborators)` builds a network."""
        return cls(**settings)

    @abstractmethod
    def stages(self, images: int) -> Generator[Stage, Averages, None]:
        """`averages = yield Stage(...)`: the code after the yield sees the game trained.

        `images` is the length of the run, for the stages to share; `averages` maps a player's name to
        its averaged copy, or to the player itself where it has none.
        """


class Single(Campaign):
    """One game as a campaign of one stage."""

    def __init__(self, game: Game):
        self.game = game

    def stages(self, images: int) -> Generator[Stage, Averages, None]:
        """The game."""
        yield Stage("", self.game, images)


def play(
    campaign: Campaign,
    saved: MutableMapping[str, State],
    engine: Callable[[Stage], Engine],
    play_stage: Callable[[Stage, Engine, int], Generator[Any, None, None]],
    *,
    images: int,
    seed: int = 0,
) -> Generator[Any, None, None]:
    """Play every stage, or go on: a finished stage is loaded, an unfinished one resumed.

    `saved` maps a stage's name to its engine's state, marked when the stage is finished; such a stage
    is not played again, however the recipe's length changes. `play_stage(stage, engine, before)` plays
    on until the stage's end, `before` being the images that the stages before it showed, and what it
    yields is passed on. Weights drawn between stages depend on (seed, stage) only.

    Raises:
        ValueError: two stages have one name, or what was saved does not fit a stage.
    """
    script, names, before = campaign.stages(images), set[str](), 0
    averages: Averages | None = None
    while True:
        torch.manual_seed(seed * 1_000_003 + len(names))
        try:
            stage = script.send(averages)  # type: ignore[arg-type]
        except StopIteration:
            return
        if stage.name in names:
            raise ValueError(f"two stages are named {stage.name!r}; what is saved of them would be mixed up")
        names.add(stage.name)
        player = engine(stage)
        for name, average in stage.averages.items():
            player.averages.networks[name].load_state_dict(average.state_dict())
        state = saved.get(stage.name, {})
        if state:
            _go_on(player, state)
        if not state.get("finished"):
            if player.clock.images < stage.images:
                yield from play_stage(stage, player, before)
            saved[stage.name] = {**player.state_dict(), "finished": True}
        before += player.clock.images
        averages = {**player.players, **player.averages.networks}


def _go_on(player: Engine, state: State) -> None:
    try:
        player.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"what was saved does not fit the recipe any more; game, networks, averages and kinds of "
            f"optimizers must be those that it was saved with ({error})"
        ) from None


def game_of(campaign: Campaign, stage: str, images: int) -> Game:
    """The game of the stage of that name in a run of so many images, built but untrained.

    Raises:
        ValueError: there is no such stage.
    """
    for each in _untrained(campaign, images):
        if each.name == stage:
            return each.game
    raise ValueError(f"the campaign has no stage {stage!r}")


def last_stage(campaign: Campaign, images: int = 1) -> Stage:
    """The last stage, its game built but untrained."""
    *_, last = _untrained(campaign, images)
    return last


def last_game(campaign: Campaign, images: int = 1) -> Game:
    """The last stage's game, built but untrained."""
    return last_stage(campaign, images).game


def _untrained(campaign: Campaign, images: int) -> Iterator[Stage]:
    script = campaign.stages(images)
    stage = next(script)
    while True:
        yield stage
        try:
            stage = script.send(stage.game.players())
        except StopIteration:
            return
