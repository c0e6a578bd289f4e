"""Trainer: data, campaign and engines of a recipe, played in a run folder."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ganarium import methods
from ganarium.common.files import sweep, write_text
from ganarium.common.locks import LockedError, exclusive
from ganarium.common.notify import silent
from ganarium.common.schema import merge
from ganarium.core import processes
from ganarium.core.campaign import Campaign, Stage, play
from ganarium.core.devices import device_named
from ganarium.core.engine import Engine
from ganarium.core.game import Game
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.data.spec import DataSpec
from ganarium.evaluation.during_training import Best, Evaluation
from ganarium.monitoring import data_summary, tensorboard
from ganarium.monitoring.log import BEGINNING, FAILURE, Log, NonFiniteError
from ganarium.recipes.assemble import build_campaign
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import complete
from ganarium.recipes.yaml import to_yaml
from ganarium.training.builder import engine_for
from ganarium.training.checkpoint import Checkpoints, CorruptFileError, read, write
from ganarium.training.estimate import Estimate, estimate
from ganarium.training.loop import Progress, TrainingLoop, set_per_process_state
from ganarium.training.state import RunState


class RunLockedError(RuntimeError):
    """Another process is training in the run folder."""


class Trainer:
    """Training of a recipe in a run folder, from its newest checkpoint if it has one.

    Args:
        recipe: complete recipe.
        folder: run folder.
        notify: receives messages for the user, line by line.

    Raises:
        FileNotFoundError, ValueError: the data or the recipe cannot be used.
    """

    def __init__(self, recipe: Recipe, folder: Path, *, notify: Callable[[str], None] = print):
        first = processes.rank() == 0
        method, device = methods.find(recipe.method), device_named(recipe.device)
        self.dataset = _open(recipe)
        self.recipe = _with_length(recipe, len(self.dataset))
        if self.recipe.tensorboard:
            tensorboard.require()
        self.run = RunState(
            folder,
            method,
            self.recipe,
            self.dataset.spec,
            len(self.dataset),
            device,
            Log(folder if first else None),
            Checkpoints(folder / "checkpoints", keep=recipe.keep_checkpoints),
            notify if first else silent,
        )
        if self.recipe.evaluate.every:
            self.run.evaluation = Evaluation(self.recipe, method.game.tasks, self.dataset.spec, device)

    def campaign(self) -> Campaign:
        """Return the campaign that the recipe describes."""
        return build_campaign(self.run.method, self.recipe, self.run.spec)

    def estimate(self) -> Estimate:
        """Return time and memory of the run, from a trial of three rounds of every stage."""

        def trial(stage: Stage) -> tuple[Engine, Feed]:
            recipe = self._recipe_of(stage).model_copy(update={"compile": False})
            dataset = _open(recipe) if stage.changes else self.dataset
            return engine_for(stage.game, recipe, self.run.device), self._feed(recipe, dataset, stage.game)

        return estimate(self.campaign(), trial, images=self.recipe.images, seed=self.recipe.seed)

    def play(self) -> Generator[Progress, None, None]:
        """Play to the end or to a request to stop; yield a Progress for each line of the log.

        Raises:
            TrainingInterrupted: SIGINT or SIGTERM was received; everything is saved.
            NonFiniteError: a loss term or a weight is infinite or NaN; the last checkpoint is from before.
            RunLockedError: another process is training in the folder.
            OSError: no space to save; earlier checkpoints are intact.
            CorruptFileError: there are checkpoints, but none can be read.
            ValueError: the checkpoint belongs to another recipe or to other data.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(_locked(self.run.folder))
            stack.enter_context(self.run.stop.listening())
            stack.enter_context(processes.stop_together())
            if processes.rank() == 0:
                sweep(self.run.folder)
            state = self.run.checkpoints.newest(self.run.notify)
            if state is not None:
                self._check_unchanged(state)
            elif (self.run.folder / "log.jsonl").exists():
                self.run.notify("the run has no checkpoint yet: it starts from the beginning")
            self.run.log.load_state_dict(state["log"] if state else BEGINNING, self.run.device)
            # The best model is kept even if the recipe no longer evaluates.
            self.run.best = Best(**state["best"]) if state and state.get("best") else None
            stack.enter_context(_failure_file(self.run.folder))
            stack.enter_context(self._board(state["images"] if state else 0))
            yield from play(
                self.campaign(),
                _SavedStages(self.run.checkpoints.folder, state),
                lambda stage: engine_for(
                    stage.game, self._recipe_of(stage), self.run.device, images=stage.images
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
            set_per_process_state(engine.game, state["per_process_state"])
            state.clear()  # free its memory
        save_recipe(self.recipe, self.run.folder)  # only now: the recipe fits the checkpoint
        if processes.rank() == 0:
            data_summary.save(self.dataset, self.run.folder)
        try:
            yield from TrainingLoop(self.run, stage, recipe, engine, feed, before).play()
        finally:
            feed.close()

    def _recipe_of(self, stage: Stage) -> Recipe:
        if not stage.name:
            return self.recipe
        tree = merge(self.recipe.model_dump(mode="json"), stage.changes)
        for entries in ("optimizers", "averages"):  # of this stage's players only
            tree[entries] = {
                name: entry for name, entry in tree[entries].items() if name in stage.game.players()
            }
        return complete(self.run.method, tree)

    @contextlib.contextmanager
    def _board(self, images: int) -> Iterator[None]:
        """Open the TensorBoard writer within the block, if the recipe asks for one."""
        if self.recipe.tensorboard and processes.rank() == 0:
            self.run.board = tensorboard.Board(self.run.folder, images)
        try:
            yield
        finally:
            if self.run.board:
                self.run.board.close()

    def _feed(self, recipe: Recipe, dataset: Dataset, game: Game) -> Feed:
        return Feed(
            dataset,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            flip=recipe.data.flip,
            accumulate=recipe.accumulate,
            rank=processes.rank(),
            size=processes.size(),
            device=self.run.device,
            channels_last=any(hasattr(module, "memory_format") for module in game.modules()),
            workers=recipe.data.workers,
        )

    def _check_unchanged(self, state: Mapping[str, Any]) -> None:
        """Raise ValueError unless a checkpoint belongs to this recipe and these data."""
        was, now = _fixed(state["recipe"]), _fixed(self.recipe.model_dump(mode="json"))
        if changed := sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key)):
            values = "; ".join(f"{key} was {was.get(key)!r}, now {now.get(key)!r}" for key in changed)
            raise ValueError(f"a resumed run cannot change {values}. Change it back, or start a new run")
        if state["samples"] != len(self.dataset):
            self.run.notify(
                f"the data had {state['samples']:,} samples when this run was saved, "
                f"now {len(self.dataset):,}: its numbers will differ from those of an uninterrupted run"
            )
        before = DataSpec.from_dict(state["spec"])
        if before != self.run.spec:
            raise ValueError(
                f"the data have changed since this run was saved: they were {before}, now {self.run.spec}. "
                "Set data.source, data.size and data.condition as they were, or start a new run"
            )


class _SavedStages(MutableMapping[str, Mapping[str, Any]]):
    """States of stages: that in the newest checkpoint, and a file for each finished stage."""

    def __init__(self, folder: Path, newest: Mapping[str, Any] | None):
        self.folder, self.newest = folder, newest

    def _path(self, stage: str) -> Path:
        return self.folder / f"stage-{quote(stage, safe=' ')}.pt"

    def __getitem__(self, stage: str) -> Mapping[str, Any]:
        if self.newest is None:  # later stages start from the beginning
            raise KeyError(stage)
        if self.newest["stage"] == stage:
            state, self.newest = self.newest["engine"], None
            return state
        try:
            return read(self._path(stage))["engine"]
        except CorruptFileError as error:
            raise CorruptFileError(
                f"{error}. Stage {self.newest['stage']!r} is built on stage {stage!r}: "
                "restore the file, or start a new run"
            ) from None

    def __setitem__(self, stage: str, state: Mapping[str, Any]) -> None:
        if stage and processes.rank() == 0:
            write(self._path(stage), {"engine": state})

    def __delitem__(self, stage: str) -> None:
        self._path(stage).unlink()

    def __iter__(self) -> Iterator[str]:
        raise TypeError("stages are accessed by name only")

    def __len__(self) -> int:
        raise TypeError("stages are accessed by name only")


def _fixed(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe that a resumed run cannot change, by key."""
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
    """Return the recipe with `epochs` converted to `images`."""
    if recipe.epochs is None:
        return recipe
    images = max(1, round(recipe.epochs * samples))
    return recipe.model_copy(update={"images": images, "epochs": None})


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder within the block, so that no other process trains in it.

    Raises:
        RunLockedError: another process is training in it.
    """
    if processes.rank():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with exclusive(folder / ".lock"):
            yield
    except LockedError as error:
        raise RunLockedError(
            f"another process ({error.holder}) is training in {folder}; "
            "wait for it, or start a run in another folder"
        ) from None


@contextlib.contextmanager
def _failure_file(folder: Path) -> Iterator[None]:
    """Write `failure.txt` on a NonFiniteError within the block; remove an old file first."""
    path = folder / FAILURE
    if processes.rank() == 0:
        path.unlink(missing_ok=True)
    try:
        yield
    except NonFiniteError as error:
        if processes.rank() == 0:
            write_text(path, str(error))
        raise


def save_recipe(recipe: Recipe, folder: Path) -> None:
    """Write the recipe to the run folder."""
    if processes.rank() == 0:
        write_text(folder / "recipe.yaml", to_yaml(recipe))
