"""Evaluation during training: metrics of the model, and which model was the best so far."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ganarium import methods
from ganarium.data.dataset import Dataset
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.evaluation.cases import RealData, contexts, expected_offers, main_task, real_data
from ganarium.evaluation.measure import fewest, tree_of, values_of
from ganarium.metrics.base import Metric, Offers, Value
from ganarium.metrics.features import FeatureNetwork, load_features
from ganarium.metrics.table import chosen_metrics, metrics_named, selecting_value
from ganarium.models.model import Model
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.base import Task

BEST = "model-best"
"""Folder of the best model, in a run's folder."""
_SEED = 0


@dataclass(frozen=True)
class Best:
    """Best model of a run so far.

    Attributes:
        images: images shown when it was measured.
        value: its selecting value.
        by: key of the value, file of the network and number of samples; other values are not comparable.
        stage: stage of a campaign; models of several stages are not compared.
    """

    images: int
    value: float
    by: str
    stage: str = ""


class Evaluation:
    """Evaluation of a model in training, as a recipe's `evaluate` asks for.

    Values are a function of the model and a fixed seed; the random state of the training does not change.

    Args:
        recipe: recipe of the run.
        tasks: tasks of the method's game.
        spec: specification of the data.
        device: device of the feature network.

    Raises:
        FileNotFoundError: there is no file of features.
        ValueError: the game has no task to evaluate, a metric is unknown or does not apply, or it does not
            tell which model is the best.
    """

    def __init__(self, recipe: Recipe, tasks: Sequence[Task], spec: DataSpec, device: torch.device):
        self.recipe, self.settings, self.spec, self.device = recipe, recipe.evaluate, spec, device
        self.network: FeatureNetwork | None = None
        if self.settings.features is not None:
            self.network = load_features(self.settings.features)
        task = main_task(tasks)
        if task is None:
            raise ValueError(
                f"evaluate.every={self.settings.every}, but {recipe.method} has no task whose results are "
                "compared with data: leave it out"
            )
        self._real: tuple[Dataset, RealData] | None = None
        self._choose(task, spec, self.settings.metrics, self.settings.best)

    def of_task(self, task: Task, spec: DataSpec) -> "Evaluation":
        """Return the evaluation of a stage of a campaign: this one, or one of its own.

        In a stage with another main task, or other samples, those of the recipe's metrics are measured
        that apply, or the default ones.

        Raises:
            ValueError: no metric applies.
        """
        if not task.evaluated or (_equal(task, self.task) and spec == self.spec):
            return self
        stage = copy.copy(self)
        stage._real = None
        offers = self._expected(task, spec)
        named = metrics_named(self.settings.metrics)
        fitting = [each for each in named if any(each.applies(some) is None for some in offers)]
        try:
            stage._choose(task, spec, [each.name for each in fitting], self.settings.best)
        except ValueError:  # the recipe's value is not measured in this stage
            stage._choose(task, spec, [each.name for each in fitting], None)
        return stage

    def values(self, model: Model, dataset: Dataset, data: Data) -> dict[str, float]:
        """Return the values of a model beside its data, the selecting one first."""
        with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
            torch.manual_seed(_SEED)
            values = values_of(self._measured(model, dataset, data))
        return {self._key(values): values[self._key(values)], **values}

    def best(self, values: Mapping[str, float], images: int, stage: str, before: Best | None) -> Best:
        """Return the best model once these values were measured: the one before, or this one."""
        key = self._key(values)
        by = f"{key} {self.network.sha256[:12] if self.network else ''} {self.settings.count}"
        now = Best(images, values[key], by, stage)
        if before is None or (before.by, before.stage) != (by, stage):
            return now
        return now if self._better(now.value, before.value) else before

    def _choose(self, task: Task, spec: DataSpec, names: Sequence[str], best: str | None) -> None:
        """Choose what is measured, before there is a model."""
        self.task, self.spec, self._names, self._best = task, spec, tuple(names), best
        offers = self._expected(task, spec)
        self.chosen: list[Metric] = chosen_metrics(names, offers, self.settings.count, quick=True)
        self.selecting: Value = selecting_value(best, self.chosen)

    def _expected(self, task: Task, spec: DataSpec) -> list[Offers]:
        recipe = self.recipe
        networks = [self.network] if self.network else []
        return expected_offers(
            task, methods.find(recipe.method).game, spec, recipe.data, recipe.seed, networks
        )

    def _measured(self, model: Model, dataset: Dataset, data: Data) -> dict[str, Any]:
        if self._real is None or self._real[0] is not dataset:
            self._real = dataset, real_data(model, data, self.recipe.seed, dataset=dataset)
        cases = contexts(
            model,
            self._real[1],
            networks=[self.network.to(self.device)] if self.network else [],
            count=self.settings.count,
            seed=_SEED,
            resamples=0,
        )
        # Only now is it known for certain what the data offer.
        offers = [each.offers for each in cases.values()]
        self.chosen = chosen_metrics(self._names, offers, fewest(cases.values()), quick=True)
        self.selecting = selecting_value(self._best, self.chosen)
        return tree_of(cases, self.chosen)

    def _key(self, values: Mapping[str, float]) -> str:
        """Return the key of the selecting value among these, which may begin with the name of a group."""
        return next(key for key in values if key.rpartition("/")[2] == self.selecting.key)

    def _better(self, ours: float, theirs: float) -> bool:
        return ours < theirs if self.selecting.better == "lower" else ours > theirs


def _equal(ours: Task, theirs: Task) -> bool:
    """Return True for tasks of one class with equal settings."""
    return type(ours) is type(theirs) and vars(ours) == vars(theirs)
