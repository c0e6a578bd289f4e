"""The trainer: from a recipe to a game, an engine and data; logs, draws and saves when it is due."""

import contextlib
import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from ganarium import methods
from ganarium.common.files import sweep, write_text
from ganarium.common.schema import merge
from ganarium.core import processes
from ganarium.core.campaign import Campaign, Single, Stage, play
from ganarium.core.devices import device_named
from ganarium.core.engine import Engine
from ganarium.core.game import Game
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.data.spec import DataSpec
from ganarium.evaluation.during_training import Best, Evaluation
from ganarium.monitoring import data_summary, tensorboard
from ganarium.monitoring.log import BEGINNING, FAILURE, Log, NonFiniteError, peak_memory_mib
from ganarium.recipes.assemble import assemble
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import complete
from ganarium.recipes.yaml import to_yaml
from ganarium.training.builder import engine_for
from ganarium.training.checkpoint import Checkpoints, CorruptFileError, read, write
from ganarium.training.loop import Progress, TrainingLoop, set_per_process_state

SAME_ORDER = 2.0
"""Signals within so many seconds are one order to stop."""


class RunLockedError(RuntimeError):
    """Another process is training in the run folder."""


@dataclass(frozen=True)
class Estimate:
    """What a run will cost, from a trial of a few rounds."""

    seconds: float
    memory_mib: int
    parameters: Mapping[str, int]
    """Trainable parameters by player."""


class Trainer:
    """Plays a recipe in a run folder, from where the folder stands.

    Args:
        recipe: complete.
        folder: the run's.
        say: is told, line by line, what people should know.

    Raises:
        FileNotFoundError, ValueError: the data or the recipe cannot be used; in the user's words.
    """

    def __init__(self, recipe: Recipe, folder: Path, *, notify: Callable[[str], None] = print):
        self.folder = folder
        self.method = methods.find(recipe.method)
        self.notify: Callable[[str], None] = notify if processes.rank() == 0 else lambda line: None
        self.device = device_named(recipe.device)
        self.dataset = _open(recipe)
        self.recipe = _with_length(recipe, len(self.dataset))
        self.spec = self.dataset.spec
        self.checkpoints = Checkpoints(folder / "checkpoints", keep=recipe.keep_checkpoints)
        self.log = Log(folder if processes.rank() == 0 else None)
        self.board: tensorboard.Board | None = None
        self.evaluation = Evaluation(self.recipe, self.spec, self.device) if recipe.evaluate.every else None
        self.best: Best | None = None
        self.stop_signal = 0
        if recipe.tensorboard:
            tensorboard.require()

    def campaign(self) -> Campaign:
        """What is played: the method's campaign, or its game as a campaign of one stage."""
        played = assemble(self.method, self.recipe, self.spec)
        return played if isinstance(played, Campaign) else Single(played)

    def estimate(self) -> Estimate:
        """Time and memory from a trial of three rounds on networks that are thrown away."""
        stage = next(self.campaign().stages(self.recipe.images))
        recipe = self._recipe_of(stage).model_copy(update={"compile": False})
        engine = engine_for(stage.game, recipe, self.device)
        feed = self._feed(recipe, _open(recipe) if stage.changes else self.dataset, stage.game)
        try:
            engine.round(feed)
            started, images = time.perf_counter(), engine.clock.images
            for _ in range(2):
                terms = engine.round(feed)
            sum(float(value) for value in terms.values())  # wait for the device
        finally:
            feed.close()
        seconds = (time.perf_counter() - started) / (engine.clock.images - images)
        parameters = {name: sum(p.numel() for p in net) for name, net in engine.params.items()}
        return Estimate(seconds * self.recipe.images, peak_memory_mib(), parameters)

    def play(self) -> Generator[Progress, None, None]:
        """Play to the end, or until told to stop; yields a Progress for each line of the log.

        Raises:
            Interrupted: after SIGINT or SIGTERM, with everything saved.
            NonFiniteError: a loss term became infinite; the last checkpoint is from before.
            OSError: no room to save; the checkpoints before are whole.
            DamagedError: there are checkpoints and none can be read.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(_only_user(self.folder))
            stack.enter_context(self._signals())
            stack.enter_context(processes.stop_together())
            if processes.rank() == 0:
                sweep(self.folder)
            state = self.checkpoints.newest(self.notify)
            if state is not None:
                self._check_unchanged(state)
            elif (self.folder / "log.jsonl").exists():
                self.notify("nothing was saved yet: the run begins anew")
            self.log.load_state_dict(state["log"] if state else BEGINNING, self.device)
            # Runs of older versions have none; what was best stays so where nothing is judged any more.
            self.best = Best(**state["best"]) if state and state.get("best") else None
            stack.enter_context(self._failure())
            stack.enter_context(self._board(state["images"] if state else 0))
            yield from play(
                self.campaign(),
                _Saved(self.checkpoints.folder, state),
                lambda stage: engine_for(
                    stage.game, self._recipe_of(stage), self.device, images=stage.images
                ),
                lambda stage, engine, before: self._play_stage(stage, engine, before, state),
                images=self.recipe.images,
                seed=self.recipe.seed,
            )

    def _play_stage(
        self, stage: Stage, engine: Engine, before: int, state: dict[str, Any] | None
    ) -> Generator[Progress, None, None]:
        recipe = self._recipe_of(stage)
        dataset = _open(recipe) if stage.changes else self.dataset
        feed = self._feed(recipe, dataset, stage.game)
        if state and state["stage"] == stage.name:
            feed.load_state_dict(state["feed"])
            set_per_process_state(engine.game, state["private"])
            state.clear()  # all of it is taken over; let its memory go
        save_recipe(self.recipe, self.folder)  # no sooner: this recipe has proved fit for the run
        if processes.rank() == 0:
            data_summary.save(self.dataset, self.folder)
        desk = TrainingLoop(self, stage, recipe, dataset.spec, engine, feed, before)
        try:
            yield from desk.play()
        finally:
            feed.close()

    def _recipe_of(self, stage: Stage) -> Recipe:
        if not stage.name:
            return self.recipe
        tree = merge(self.recipe.model_dump(mode="json"), stage.changes)
        for entries in ("optimizers", "averages"):  # those of this stage's players
            tree[entries] = {
                name: entry for name, entry in tree[entries].items() if name in stage.game.players()
            }
        return complete(self.method, tree)

    @contextlib.contextmanager
    def _failure(self) -> Iterator[None]:
        """Within the block an error of numbers is kept in the folder, for the doctor; an older one is not."""
        path = self.folder / FAILURE
        if processes.rank() == 0:
            path.unlink(missing_ok=True)
        try:
            yield
        except NonFiniteError as error:
            if processes.rank() == 0:
                write_text(path, str(error))
            raise

    @contextlib.contextmanager
    def _board(self, images: int) -> Iterator[None]:
        """Within the block TensorBoard hears of everything, if the recipe wants it to."""
        if self.recipe.tensorboard and processes.rank() == 0:
            self.board = tensorboard.Board(self.folder, images)
        try:
            yield
        finally:
            if self.board:
                self.board.close()

    def _feed(self, recipe: Recipe, dataset: Dataset, game: Game) -> Feed:
        return Feed(
            dataset,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            flip=recipe.data.flip,
            accumulate=recipe.accumulate,
            rank=processes.rank(),
            size=processes.size(),
            device=self.device,
            channels_last=any(hasattr(module, "memory_format") for module in game.modules()),
            workers=recipe.data.workers,
        )

    def _check_unchanged(self, state: Mapping[str, Any]) -> None:
        """See that what was saved belongs to this recipe and these data."""
        was, now = _fixed(state["recipe"]), _fixed(self.recipe.model_dump(mode="json"))
        if changed := sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key)):
            said = "; ".join(f"{key} was {was.get(key)!r}, now {now.get(key)!r}" for key in changed)
            raise ValueError(f"a run cannot go on with another game: {said}. Leave it, or start a new run")
        if state["samples"] != len(self.dataset):
            self.notify(
                f"the data had {state['samples']:,} samples when this run was saved, "
                f"now {len(self.dataset):,}: it goes on, but not with the numbers of a run that never stopped"
            )
        before = DataSpec.from_dict(state["facts"])
        if before != self.spec:
            raise ValueError(
                f"the data have changed since this run was saved: they were {before}, now {self.spec}. "
                "Set data.source, data.size and data.condition as they were, or start a new run"
            )

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Within the block SIGINT and SIGTERM ask to stop at the end of the round; asked again, now."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        asked = 0.0

        def ask(number: int, frame: FrameType | None) -> None:
            nonlocal asked
            # torchrun hands on a Ctrl-C that the terminal gave to everybody: one order, heard twice.
            if self.stop_signal and time.monotonic() - asked > SAME_ORDER:
                raise KeyboardInterrupt
            self.stop_signal, asked = number, time.monotonic()

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Saved(MutableMapping[str, Mapping[str, Any]]):
    """Stages' states: the one in the newest checkpoint, and a file for each that is finished."""

    def __init__(self, folder: Path, newest: Mapping[str, Any] | None):
        self.folder, self.newest = folder, newest

    def _path(self, stage: str) -> Path:
        return self.folder / f"stage-{quote(stage, safe=' ')}.pt"

    def __getitem__(self, stage: str) -> Mapping[str, Any]:
        if self.newest is None:  # what comes after the newest checkpoint is played anew
            raise KeyError(stage)
        if self.newest["stage"] == stage:
            state, self.newest = self.newest["engine"], None
            return state
        try:
            return read(self._path(stage))["engine"]
        except CorruptFileError as error:
            raise CorruptFileError(
                f"{error}. Stage {self.newest['stage']!r} is built on stage {stage!r}: "
                "put the file back, or start a new run"
            ) from None

    def __setitem__(self, stage: str, state: Mapping[str, Any]) -> None:
        if stage and processes.rank() == 0:
            write(self._path(stage), {"engine": state})

    def __delitem__(self, stage: str) -> None:
        self._path(stage).unlink()

    def __iter__(self) -> Iterator[str]:
        raise TypeError("stages are asked for by name")

    def __len__(self) -> int:
        raise TypeError("stages are asked for by name")


def _fixed(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What of a recipe must stay as it is while a run goes on, by key."""
    return {
        "method": recipe["method"],
        **{
            f"networks.{role}.{key}": value
            for role, entry in recipe["networks"].items()
            for key, value in entry.items()
        },
        **{f"optimizers.{player}.kind": entry["kind"] for player, entry in recipe["optimizers"].items()},
        "averages": list(recipe["averages"]),
    }


def _open(recipe: Recipe) -> Dataset:
    return open_data(recipe.data, seed=recipe.seed, cache_share=1 / processes.size())


def _with_length(recipe: Recipe, samples: int) -> Recipe:
    """`epochs` as `images`."""
    if recipe.epochs is None:
        return recipe
    images = max(1, round(recipe.epochs * samples))
    return recipe.model_copy(update={"images": images, "epochs": None})


@contextlib.contextmanager
def _only_user(folder: Path) -> Iterator[None]:
    """Within the block nobody else trains in this folder.

    Raises:
        BusyError: somebody does.
    """
    if processes.rank():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise RunLockedError(
                f"another process ({file.read() or '?'}) is training in {folder}; "
                "wait for it, or start a run in another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def save_recipe(recipe: Recipe, folder: Path) -> None:
    """Put the recipe into the run folder."""
    if processes.rank() == 0:
        write_text(folder / "recipe.yaml", to_yaml(recipe))
