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
from ganarium.files import sweep, write_text
from ganarium.game import Game
from ganarium.model import Model, assemble
from ganarium.networks.layers.sync_batch_norm import synchronise
from ganarium.recipe import Recipe, complete, to_yaml
from ganarium.tables import merge
from ganarium.watch import grids, tensorboard
from ganarium.watch.log import BEGINNING, Log, NonFiniteError, peak_memory_mib

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SHOWN = 64
"""How many samples a grid shows."""
SAME_ORDER = 2.0
"""Signals within so many seconds are one order to stop."""


class Interrupted(Exception):  # noqa: N818 - an order that was obeyed, no error
    """The run was told to stop, saved everything, and stopped."""

    def __init__(self, signal_number: int, images: int):
        super().__init__(f"{signal.Signals(signal_number).name} after {images:,} images")
        self.signal_number = signal_number
        self.images = images


class BusyError(RuntimeError):
    """Another process is training in the run folder."""


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
    stage: str = ""
    """Which of a campaign's stages; empty where there is one game."""

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
    if type(net).forward.__module__.startswith("torch."):  # torch skips its own code in silence
        raise ValueError(
            f"compile=true cannot compile {name}: torch passes over a plain {type(net).__name__}; "
            "give it a class with a forward of its own"
        )
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
        self.log = Log(folder if processes.rank() == 0 else None)
        self.board: tensorboard.Board | None = None
        self.stop_signal = 0
        if recipe.tensorboard:
            tensorboard.require()

    def campaign(self) -> Campaign:
        """What is played: the method's campaign, or its game as a campaign of one stage."""
        played = assemble(self.method, self.recipe, self.facts)
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
            stack.enter_context(processes.together())
            if processes.rank() == 0:
                sweep(self.folder)
            state = self.checkpoints.newest(self.say)
            if state is not None:
                self._check_unchanged(state)
            elif (self.folder / "log.jsonl").exists():
                self.say("nothing was saved yet: the run begins anew")
            self.log.load_state_dict(state["log"] if state else BEGINNING, self.device)
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
            _take_private(engine.game, state["private"])
            state.clear()  # all of it is taken over; let its memory go
        save_recipe(self.recipe, self.folder)  # no sooner: this recipe has proved fit for the run
        desk = _Desk(self, stage, recipe, dataset.facts, engine, feed, before)
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
            self.say(
                f"the data had {state['samples']:,} samples when this run was saved, "
                f"now {len(self.dataset):,}: it goes on, but not with the numbers of a run that never stopped"
            )
        before = Facts.from_dict(state["facts"])
        if before != self.facts:
            raise ValueError(
                f"the data have changed since this run was saved: they were {before}, now {self.facts}. "
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


@dataclass
class _Desk:
    """Where one stage is played and everything due beside it is done."""

    trainer: Trainer
    stage: Stage
    recipe: Recipe
    facts: Facts
    engine: Engine
    feed: Feed
    before: int
    """Images that the stages before this one have shown."""
    sheet: Path | None = None
    saved_at: int = -1

    @property
    def log(self) -> Log:
        """The run's."""
        return self.trainer.log

    @property
    def images(self) -> int:
        """Shown so far in the whole run."""
        return self.before + self.engine.clock.images

    def play(self) -> Generator[Progress, None, None]:
        """Round after round."""
        length = self.trainer.recipe.images
        every = self.recipe.every
        log_every = every.log or max(1, length // 200)
        samples_every = every.samples or max(1, length // 20)
        checkpoint_every = every.checkpoint or max(1, length // 20)
        end = self.before + self.stage.images
        self.log.mark(self.images, self.feed.waited)
        if self.images == 0:
            self.draw()
        while (before := self.images) < end:
            terms = self.engine.round(self.feed)
            if self.images <= before:
                raise RuntimeError(f"round {self.engine.clock.round} of {self.recipe.method} drew no data")
            self.log.add(terms)
            now = self.images

            def due(interval: int, before: int = before, now: int = now) -> bool:
                return now // interval > before // interval or now >= end

            stop = processes.agree(bool(self.trainer.stop_signal))
            if due(samples_every):
                self.draw()
            progress = self.report() if due(log_every) else None
            if due(checkpoint_every) or stop:
                self.save()
            if progress:
                yield from self._hand_out(progress)
            if stop and now < length:
                raise Interrupted(self.trainer.stop_signal or signal.SIGTERM, now)

    def _hand_out(self, progress: Progress) -> Generator[Progress, None, None]:
        try:
            yield progress
        except GeneratorExit:  # whoever listened has left: keep what was played
            if self.saved_at != self.images:
                self.save()
            raise

    def report(self) -> Progress:
        """Write a line to the log."""
        clock = self.engine.clock
        rates = {name: o.param_groups[0]["lr"] for name, o in self.engine.optimizers.items()}
        record = self.log.write(clock.round, self.images, rates, stage=self.stage.name)
        speed = self.log.write_speed(self.images, self.feed.waited)
        if self.trainer.board:
            self.trainer.board.line(self.images, record["terms"], rates)
        return Progress(
            clock.round,
            self.images,
            self.trainer.recipe.images,
            record["terms"],
            speed["images_per_second"],
            speed["waited_for_data"],
            self.sheet,
            self.stage.name,
        )

    def draw(self) -> None:
        """Put the averaged players' samples, always from the same noise, on a sheet."""
        if processes.rank() or not hasattr(self.engine.game, "generate"):
            return
        with self.engine.averages.in_place(self.engine.game), torch.no_grad():
            samples = self._samples()
        self.sheet = self.trainer.folder / "samples" / f"{self.images:012d}.png"
        picture = grids.grid(samples)
        grids.save(picture, self.sheet)
        if self.trainer.board:
            self.trainer.board.sheet(self.images, picture)

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
        self.log.check(self.images)
        for name, params in engine.params.items():
            if not all(bool(torch.isfinite(p).all()) for p in params):
                raise NonFiniteError(
                    f"weights of {name} became infinite or no number before image {self.images:,}; "
                    f"the last checkpoint is from before. Lower optimizers.{name}.lr, or set "
                    f"optimizers.{name}.clip_norm"
                )
        processes.check_replicas(engine.game.named_parameters())
        private = processes.gather(_private(engine.game))
        if processes.rank() == 0:
            self._save_model()  # first: a run whose last checkpoint stands has its model
            state = {
                "recipe": self.trainer.recipe.model_dump(mode="json"),
                "facts": self.trainer.facts.to_dict(),
                "samples": len(self.trainer.dataset),
                "images": self.images,
                "stage": self.stage.name,
                "engine": engine.state_dict(),
                "private": private,
                "feed": self.feed.state_dict(),
                "log": self.log.state_dict(),
            }
            self.trainer.checkpoints.save(self.images, state)
            if self.trainer.board:
                self.trainer.board.flush()
        self.saved_at = self.images

    def _save_model(self) -> None:
        trainer = self.trainer
        model = Model.__new__(Model)  # as it stands: this game goes on playing
        model.method, model.recipe, model.images = trainer.method, trainer.recipe, self.images
        model.facts, model.game = self.facts, self.engine.game
        model.stage, model.run_facts = self.stage.name, trainer.facts
        with self.engine.averages.in_place(model.game):
            model.save(trainer.folder / "model")


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
        except DamagedError as error:
            raise DamagedError(
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
            raise BusyError(
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
