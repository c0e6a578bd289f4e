"""Training loop: one stage from beginning to end, in the order in which things happen."""

import signal
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganarium.common import grids
from ganarium.core import processes
from ganarium.core.campaign import Stage
from ganarium.core.devices import described
from ganarium.core.engine import Engine
from ganarium.core.game import Game
from ganarium.data.feed import Feed
from ganarium.evaluation.during_training import BEST, Evaluation
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.monitoring import data_summary, doctor
from ganarium.monitoring.log import NonFiniteError
from ganarium.monitoring.statistics import SampleComparison, UpdateProbe
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.base import Case, Task
from ganarium.training.builder import unused_compiled
from ganarium.training.state import RunState


class TrainingInterrupted(Exception):  # noqa: N818 - not an error
    """Training stopped at a signal; everything is saved."""

    def __init__(self, signal_number: int, images: int):
        super().__init__(f"{signal.Signals(signal_number).name} after {images:,} images")
        self.signal_number = signal_number
        self.images = images


@dataclass(frozen=True)
class Progress:
    """Progress of a run at one line of its log."""

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
    """Newest sample grid."""
    stage: str = ""
    """Stage of a campaign; empty if there is one game."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Metrics that were measured at this line, the selecting one first; empty if none were."""
    best: bool = False
    """True if this is the best model of the run so far."""

    @property
    def seconds_left(self) -> float:
        """Seconds to the end of the run at the current speed."""
        return (self.length - self.images) / max(self.images_per_second, 1e-9)


@dataclass
class TrainingLoop:
    """Training of one stage.

    Attributes:
        run: state that all stages of the run share.
        stage: the stage.
        recipe: recipe of the stage.
        engine: engine of the stage's game.
        feed: data of the stage.
        before: images of the stages before this one.
    """

    run: RunState
    stage: Stage
    recipe: Recipe
    engine: Engine
    feed: Feed
    before: int
    grid: Path | None = field(default=None, init=False)
    """Newest sample grid."""
    saved_at: int = field(default=-1, init=False)
    """Images at the last checkpoint."""
    improved: bool = field(default=False, init=False)
    """True if the model is the best so far and not yet saved as such."""
    _comparison: SampleComparison | None = field(default=None, init=False)
    _known: set[tuple[str, str]] = field(default_factory=set, init=False)

    @property
    def images(self) -> int:
        """Images shown so far in the whole run."""
        return self.before + self.engine.clock.images

    @property
    def game(self) -> Game:
        """Game of the stage."""
        return self.engine.game

    @property
    def task(self) -> Task | None:
        """Main task of the game; None if it has none."""
        return self.game.tasks[0] if self.game.tasks else None

    def play(self) -> Generator[Progress, None, None]:
        """Play rounds to the end of the stage; yield a Progress for each line of the log.

        Raises:
            TrainingInterrupted: a signal was received; everything is saved.
            NonFiniteError: a loss term or a weight is infinite or NaN.
        """
        run, length = self.run, self.run.recipe.images
        log_every = self.recipe.every.log or max(1, length // 200)
        grid_every = self.recipe.every.samples or max(1, length // 20)
        checkpoint_every = self.recipe.every.checkpoint or max(1, length // 20)
        evaluation = self.stage_evaluation()
        end = self.before + self.stage.images
        run.log.mark(self.images, self.feed.waited)
        if self.images == 0:
            self.draw_grid()
        while (before := self.images) < end:
            self.play_round(before)
            due = _due(before, self.images, end)
            stop = processes.any_process(bool(run.stop))
            if due(grid_every):
                self.draw_grid()
            if evaluated := evaluation is not None and due(run.recipe.evaluate.every or end):
                self.evaluate(evaluation)
            progress = self.write_log() if due(log_every) or evaluated else None
            if due(checkpoint_every) or stop or self.improved:
                self.save()
            if progress:
                yield from self._yielded(progress)
                if due(max(1, length // 20)):
                    self.report_diagnoses(self.images >= length)
            if stop and self.images < length:
                raise TrainingInterrupted(run.stop.number or signal.SIGTERM, self.images)

    def play_round(self, before: int) -> None:
        """Play one round and add its loss terms to the log; in the first of a line measure weight updates."""
        log = self.run.log
        probe = UpdateProbe(self.engine.params) if log.begins_a_line else None
        terms = self.engine.round(self.feed)
        if probe:
            log.note(players=probe.measure())
        if self.engine.clock.round == 1 and (unused := unused_compiled(self.engine)):
            self.run.notify(
                f"compile=true has no effect on {', '.join(unused)}: the game does not call its forward; "
                "list the called submodules in the network's `compiled_parts`"
            )
        if self.images <= before:
            raise RuntimeError(f"round {self.engine.clock.round} of {self.recipe.method} took no data")
        log.add(terms)

    def _yielded(self, progress: Progress) -> Generator[Progress, None, None]:
        try:
            yield progress
        except GeneratorExit:  # the caller stopped iterating
            if self.saved_at != self.images:
                self.save()
            raise

    def write_log(self) -> Progress:
        """Write a line to the log; return it as a Progress."""
        run, clock = self.run, self.engine.clock
        rates = {name: o.param_groups[0]["lr"] for name, o in self.engine.optimizers.items()}
        record = run.log.write(clock.round, self.images, rates, stage=self.stage.name)
        speed = run.log.write_speed(self.images, self.feed.waited, described(run.device))
        metrics = record.get("metrics", {})
        if run.board:
            run.board.line(self.images, record["terms"], rates, metrics)
        return Progress(
            clock.round,
            self.images,
            run.recipe.images,
            record["terms"],
            speed["images_per_second"],
            speed["data_wait_share"],
            self.grid,
            self.stage.name,
            metrics,
            self.improved,
        )

    def draw_grid(self) -> None:
        """Save a sample grid of the averaged networks for fixed inputs; log statistics of the samples."""
        task, spec = self.task, self.feed.dataset.spec
        if processes.rank() or task is None:
            return
        count = min(task.grid_rows(spec), len(self.feed.dataset))
        batch, rows = self.feed.dataset.batch_and_rows(range(count))
        with self.engine.averages.in_place(self.game), torch.no_grad():
            columns = task.examples(self.game, spec, batch, rows)
        case = task.comparison(self.game, spec, batch)
        if case is not None:
            self.note_statistics(task, case, next(iter(columns.values()))[1].cpu())
        if len(columns) == 1:
            ((kind, samples),) = columns.values()
            self.show(kind.grid(samples))
        else:
            thumbnails = [[kind.thumbnail(each, grids.CELL) for each in x] for kind, x in columns.values()]
            cells = [cell for row in zip(*thumbnails, strict=True) for cell in row]
            self.show(grids.tiled(cells, columns=len(columns)))

    def show(self, image: Image.Image) -> None:
        """Save the newest sample grid."""
        self.grid = self.run.folder / "samples" / f"{self.images:012d}.png"
        grids.save(image, self.grid)
        if self.run.board:
            self.run.board.grid(self.images, image)

    def note_statistics(self, task: Task, case: Case, samples: Tensor) -> None:
        """Log the energy distance between samples and data, and the discriminator's AUC."""
        self._comparison = comparison = self._comparison or SampleComparison(self.feed.dataset, len(samples))
        statistics = {"images": self.images, **comparison.compare(samples)}
        # With synchronized batch norm the scores would need all processes, but only the first one is here.
        if self.engine.clock.round and (processes.size() == 1 or not self.recipe.sync_batch_norm):
            share = self.recipe.batch_size // processes.size() // self.recipe.accumulate
            statistics["discriminator_auc"] = comparison.discriminator_auc(self.game, task, case, share)
        self.run.log.note(samples=statistics, data=comparison.data_statistics())

    def report_diagnoses(self, finished: bool) -> None:
        """Notify the user of new diagnoses of the doctor; of all of them at the end of the run."""
        if processes.rank():
            return
        try:
            diagnoses = doctor.doctor(self.run.folder)
        except ValueError as error:  # a damaged log does not stop the run
            self.run.notify(f"doctor: {error}")
            return
        known = {(each.name, each.severity) for each in diagnoses if each.severity != "unknown"}
        new = [each for each in diagnoses if (each.name, each.severity) in known - self._known]
        self._known |= known
        for line in doctor.words(diagnoses) if finished else map("doctor: {}".format, new):
            self.run.notify(line)

    def stage_evaluation(self) -> Evaluation | None:
        """Return the evaluation of the stage's main task; None without evaluation."""
        found = self.run.evaluation
        if found is None or self.task is None:
            return None
        return found.of_task(self.task, self.feed.dataset.spec)

    def evaluate(self, evaluation: Evaluation) -> None:
        """Evaluate the averaged model, log its metrics, and compare it with the best model so far."""
        run, started = self.run, time.perf_counter()
        self.check()
        with self.engine.averages.in_place(self.game):
            values = processes.on_first_process(
                lambda: evaluation.values(self._model(), self.feed.dataset, self.recipe.data)
            )
        best = evaluation.best(values, self.images, self.stage.name, run.best)
        self.improved, run.best = best is not run.best, best
        run.log.note(metrics=values)
        run.log.skip(time.perf_counter() - started)

    def check(self) -> None:
        """Raise NonFiniteError if a loss term or a weight is infinite or NaN."""
        self.run.log.check(self.images)
        for name, params in self.engine.params.items():
            if not all(bool(torch.isfinite(p).all()) for p in params):
                raise NonFiniteError(
                    f"weights of {name} became infinite or NaN before image {self.images:,}; "
                    f"the last checkpoint is from before. Lower optimizers.{name}.lr, or set "
                    f"optimizers.{name}.clip_norm"
                )

    def save(self) -> None:
        """Write the model and a checkpoint, if all weights are finite and equal in all processes."""
        run = self.run
        self.check()
        processes.check_replicas(self.game.named_parameters())
        process_states = processes.gather(per_process_state(self.game))
        if processes.rank() == 0:
            self._save_model("model")  # first, so that each checkpoint has its model
            if self.improved:
                self._save_model(BEST)
            state = {
                "recipe": run.recipe.model_dump(mode="json"),
                "spec": run.spec.to_dict(),
                "samples": run.samples,
                "images": self.images,
                "stage": self.stage.name,
                "best": run.best and vars(run.best),
                "engine": self.engine.state_dict(),
                "per_process_state": process_states,
                "feed": self.feed.state_dict(),
                "log": run.log.state_dict(),
            }
            run.checkpoints.save(self.images, state, best=run.best.images if run.best else None)
            data_summary.save_report(self.feed.dataset, run.folder)
            if run.board:
                run.board.flush()
        self.saved_at, self.improved = self.images, False

    def _save_model(self, folder: str) -> None:
        with self.engine.averages.in_place(self.game):
            self._model().save(self.run.folder / folder)

    def _model(self) -> Model:
        run = self.run
        provenance = Trained(run.method, run.recipe, run.spec, self.images, self.stage.name)
        return Model.of_training(self.game, self.feed.dataset.spec, provenance)


def _due(before: int, now: int, end: int) -> Callable[[int], bool]:
    """Return a function: True if an interval of images ended between two rounds, or if the stage ended."""
    return lambda interval: now // interval > before // interval or now >= end


def per_process_state(game: Game) -> dict[str, Any]:
    """Return the state that differs between processes (pools): the extra state of modules."""
    return {key: value for key, value in game.state_dict().items() if key.endswith("_extra_state")}


def set_per_process_state(game: Game, gathered: list[dict[str, Any]]) -> None:
    """Load the state of this process; with more processes than before, states are used several times."""
    own = gathered[processes.rank() % len(gathered)]
    game.load_state_dict({**game.state_dict(), **own})
