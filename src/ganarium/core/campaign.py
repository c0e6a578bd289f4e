"""Campaign: games played one after another, each built from the trained networks of the previous one."""

import copy
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, MutableMapping
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
    """One game of a campaign and its training settings."""

    name: str
    game: Game
    images: int
    """Length of the stage, a part of the run's length."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the run's recipe: data size, batch size, optimizers ..."""
    averages: Averages = field(default_factory=dict)
    """Start of this stage's averages; by default they start at the weights of its players."""
    tasks: tuple[Any, ...] | None = None
    """Tasks of the stage's model; those of the game if None."""

    def __post_init__(self) -> None:
        if self.tasks is not None:
            self.game.tasks = self.tasks


class Campaign(ABC):
    """Games in stages: SinGAN's scales, StackGAN's two stages, a network grown level by level.

    Like a game, a campaign lists the networks that a recipe may choose (`roles`) and is built by
    `assemble`. A saved model contains the game of the stage in which it was saved.
    """

    roles: ClassVar[Mapping[str, Mapping[str, Network]]] = {}
    tasks: ClassVar[tuple[Any, ...]] = ()
    """Tasks of the trained model; see `Game.tasks`."""
    script: ClassVar[str] = "stages"
    """Name of the method that trains."""

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: Any, **settings: Any) -> Self:
        """Build the campaign for data with this `spec`; `network(role, *collaborators)` builds a network."""
        return cls(**settings)

    @abstractmethod
    def stages(self, images: int) -> Generator[Stage, Averages, None]:
        """Yield the stages: `averages = yield Stage(...)` returns when the stage's game is trained.

        `images` is the length of the run, which the stages share. `averages` maps a player's name to its
        averaged copy, or to the player itself if it has no average.
        """


class Single(Campaign):
    """Campaign of one game in one stage."""

    def __init__(self, game: Game):
        self.game = game

    def stages(self, images: int) -> Generator[Stage, Averages, None]:
        """Yield the game as the only stage."""
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
    """Play every stage: load finished stages, resume an unfinished one.

    `saved` maps a stage's name to the state of its engine, with a mark on finished stages. A finished stage
    is not played again, even if the recipe's length changes. `play_stage(stage, engine, before)` plays to
    the end of the stage, and its values are yielded; `before` is the number of images of the earlier
    stages. Weights initialised between stages depend on (seed, stage) only.

    Raises:
        ValueError: two stages have the same name, or a saved state does not fit its stage.
    """
    script, names, before = campaign.stages(images), set[str](), 0
    averages: Averages | None = None
    while True:
        torch.manual_seed(_stage_seed(seed, len(names)))
        try:
            stage = script.send(averages)  # type: ignore[arg-type]
        except StopIteration:
            return
        if stage.name in names:
            raise ValueError(f"two stages are named {stage.name!r}; give each stage its own name")
        names.add(stage.name)
        stage_engine = engine(stage)
        for name, average in stage.averages.items():
            stage_engine.averages.networks[name].load_state_dict(average.state_dict())
        state = saved.get(stage.name, {})
        if state:
            _load_state(stage_engine, state)
        if not state.get("finished"):
            if stage_engine.clock.images < stage.images:
                yield from play_stage(stage, stage_engine, before)
            saved[stage.name] = {**stage_engine.state_dict(), "finished": True}
        before += stage_engine.clock.images
        averages = {**stage_engine.players, **stage_engine.averages.networks}


def _load_state(engine: Engine, state: State) -> None:
    try:
        engine.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            "the checkpoint does not fit the recipe any more; game, networks, averages and kinds of "
            f"optimizers must be those of the checkpoint ({error})"
        ) from None


def as_campaign(game: Game | Campaign) -> Campaign:
    """Return a campaign unchanged, a game as a campaign of one stage."""
    return Single(game) if isinstance(game, Game) else game


def untrained_stage(campaign: Campaign, name: str | None = None, *, images: int = 1, seed: int = 0) -> Stage:
    """Return the stage of that name with its untrained game; the last stage if None.

    Its networks have the weights with which `play` would start it if the earlier stages stayed untrained.
    The caller's random state does not change.

    Raises:
        ValueError: the campaign has no such stage.
    """
    found: Stage | None = None
    script, averages = campaign.stages(images), None
    with torch.random.fork_rng(devices=[]):
        for number in itertools.count():
            torch.manual_seed(_stage_seed(seed, number))
            try:
                found = script.send(averages)  # type: ignore[arg-type]
            except StopIteration:
                break
            if found.name == name:
                return found
            averages = copy.deepcopy(found.game.players())  # a script may freeze what it gets
    if found is None or name is not None:
        raise ValueError(f"the campaign has no stage {name!r}")
    return found


def _stage_seed(seed: int, number: int) -> int:
    return seed * 1_000_003 + number
