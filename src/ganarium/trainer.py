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

import torch
from torch import Tensor, nn

from ganarium import methods, optimizers, processes
from ganarium.averages import HalfLife
from ganarium.campaign import Campaign, Single, Stage, play
from ganarium.checkpoint import Checkpoints, DamagedError, read, write
from ganarium.data.batches import Facts
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.engine import Engine
from ganarium.files import write_text
from ganarium.game import Game
from ganarium.model import Model, assemble
from ganarium.networks.layers.sync_batch_norm import synchronise
from ganarium.recipe import Recipe, complete, to_yaml
from ganarium.tables import merge
from ganarium.watch import grids
from ganarium.watch.log import Log, NonFiniteError, peak_memory_mib

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SHOWN = 64
"""How many samples a grid shows."""


class Interrupted(Exception):  # noqa: N818 - an order that was obeyed, no error
    """The run was told to stop, saved everything, and stopped."""

    def __init__(self, signal_number: int):
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


@dataclass(frozen=True)
class Progress:
    """Where a run stands; one for each line of its log."""

    round: int
    images: int
    length: int
    """Images in the whole run."""
    terms: Mapping[str, float]
    """Mean loss terms since the last line, by `player/term`."""
    images_per_second: float
    waited_for_data: float
    """Share of the time since the last line that was spent waiting for data."""
    samples: Path | None = None
    """The newest sheet of samples."""

    @property
    def seconds_left(self) -> float:
        """At the present speed."""
        return (self.length - self.images) / max(self.images_per_second, 1e-9)


@dataclass(frozen=True)
class Estimate:
    """What a run will cost, from a trial of a few rounds."""

    seconds: float
    memory_mib: int
    parameters: Mapping[str, int]
    """Trainable parameters by player."""


def device_named(name: str) -> torch.device:
    """`auto` is cuda, else mps, else cpu; under torchrun each process of a machine takes its own GPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{processes.local_rank()}"
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={name} cannot be used here ({error}); try device=cpu") from None


def engine_for(game: Game, recipe: Recipe, device: torch.device, *, images: int | None = None) -> Engine:
    """The game's engine; its networks on the device, laid out and compiled as the recipe says.

    Raises:
        ValueError: the recipe's optimizers or averages are not for this game's players.
    """
    if recipe.sync_batch_norm:
        synchronise(game)
    game.to(device).train()
    for module in game.modules():
        if layout := getattr(module, "memory_format", None):
            module.to(memory_format=layout)  # type: ignore[call-overload]
    players = game.players()
    if differing := players.keys() ^ recipe.optimizers.keys():
        raise ValueError(
            f"optimizers and players differ in {', '.join(sorted(differing))}; "
            f"the players of {recipe.method} are {', '.join(players)}"
        )
    engine = Engine(
        game,
        {
            name: optimizers.make(recipe.optimizers[name], net.parameters(), fused=device.type != "mps")
            for name, net in players.items()
        },
        schedules={name: optimizers.schedule(recipe.optimizers[name]) for name in players},
        clip_norms={
            name: entry["clip_norm"] for name, entry in recipe.optimizers.items() if entry["clip_norm"]
        },
        averages={
            name: HalfLife(entry.half_life_kimg * 1000, entry.ramp_up)
            for name, entry in recipe.averages.items()
        },
        precision=PRECISIONS[recipe.precision],
        accumulate=recipe.accumulate,
        seed=recipe.seed,
        length=images or recipe.images,
    )
    if recipe.compile:
        for name, net in players.items():
            _compile(name, net)
    return engine


def _compile(name: str, net: nn.Module) -> None:
    if type(net) is nn.Sequential:  # torch ignores .compile() on it in silence
        raise ValueError(f"compile=true cannot compile {name}: put its nn.Sequential into a class of its own")
    net.compile(dynamic=False)


class Trainer:
    """Plays a recipe in a run folder, from where the folder stands.

    Args:
        recipe: complete.
        folder: the run's.
        say: is told, line by line, what people should know.

    Raises:
        FileNotFoundError, ValueError: the data or the recipe cannot be used; in the user's words.
    """

    def __init__(self, recipe: Recipe, folder: Path, *, say: Callable[[str], None] = print):
        self.folder = folder
        self.method = methods.find(recipe.method)
        self.say: Callable[[str], None] = say if processes.rank() == 0 else lambda line: None
        self.device = device_named(recipe.device)
        self.dataset = _open(recipe)
        self.recipe = _with_length(recipe, len(self.dataset))
        self.facts = self.dataset.facts
        self.checkpoints = Checkpoints(folder / "checkpoints", keep=recipe.keep_checkpoints)
        self.stop_signal = 0

    def campaign(self) -> Campaign:
        """What is played: the method's campaign, or its game as a campaign of one stage."""
        played = assemble(self.method, self.recipe, self.facts)
        return played if isinstance(played, Campaign) else Single(played, self.recipe.images)

    def estimate(self) -> Estimate:
        """Time and memory from a trial of three rounds on networks that are thrown away."""
        stage = next(self.campaign().stages())
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
        with _only_user(self.folder), self._signals():
            state = self.checkpoints.newest(self.say)
            if state is not None:
                self._check_facts(state)
            yield from play(
                self.campaign(),
                _Saved(self.checkpoints.folder, state),
                lambda stage: engine_for(
                    stage.game, self._recipe_of(stage), self.device, images=stage.images
                ),
                lambda stage, engine: self._play_stage(stage, engine, state),
                seed=self.recipe.seed,
            )

    def _play_stage(
        self, stage: Stage, engine: Engine, state: Mapping[str, Any] | None
    ) -> Generator[Progress, None, None]:
        recipe = self._recipe_of(stage)
        dataset = _open(recipe) if stage.changes else self.dataset
        feed = self._feed(recipe, dataset, stage.game)
        log = Log(self.folder if processes.rank() == 0 else None)
        if state is not None and state["stage"] == stage.name:
            feed.load_state_dict(state["feed"])
            _take_private(engine.game, state["private"])
            log.load_state_dict(state["log"], self.device)
        desk = _Desk(self, stage, recipe, dataset.facts, engine, feed, log)
        try:
            yield from desk.play()
        finally:
            feed.close()

    def _recipe_of(self, stage: Stage) -> Recipe:
        if not stage.changes:
            return self.recipe
        return complete(self.method, merge(self.recipe.model_dump(mode="json"), stage.changes))

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

    def _check_facts(self, state: Mapping[str, Any]) -> None:
        before = Facts.from_dict(state["facts"])
        if before != self.facts:
            raise ValueError(
                f"the data have changed since this run was saved: they were {before}, now {self.facts}. "
                "Set data.source, data.size and data.condition as they were, or start a new run"
            )

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Within the block SIGINT and SIGTERM ask to stop at the end of the round."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: FrameType | None) -> None:
            if self.stop_signal:  # asked twice: now
                raise KeyboardInterrupt
            self.stop_signal = number

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass
class _Desk:
    """Where one stage is played and everything due beside it is done."""

    trainer: Trainer
    stage: Stage
    recipe: Recipe
    facts: Facts
    engine: Engine
    feed: Feed
    log: Log
    sheet: Path | None = None
    saved_at: int = -1

    def play(self) -> Generator[Progress, None, None]:
        """Round after round."""
        length = self.stage.images
        every = self.recipe.every
        log_every = every.log or max(1, length // 200)
        samples_every = every.samples or max(1, length // 20)
        checkpoint_every = every.checkpoint or max(1, length // 20)
        self.log.mark(self.engine.clock.images, self.feed.waited)
        if self.engine.clock.images == 0:
            self.draw()
        while (before := self.engine.clock.images) < length:
            terms = self.engine.round(self.feed)
            if self.engine.clock.images <= before:
                raise RuntimeError(f"round {self.engine.clock.round} of {self.recipe.method} drew no data")
            self.log.add(terms)
            now = self.engine.clock.images

            def due(interval: int, before: int = before, now: int = now) -> bool:
                return now // interval > before // interval or now >= length

            stop = processes.agree(bool(self.trainer.stop_signal))
            if due(samples_every):
                self.draw()
            progress = self.report() if due(log_every) else None
            if due(checkpoint_every) or stop:
                self.save()
            if progress:
                yield from self._hand_out(progress)
            if stop:
                raise Interrupted(self.trainer.stop_signal or signal.SIGTERM)

    def _hand_out(self, progress: Progress) -> Generator[Progress, None, None]:
        try:
            yield progress
        except GeneratorExit:  # whoever listened has left: keep what was played
            if self.saved_at != self.engine.clock.images:
                self.save()
            raise

    def report(self) -> Progress:
        """Write a line to the log."""
        clock = self.engine.clock
        rates = {name: o.param_groups[0]["lr"] for name, o in self.engine.optimizers.items()}
        record = self.log.write(clock.round, clock.images, rates)
        speed = self.log.write_speed(clock.images, self.feed.waited)
        return Progress(
            clock.round,
            clock.images,
            self.stage.images,
            record["terms"],
            speed["images_per_second"],
            speed["waited_for_data"],
            self.sheet,
        )

    def draw(self) -> None:
        """Put the averaged players' samples, always from the same noise, on a sheet."""
        if processes.rank() or not hasattr(self.engine.game, "generate"):
            return
        with self.engine.averages.in_place(self.engine.game), torch.no_grad():
            samples = self._samples()
        self.sheet = self.trainer.folder / "samples" / f"{self.engine.clock.images:012d}.png"
        grids.save(grids.grid(samples), self.sheet)

    def _samples(self) -> Tensor:
        game: Any = self.engine.game
        device = self.trainer.device
        count = SHOWN if len(self.facts.shape) == 3 else 1000
        noise = game.draw_noise(count, torch.Generator().manual_seed(0)).to(device)
        told = None
        if self.facts.condition:
            batch: Any = self.trainer.dataset.batch(range(min(count, len(self.trainer.dataset))))
            told = batch.condition[torch.arange(count) % len(batch.condition)].to(device)
        return game.generate(noise, told).float().cpu()

    def save(self) -> None:
        """Write a checkpoint and the model, after making sure that they are worth keeping."""
        engine = self.engine
        self.log.check(engine.clock.images)
        for name, params in engine.params.items():
            if not all(bool(torch.isfinite(p).all()) for p in params):
                raise NonFiniteError(
                    f"weights of {name} became infinite or no number before image {engine.clock.images:,}; "
                    f"the last checkpoint is from before. Lower optimizers.{name}.lr, or set "
                    f"optimizers.{name}.clip_norm"
                )
        processes.check_replicas(engine.game.named_parameters())
        private = processes.gather(_private(engine.game))
        if processes.rank() == 0:
            state = {
                "method": self.recipe.method,
                "facts": self.facts.to_dict(),
                "stage": self.stage.name,
                "engine": engine.state_dict(),
                "private": private,
                "feed": self.feed.state_dict(),
                "log": self.log.state_dict(),
            }
            self.trainer.checkpoints.save(engine.clock.images, state)
            with engine.averages.in_place(engine.game):
                _model(self.trainer, self.facts, engine.game, engine.clock.images).save(
                    self.trainer.folder / "model"
                )
        self.saved_at = engine.clock.images


def _model(trainer: Trainer, facts: Facts, game: Game, images: int) -> Model:
    model = Model.__new__(Model)  # as it stands: this game goes on playing
    model.method, model.recipe, model.facts, model.images = trainer.method, trainer.recipe, facts, images
    model.game = game
    return model


class _Saved(MutableMapping[str, Mapping[str, Any]]):
    """Stages' states: the one in the newest checkpoint, and a file for each that is finished."""

    def __init__(self, folder: Path, newest: Mapping[str, Any] | None):
        self.folder, self.newest = folder, newest

    def _path(self, stage: str) -> Path:
        return self.folder / f"stage-{stage}.pt"

    def __getitem__(self, stage: str) -> Mapping[str, Any]:
        if self.newest is not None and self.newest["stage"] == stage:
            return self.newest["engine"]
        try:
            return read(self._path(stage))["engine"]
        except (DamagedError, FileNotFoundError):
            raise KeyError(stage) from None

    def __setitem__(self, stage: str, state: Mapping[str, Any]) -> None:
        if stage and processes.rank() == 0:
            write(self._path(stage), {"engine": state})

    def __delitem__(self, stage: str) -> None:
        self._path(stage).unlink()

    def __iter__(self) -> Iterator[str]:
        raise TypeError("stages are asked for by name")

    def __len__(self) -> int:
        raise TypeError("stages are asked for by name")


def _private(game: Game) -> dict[str, Any]:
    """State that differs by process (pools): what modules keep as extra state."""
    return {key: value for key, value in game.state_dict().items() if key.endswith("_extra_state")}


def _take_private(game: Game, everybodys: list[dict[str, Any]]) -> None:
    mine = everybodys[processes.rank() % len(everybodys)]
    game.load_state_dict({**game.state_dict(), **mine})


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
        RuntimeError: somebody does.
    """
    if processes.rank():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError(
                f"another process is training in {folder}; wait for it, or start a run in another folder"
            ) from None
        file.write(str(os.getpid()))
        file.flush()
        yield


def save_recipe(recipe: Recipe, folder: Path) -> None:
    """Put the recipe into the run folder."""
    if processes.rank() == 0:
        write_text(folder / "recipe.yaml", to_yaml(recipe))
