"""The desk at which a stage is played: everything that is due beside the rounds."""

import signal
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from ganarium.common import grids
from ganarium.core import processes
from ganarium.core.campaign import Stage
from ganarium.core.devices import described
from ganarium.core.engine import Engine
from ganarium.core.game import Game
from ganarium.data.feed import Feed, on_device
from ganarium.data.sources.base import DOMAINS
from ganarium.data.spec import DataSpec
from ganarium.evaluation.during_training import BEST
from ganarium.methods.translators import Translator
from ganarium.models.model import Model
from ganarium.monitoring import data_summary, doctor
from ganarium.monitoring.log import Log, NonFiniteError
from ganarium.monitoring.statistics import SampleComparison, UpdateProbe
from ganarium.recipes.recipe import Recipe

if TYPE_CHECKING:
    from ganarium.training.trainer import Trainer


class TrainingInterrupted(Exception):  # noqa: N818 - an order that was obeyed, no error
    """The run was told to stop, saved everything, and stopped."""

    def __init__(self, signal_number: int, images: int):
        super().__init__(f"{signal.Signals(signal_number).name} after {images:,} images")
        self.signal_number = signal_number
        self.images = images


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
    data_wait_share: float
    """Share of the time since the last line that was spent waiting for data."""
    samples: Path | None = None
    """The newest sheet of samples."""
    stage: str = ""
    """Which of a campaign's stages; empty where there is one game."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What was measured here, the measure that decides first; empty where it was not the time."""
    best: bool = False
    """Whether this is the best model of the run so far."""

    @property
    def seconds_left(self) -> float:
        """At the present speed."""
        return (self.length - self.images) / max(self.images_per_second, 1e-9)


@dataclass
class TrainingLoop:
    """Where one stage is played and everything due beside it is done."""

    trainer: "Trainer"
    stage: Stage
    recipe: Recipe
    spec: DataSpec
    engine: Engine
    feed: Feed
    before: int
    """Images that the stages before this one have shown."""
    sheet: Path | None = None
    saved_at: int = -1
    improved: bool = False
    """Whether the model is the best so far, and not yet saved as that."""
    _likeness: SampleComparison | None = field(default=None, init=False)
    _known: set[tuple[str, str]] = field(default_factory=set, init=False)

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
        evaluate_every = self.trainer.recipe.evaluate.every
        game = self.engine.game
        if evaluate_every and not (isinstance(game, Translator) or hasattr(game, "generate")):
            raise ValueError(f"evaluate.every={evaluate_every}, but {self.recipe.method} draws no samples")
        end = self.before + self.stage.images
        self.log.mark(self.images, self.feed.waited)
        if self.images == 0:
            self.draw()
        while (before := self.images) < end:
            stride = UpdateProbe(self.engine.params) if self.log.begins_a_line else None
            terms = self.engine.round(self.feed)
            if stride:
                self.log.note(players=stride.signs())
            if self.images <= before:
                raise RuntimeError(f"round {self.engine.clock.round} of {self.recipe.method} drew no data")
            self.log.add(terms)
            now = self.images

            def due(interval: int, before: int = before, now: int = now) -> bool:
                return now // interval > before // interval or now >= end

            stop = processes.any_process(bool(self.trainer.stop_signal))
            if due(samples_every):
                self.draw()
            if judged := evaluate_every is not None and due(evaluate_every):
                self.evaluate()
            progress = self.report() if due(log_every) or judged else None
            if due(checkpoint_every) or stop or self.improved:
                self.save()
            if progress:
                yield from self._hand_out(progress)
                if due(max(1, length // 20)):
                    self.ask_the_doctor(now >= length)
            if stop and now < length:
                raise TrainingInterrupted(self.trainer.stop_signal or signal.SIGTERM, now)

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
        speed = self.log.write_speed(self.images, self.feed.waited, described(self.trainer.device))
        if self.trainer.board:
            self.trainer.board.line(self.images, record["terms"], rates, record.get("metrics", {}))
        return Progress(
            clock.round,
            self.images,
            self.trainer.recipe.images,
            record["terms"],
            speed["images_per_second"],
            speed["data_wait_share"],
            self.sheet,
            self.stage.name,
            record.get("metrics", {}),
            self.improved,
        )

    def draw(self) -> None:
        """Put the averaged players' samples, always from the same noise or pictures, on a sheet."""
        if processes.rank():
            return
        if isinstance(self.engine.game, Translator):
            self.draw_translations(self.engine.game)
        elif hasattr(self.engine.game, "generate"):
            self.draw_samples()

    def draw_translations(self, game: Translator) -> None:
        """A row for each of the first pictures: what went in, what came out, and what comes back."""
        batch = self.feed.dataset.batch(range(min(grids.TRANSLATIONS, len(self.feed.dataset))))
        with self.engine.averages.in_place(game), torch.no_grad():
            columns = game.examples(on_device(batch, self.trainer.device))
        self.show(grids.beside(columns))

    def draw_samples(self) -> None:
        """Samples from always the same noise, and what is to be noted of them."""
        noise, told = self._asked_for()
        game: Any = self.engine.game
        with self.engine.averages.in_place(game), torch.no_grad():
            samples = game.generate(noise, told).float().cpu()
        self.examine(samples, noise, told)
        self.show(grids.grid(samples))

    def show(self, picture: Image.Image) -> None:
        """Save the newest sheet."""
        self.sheet = self.trainer.folder / "samples" / f"{self.images:012d}.png"
        grids.save(picture, self.sheet)
        if self.trainer.board:
            self.trainer.board.sheet(self.images, picture)

    def examine(self, samples: Tensor, noise: Tensor, told: Tensor | None) -> None:
        """Note how the samples stand beside the data, and whether the discriminator tells them apart."""
        likeness = self._likeness = self._likeness or SampleComparison(self.feed.dataset, len(samples))
        signs = {"images": self.images, **likeness.signs(samples)}
        alone = processes.size() == 1 or not self.recipe.sync_batch_norm  # the others draw no samples
        if self.engine.clock.round and alone:
            share = self.recipe.batch_size // processes.size() // self.recipe.accumulate
            signs["discriminator_auc"] = likeness.discriminator_auc(self.engine.game, noise, told, share)
        self.log.note(samples=signs, data=likeness.data_signs())

    def ask_the_doctor(self, finished: bool) -> None:
        """Say what is new to the doctor, and at the end all that is wrong."""
        if processes.rank():
            return
        try:
            diagnoses = doctor.doctor(self.trainer.folder)
        except ValueError as error:  # a log that was damaged before ends no run
            self.trainer.notify(f"doctor: {error}")
            return
        known = {(each.name, each.severity) for each in diagnoses if each.severity != "unknown"}
        news = [each for each in diagnoses if (each.name, each.severity) in known - self._known]
        self._known |= known
        for line in doctor.words(diagnoses) if finished else map("doctor: {}".format, news):
            self.trainer.notify(line)

    def _asked_for(self) -> tuple[Tensor, Tensor | None]:
        """The noise of the sheet's samples, and what they are told."""
        game: Any = self.engine.game
        device = self.trainer.device
        count = grids.PICTURES if len(self.spec.shape) == 3 else grids.POINTS
        noise = game.draw_noise(count, torch.Generator().manual_seed(0)).to(device)
        told = None
        if self.spec.condition == DOMAINS:  # the same noise in each, side by side
            domains = len(self.spec.classes)
            noise = noise.repeat_interleave(domains, 0)[:count]
            told = (torch.arange(count) % domains).to(device)
        elif self.spec.condition:
            batch: Any = self.trainer.dataset.batch(range(min(count, len(self.trainer.dataset))))
            told = batch.condition[torch.arange(count) % len(batch.condition)].to(device)
        return noise, told

    def evaluate(self) -> None:
        """Judge the model as users would get it, for the next line of the log, and see if it is the best."""
        evaluation, started = self.trainer.evaluation, time.perf_counter()
        assert evaluation is not None, "the recipe asks for it"
        self.check()
        with self.engine.averages.in_place(self.engine.game):
            values = processes.on_first_process(
                lambda: evaluation.values(self._model(), self.feed.dataset, self.recipe.data)
            )
        best = evaluation.best(values, self.images, self.stage.name, self.trainer.best)
        self.improved, self.trainer.best = best is not self.trainer.best, best
        self.log.note(metrics=values)
        self.log.skip(time.perf_counter() - started)

    def check(self) -> None:
        """Raise NonFiniteError if a loss term or a weight is no number any more."""
        self.log.check(self.images)
        for name, params in self.engine.params.items():
            if not all(bool(torch.isfinite(p).all()) for p in params):
                raise NonFiniteError(
                    f"weights of {name} became infinite or no number before image {self.images:,}; "
                    f"the last checkpoint is from before. Lower optimizers.{name}.lr, or set "
                    f"optimizers.{name}.clip_norm"
                )

    def save(self) -> None:
        """Write a checkpoint and the model, after making sure that they are worth keeping."""
        engine, best = self.engine, self.trainer.best
        self.check()
        processes.check_replicas(engine.game.named_parameters())
        private = processes.gather(per_process_state(engine.game))
        if processes.rank() == 0:
            self._save_model("model")  # first: a run whose last checkpoint stands has its model
            if self.improved:
                self._save_model(BEST)
            state = {
                "recipe": self.trainer.recipe.model_dump(mode="json"),
                "facts": self.trainer.spec.to_dict(),
                "samples": len(self.trainer.dataset),
                "images": self.images,
                "stage": self.stage.name,
                "best": best and vars(best),
                "engine": engine.state_dict(),
                "private": private,
                "feed": self.feed.state_dict(),
                "log": self.log.state_dict(),
            }
            self.trainer.checkpoints.save(self.images, state, best=best.images if best else None)
            data_summary.save_report(self.trainer.dataset, self.trainer.folder)
            if self.trainer.board:
                self.trainer.board.flush()
        self.saved_at, self.improved = self.images, False

    def _save_model(self, folder: str) -> None:
        with self.engine.averages.in_place(self.engine.game):
            self._model().save(self.trainer.folder / folder)

    def _model(self) -> Model:
        trainer = self.trainer
        model = Model.__new__(Model)  # as it stands: this game goes on playing
        model.method, model.recipe, model.images = trainer.method, trainer.recipe, self.images
        model.spec, model.game = self.spec, self.engine.game
        model.stage, model.run_spec = self.stage.name, trainer.spec
        return model


def per_process_state(game: Game) -> dict[str, Any]:
    """State that differs by process (pools): what modules keep as extra state."""
    return {key: value for key, value in game.state_dict().items() if key.endswith("_extra_state")}


def set_per_process_state(game: Game, gathered: list[dict[str, Any]]) -> None:
    """Give this process its own of everybody's; with other numbers of processes they go round."""
    mine = gathered[processes.rank() % len(gathered)]
    game.load_state_dict({**game.state_dict(), **mine})
