"""A model beside data: what both the judge and a run in training need to evaluate one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganarium import methods
from ganarium.data.batches import Conditioned, Unpaired
from ganarium.data.dataset import Dataset
from ganarium.data.order import spread
from ganarium.data.selection import LABEL
from ganarium.data.settings import Data
from ganarium.data.sources.densities import POINTS, Points
from ganarium.data.sources.recognize import WORLD
from ganarium.data.spec import DataSpec
from ganarium.data.world import World
from ganarium.evaluation.held_out import evaluate_translations, offered_by, test_split
from ganarium.evaluation.samples import (
    ClassConditionalSamples,
    applicable_metrics,
    evaluate_samples,
    values_of,
)
from ganarium.evaluation.translations import values_of_ways
from ganarium.methods.translators import Translator
from ganarium.metrics import FeatureNetwork, Reference, load_features
from ganarium.metrics.base import (
    Metric,
    Value,
    by_class,
    metrics_named,
    selecting_value,
    validate_metrics,
)
from ganarium.metrics.reference import reference
from ganarium.models.model import Model
from ganarium.recipes.recipe import Recipe

BEST = "model-best"
"""The folder of the best model, in a run's."""
_SEED = 0


def generated(model: Model, dataset: Dataset, count: int, seed: int) -> Tensor:
    """Samples of a model, told the conditions that come with `count` real ones, evenly spread.

    Beside data without labels a model that is told labels draws every class in turn.

    Raises:
        ValueError: the model is told something else than the data tell.
    """
    spec, there = model.spec, dataset.spec
    if spec.condition is None or (spec.condition, there.condition) == (LABEL, None):
        return torch.cat(list(model.stream(count, seed=seed)))
    ours, theirs = ((each.classes, each.attributes, each.condition_shape) for each in (spec, there))
    if ours != theirs:
        raise ValueError(
            f"the model was told {_in_words(spec)}, but {dataset.report.source} has {_in_words(there)}; "
            "compare with data that have the same"
        )
    some = spread(len(dataset), count)
    batch = dataset.batch([int(some[i % len(some)]) for i in range(count)])
    condition = batch.condition if isinstance(batch, Conditioned) else None
    if isinstance(batch, Unpaired):  # as many of each
        condition = torch.arange(count) % len(batch.domains)
    return torch.cat(list(model.drawn(count, condition, seed=seed)))


def asked(model: Model, count: int, seed: int) -> ClassConditionalSamples | None:
    """Samples of a model that is told labels, asked for every class in turn; else None."""
    if model.spec.condition != LABEL:
        return None
    labels = model.condition(count)
    assert labels is not None
    samples = torch.cat(list(model.drawn(count, labels, seed=seed)))
    return ClassConditionalSamples(samples, labels, model.spec.classes)


def known_truth(
    source: str | tuple[str, ...], shape: Sequence[int], seed: int
) -> tuple[World | None, Points | None]:
    """What judges samples of the built-in data with no network: the world, or the true density of points."""
    if source == WORLD:
        return World((shape[1], shape[2]), seed=seed, channels=shape[0]), None
    return None, POINTS.get(source) if isinstance(source, str) else None


@dataclass(frozen=True)
class Best:
    """The best model of a run so far."""

    images: int
    value: float
    by: str
    """The measure, its network's file and the number of samples: others say nothing about this value."""
    stage: str = ""


class Evaluation:
    """What a recipe's `evaluate` asks for: measures of a model in training, and which was the best.

    The measures are a function of the model and the seed: whatever is drawn here moves no chance of the
    training. Models are compared within a campaign's stage: another one may draw pictures of another size.

    Raises:
        FileNotFoundError: there is no file of features.
        ValueError: a measure is unknown or does not apply, or says nothing about which model is the best.
    """

    def __init__(self, recipe: Recipe, spec: DataSpec, device: torch.device):
        self.recipe, self.settings, self.device = recipe, recipe.evaluate, device
        self.network: FeatureNetwork | None = None
        if self.settings.features is not None:
            self.network = load_features(self.settings.features)
        networks = [self.network] if self.network else []
        game = methods.find(recipe.method).game
        self.translates = issubclass(game, Translator)
        if issubclass(game, Translator):
            there = offered_by(spec, recipe.data, game.directions, features=networks)
        else:
            world, points = known_truth(recipe.data.source, spec.shape, recipe.seed)
            there = applicable_metrics(
                spec.shape,
                networks,
                world=world is not None,
                points=points is not None,
                classes=len(spec.classes) if spec.condition == LABEL else 0,
            )
        self.chosen: list[Metric] = metrics_named(self.settings.metrics) or [m for m in there if m.quick]
        validate_metrics(self.chosen, there, self.settings.count)
        self.selecting: Value = selecting_value(self.settings.best, self.chosen)
        self._reference: tuple[Dataset, Reference] | None = None
        self._held_back: tuple[Dataset, Dataset, Data] | None = None

    def values(self, model: Model, dataset: Dataset, data: Data) -> dict[str, float]:
        """The measures of a model beside its data, the one that decides first."""
        with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
            torch.manual_seed(_SEED)
            measure = self._of_translations if self.translates else self._of_samples
            values = measure(model, dataset, data)
        return {self._key(values): values[self._key(values)], **values}

    def _of_samples(self, model: Model, dataset: Dataset, data: Data) -> dict[str, float]:
        count = self.settings.count
        world, points = known_truth(data.source, model.spec.shape, self.recipe.seed)
        if self._reference is None or self._reference[0] is not dataset:
            self._reference = dataset, reference(dataset, data, self.recipe.seed)
        result = evaluate_samples(
            generated(model, dataset, count, _SEED),
            self._reference[1],
            features=self._networks(),
            world=world,
            points=points,
            asked=asked(model, count, _SEED) if by_class(self.settings.metrics) else None,
            metrics=[metric.name for metric in self.chosen],
            resamples=0,
        )
        return values_of(result)

    def _of_translations(self, model: Model, dataset: Dataset, data: Data) -> dict[str, float]:
        if self._held_back is None or self._held_back[0] is not dataset:
            self._held_back = dataset, *test_split(data, self.recipe.seed)
        directions = evaluate_translations(
            model,
            *self._held_back[1:],
            features=self._networks(),
            metrics=[metric.name for metric in self.chosen],
            count=self.settings.count,
            resamples=0,
        )
        return values_of_ways(directions)

    def _networks(self) -> list[FeatureNetwork]:
        return [self.network.to(self.device)] if self.network else []

    def best(self, values: Mapping[str, float], images: int, stage: str, before: Best | None) -> Best:
        """The best model once these values were measured: the one before, or this one."""
        key = self._key(values)
        by = f"{key} {self.network.sha256[:12] if self.network else ''} {self.settings.count}"
        now = Best(images, values[key], by, stage)
        if before is None or (before.by, before.stage) != (by, stage):
            return now
        return now if self._better(now.value, before.value) else before

    def _key(self, values: Mapping[str, float]) -> str:
        """What the value that decides is called among these: the world's stand under its name."""
        return next(key for key in values if key.rpartition("/")[2] == self.selecting.key)

    def _better(self, ours: float, theirs: float) -> bool:
        return ours < theirs if self.selecting.better == "lower" else ours > theirs


def _in_words(spec: DataSpec) -> str:
    names = spec.classes if spec.condition == LABEL else spec.attributes
    shape = "x".join(map(str, spec.condition_shape))
    return f"{spec.condition} {shape}" + (f" ({', '.join(names)})" if names else "")
