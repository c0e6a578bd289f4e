"""Cases: a model and data as the contexts in which metrics are measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from torch import Tensor

from ganarium.data.batches import Batch
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.order import Indices, spread
from ganarium.data.rows import Rows
from ganarium.data.settings import Data
from ganarium.data.sources.densities import POINTS
from ganarium.data.sources.recognize import WORLD
from ganarium.data.spec import DataSpec
from ganarium.data.world import World
from ganarium.metrics.base import ClassConditionalSamples, Context, Lazy, Offers
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.lpips import Heads
from ganarium.metrics.reference import Reference, reference
from ganarium.metrics.world_translation import STYLES
from ganarium.models.model import Model
from ganarium.tasks.base import Case, Task
from ganarium.tasks.trials import Trial

_GENERATED_AT_A_TIME, _GIVEN_AT_A_TIME = 64, 8
"""Batch sizes of the model: for latents, and for samples of the data, which may be large."""

Read = Callable[[tuple[int, ...]], tuple[Batch, Rows]]
"""Function that reads the samples of these numbers."""


def main_task(tasks: Iterable[Task]) -> Task | None:
    """Return the first task whose results are compared with data; None if there is none."""
    return next((task for task in tasks if task.evaluated), None)


def held_out(data: Data, seed: int) -> tuple[Dataset, Data]:
    """Return the part of the data that is held back from training, and its settings; all if nothing is."""
    dataset = open_data(data, seed=seed)
    if data.split == "test" or not dataset.has_test:
        return dataset, data
    data = data.model_copy(update={"split": "test"})
    return open_data(data, seed=seed), data


def known_truth(source: str | tuple[str, ...], shape: Sequence[int], seed: int) -> dict[str, Any]:
    """Return what is known of the distribution of built-in data: `world` or `density`; nothing of others."""
    if source == WORLD:
        return {"world": World((shape[1], shape[2]), seed=seed, channels=shape[0])}
    return {"density": POINTS[source]} if isinstance(source, str) and source in POINTS else {}


def classes_of(spec: DataSpec) -> tuple[str, ...]:
    """Return the names of the classes that samples can be asked for by; none if they cannot."""
    condition = spec.condition
    return spec.classes if condition and condition.is_label else ()


@dataclass
class RealData:
    """Data that outputs of a model are compared with.

    Attributes:
        dataset: the data.
        data: their settings.
        seed: seed of generated data.
        cached: True to keep what networks say of the data on disk; see `Reference`.
    """

    dataset: Dataset
    data: Data
    seed: int
    cached: bool = True
    _references: dict[int | None, Reference] = field(default_factory=dict)

    def reference(self, stream: int | None) -> Reference:
        """Return the reference of a stream; of all samples if None."""
        if stream not in self._references:
            self._references[stream] = reference(
                self.dataset, self.data, self.seed, stream=stream, cached=self.cached
            )
        return self._references[stream]


def real_data(
    model: Model, data: Data, seed: int, *, dataset: Dataset | None = None, cached: bool = True
) -> RealData:
    """Return the data that a model is compared with.

    Args:
        model: the model.
        data: settings of the data, in the format of the model's samples.
        seed: seed of generated data.
        dataset: the data of these settings, if they are open.
        cached: see `RealData`.
    """
    if all(trial.generated for trial in trials_of(model)[1]):
        return RealData(dataset or open_data(data, seed=seed), data, seed, cached)
    return RealData(*held_out(data, seed), seed, cached)


def trials_of(model: Model) -> tuple[Task, tuple[Trial, ...]]:
    """Return the task by which a model is evaluated, and its trials.

    Raises:
        ValueError: the results of none of its tasks are compared with data.
    """
    task = main_task(model.tasks.values())
    if task is None:
        raise ValueError(
            f"a {model.provenance.what} model has no task whose results are compared with data; "
            f"it can {', '.join(model.tasks) or 'do nothing'}"
        )
    return task, task.trials(model.game, model.spec)


def contexts(
    model: Model,
    real: RealData,
    *,
    networks: Sequence[FeatureNetwork] = (),
    heads: Heads | None = None,
    count: int = 1000,
    seed: int = 0,
    resamples: int = 100,
) -> dict[str, Context]:
    """Return the context of each trial of a model's main task, by the trial's name.

    The model runs when a metric first needs its outputs. Conditions come from the data; beside data
    without labels a class-conditional model generates every class in turn.

    Args:
        model: the model.
        real: data to compare with; their samples have the shape of the model's.
        networks: networks on whose features images are compared.
        heads: heads of LPIPS, for one of these networks.
        count: number of samples; at most as many as there are inputs where samples are given to the task.
        seed: seed of the latents of generated samples; 0 is that of samples made from others.
        resamples: number of half-samples from which intervals follow; 0 for none.

    Raises:
        ValueError: the model has no task to evaluate, or is conditioned on something else than the data have.
    """
    task, trials = trials_of(model)
    _check_condition(model, real.dataset, generated=all(trial.generated for trial in trials))
    read = lru_cache(maxsize=1)(real.dataset.batch_and_rows)  # several directions may take the same samples
    made = {}
    for trial in trials:
        run = _TrialRun(model, task, trial, real, read, count, seed)
        made[trial.name] = Context(
            run.things(),
            modality=run.output.kind,
            shape=run.shape,
            count=run.count,
            networks=networks,
            heads=heads,
            classes=len(run.classes),
            resamples=resamples,
        )
    return made


def expected_offers(
    task: Task, game: type, spec: DataSpec, data: Data, seed: int, networks: Sequence[FeatureNetwork] = ()
) -> list[Offers]:
    """Return what the trials of a task will offer to metrics, before there is a model.

    Args:
        task: the task.
        game: class of the game.
        spec: specification of the data.
        data: settings of the data.
        seed: seed of the data.
        networks: networks on whose features images are compared.
    """
    # Opening the built-in world reads no files; it knows the style of each of its streams.
    world = open_data(data, seed=seed) if data.source == WORLD else None
    classes = classes_of(spec)
    offers = []
    for trial in task.trials(game, spec):
        style = "" if trial.is_free or not world else world.style(trial.target or 0)
        known = {
            "generated": trial.generated,
            "labels": trial.is_free and bool(classes),
            "truth": trial.truth,
            "cycle": trial.back is not None,
            "identity": trial.target not in (None, trial.source),
            "scenes": style in STYLES,
            "style": style in STYLES,
            "map": style == "plain",
        }
        things = {"samples", "reference", *(name for name, offered in known.items() if offered)}
        if trial.is_free:
            things |= known_truth(data.source, spec.shape, seed).keys()
        known_classes = len(classes) if trial.is_free else 0
        offers.append(
            Offers(frozenset(things), spec.modality, spec.shape, tuple(networks), None, known_classes)
        )
    return offers


class _TrialRun:
    """Trial of a model: inputs from the data, and what the model makes of them."""

    def __init__(
        self, model: Model, task: Task, trial: Trial, real: RealData, read: Read, count: int, seed: int
    ):
        self.model, self.task, self.trial, self.real, self.read = model, task, trial, real, read
        self.wanted = count
        self.seed = seed if trial.generated else 0
        self.options = task.checked(model.game, trial.options)
        outputs = task.outputs(model.game, model.spec, self.options)
        self.output: Any = next((each for each in outputs if each.modality is not None), None)
        if self.output is None:
            raise ValueError(f"{task.name} returns no samples that could be compared with data")
        inputs = task.inputs(model.game, model.spec, self.options)
        self.inputs = [each for each in inputs if not each.is_latent and not each.optional]
        self.given = next((each.name for each in self.inputs if each.kind is each.modality), "")
        self.label = next((each.name for each in self.inputs if each.kind == model.spec.condition), "")
        self.classes = classes_of(model.spec) if self.label and trial.is_free else ()
        self.numbers = self._spread(trial.source, count)
        if trial.generated:
            self.numbers = np.resize(self.numbers, count)
        self.count = len(self.numbers)

    def _spread(self, stream: int, count: int) -> Indices:
        return spread(len(self.real.dataset.streams[stream]), count)

    @cached_property
    def case(self) -> Case:
        """Inputs that come from the data, and their truth; default inputs if the data have none."""
        if self.trial.generated and not (self.inputs and self.real.dataset.condition):
            return Case(self.model.inputs_of(self.task.name, self.count, **self.trial.options))
        batch, rows = self.read(tuple(self.numbers.tolist()))
        return self.task.case(self.model.game, self.model.spec, batch, rows, self.options)

    @cached_property
    def samples(self) -> Tensor:
        """Outputs of the model."""
        return self.run(self.case.inputs)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one output."""
        if self.trial.truth and self.output.name in self.case.truth:
            return tuple(self.case.truth[self.output.name].shape[1:])
        known = all(isinstance(axis, int) for axis in self.output.shape)
        return tuple(self.output.shape) if known else self.model.spec.shape

    def run(self, inputs: Mapping[str, Tensor], options: Mapping[str, Any] | None = None) -> Tensor:
        """Return the model's outputs for these inputs, `[N, ...]` on the CPU."""
        made = self.model.apply(
            self.task.name,
            **inputs,
            **(self.trial.options if options is None else options),
            seed=self.seed,
            count=max(map(len, inputs.values()), default=self.count),
            batch_size=_GENERATED_AT_A_TIME if self.trial.generated else _GIVEN_AT_A_TIME,
        )
        outputs: Tensor = made if isinstance(made, Tensor) else made[self.output.name]
        return outputs

    def things(self) -> dict[str, Any]:
        """Return what metrics may need, by name."""
        things = {"samples": Lazy(lambda: self.samples), "reference": self.real.reference(self.trial.target)}
        if self.classes:
            things["labels"] = Lazy(self._labels)
        if self.trial.generated:
            things["generated"] = True
        if self.trial.is_free:
            return things | known_truth(self.real.data.source, self.model.spec.shape, self.real.seed)
        if self.trial.truth:
            things |= {f"input:{name}": value for name, value in self.case.inputs.items()}
            if self.output.name in self.case.truth:
                things["truth"] = self.case.truth[self.output.name]
        if self.trial.back is not None:
            things["cycle"] = Lazy(self._cycle)
        if self.trial.target not in (None, self.trial.source):
            things["identity"] = Lazy(self._identity)
        dataset = self.real.dataset
        if (style := dataset.style(self.trial.target or 0)) in STYLES:
            things |= {"style": style, "scenes": dataset.scenes(self.numbers, stream=self.trial.source)}
        return things

    def _labels(self) -> ClassConditionalSamples:
        """Return samples of every class in turn; for samples of the data, those of the requested classes."""
        if not self.trial.generated:
            return ClassConditionalSamples(self.samples, self.case.inputs[self.label], self.classes)
        inputs = self.model.inputs_of(self.task.name, self.count, **self.trial.options)
        return ClassConditionalSamples(self.run(inputs), inputs[self.label], self.classes)

    def _cycle(self) -> tuple[Tensor, Tensor]:
        """Return inputs, and outputs translated back."""
        return self.case.inputs[self.given], self.run({self.given: self.samples}, self.trial.back)

    def _identity(self) -> tuple[Tensor, Tensor]:
        """Return samples like those that outputs should resemble, and the outputs for them."""
        target = self.trial.target or 0
        own = self.real.dataset.part(target, self._spread(target, self.wanted))[0]
        return own, self.run({self.given: own})


def _check_condition(model: Model, dataset: Dataset, *, generated: bool) -> None:
    """Raise ValueError unless the data have conditions like those that the model takes."""
    kind, there = model.spec.condition, dataset.spec.condition
    if kind is None or not kind.is_input or (generated and kind.is_label and there is None):
        return
    if not kind.compatible(there):
        raise ValueError(
            f"the model is conditioned on {kind.describe()}, but {dataset.report.source} has "
            f"{there.describe() if there else 'no condition'}: compare with data that have the same"
        )
