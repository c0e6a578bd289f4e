"""The judge's table: every measure that applies, with all that makes two results comparable."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganarium.data.order import spread
from ganarium.data.sources.densities import Points
from ganarium.metrics.base import METRICS, VALUES, Metric, metrics_named, validate_metrics
from ganarium.metrics.classes import class_accuracy, inception_score
from ganarium.metrics.features import FeatureNetwork, FeaturesAndLogits, features_and_logits
from ganarium.metrics.frechet import frechet_distance
from ganarium.metrics.intervals import FEWEST, Interval, interval, intervals
from ganarium.metrics.kernel import kernel_distance
from ganarium.metrics.neighbors import PrecisionRecall, memorized_share, precision_recall_density_coverage
from ganarium.metrics.points import modes_covered, share_of_good_samples, sliced_wasserstein
from ganarium.metrics.reference import Reference
from ganarium.metrics.resampling import frechet_interval, kernel_interval, precision_recall_intervals
from ganarium.metrics.similarity import WINDOW, similarities_of_pairs
from ganarium.metrics.world import Judge

FLOOR_SEED = 2**40 + 1
"""Of the points that set the floor: no seed that anybody types, lest they be the `real` ones again."""


class ClassConditionalSamples(NamedTuple):
    """Samples that were asked for by class."""

    samples: Tensor
    labels: Tensor
    """int64 `[N]`."""
    classes: tuple[str, ...]
    """The names of the labels."""


def evaluate_samples(
    samples: Tensor,
    real: Tensor | Reference,
    *,
    features: FeatureNetwork | Sequence[FeatureNetwork] = (),
    world: Judge | None = None,
    points: Points | None = None,
    asked: ClassConditionalSamples | None = None,
    metrics: Sequence[str] | None = None,
    resamples: int = 100,
) -> dict[str, Any]:
    """How good generated samples are, as a tree of plain values for a table, a log or JSON.

    Always: `samples` and `real`, the numbers that were looked at. With `points`: `modes`, `modes_covered`,
    `share_of_good_samples`, `sliced_wasserstein`, and `sliced_wasserstein_real_floor`, which as many true
    points
    as there are samples get. With `world`: under `world` what it says of the samples, and `class_accuracy`
    of those asked for by class. Of pictures also `ms_ssim_diversity`.

    With `features`: under `features`, under each network's name, the network's file, layer, dimension and
    resizing, and `frechet_distance`, `kernel_distance`, `kernel_distance_std`, `precision`, `recall`,
    `density`, `coverage`, `memorized_share`, `memorized_share_expected`; of networks that name classes also
    `inception_score` and `inception_score_std`, and `class_accuracy` where their classes are as many as the
    data's.

    Beside a value stands its 95 % interval, `[low, high]`, as `..._interval`: what other samples of the same
    number would give, beside the same real ones (see `ganarium.metrics.bootstrap`). `..._real` is the same
    measure of as many real samples, `..._by_class` that of each class by its name.

    Args:
        samples: generated points `[N, 2]`, or pictures `[N, C, H, W]` in [-1, 1].
        real: real ones of the same kind; not looked at by the world.
        features: the networks whose features pictures are compared on (see `load_features`).
        world: judges pictures that show the built-in world.
        points: the true distribution of points.
        asked: samples asked for by class, for `class_accuracy` and `ms_ssim_diversity_by_class`.
        metrics: names of what to measure, `fid`, `kid`, `prdc`, `is`, `memorization`, `diversity`,
        `accuracy`,
            `modes`, `high_quality_share`, `swd`, `world` or the full ones; all that apply where not said.
        resamples: halves of the samples from which intervals follow; 0 for none.

    Raises:
        ValueError: a metric that is unknown or does not apply, pictures with neither `features` nor `world`,
            or samples that a measure refuses.
    """
    if resamples < 0 or resamples == 1:
        raise ValueError(f"resamples is 0, for no intervals, or at least 2; given: {resamples}")
    networks = [features] if isinstance(features, FeatureNetwork) else list(features)
    reference = Reference.of(real) if isinstance(real, Tensor) else real
    there = applicable_metrics(
        samples.shape[1:],
        networks,
        world=world is not None,
        points=points is not None,
        classes=len(asked.classes) if asked else 0,
    )
    count = min(len(samples), len(reference))
    if metrics is not None:
        chosen = metrics_named(metrics)
    else:
        chosen = [metric for metric in there if metric.least <= count] if networks or world or points else []
    validate_metrics(chosen, there, count)
    bench = _MetricRunner(
        samples, reference, asked, frozenset(chosen), resamples if len(samples) >= FEWEST else 0
    )
    result: dict[str, Any] = {"samples": len(samples), "real": 0}
    if points is not None:
        result |= bench.of_points(points)
    result |= bench.of_pictures()
    if world is not None:
        result |= bench.of_world(world)
    if entries := dict(named((network, bench.of_network(network)) for network in networks)):
        result["features"] = entries
    if reference.seen:
        result["real"] = len(reference)
    return result


def applicable_metrics(
    shape: Sequence[int],
    networks: Sequence[FeatureNetwork] = (),
    *,
    world: bool = False,
    points: bool = False,
    classes: int = 0,
) -> list[Metric]:
    """The metrics that apply.

    Args:
        shape: of one sample.
        networks: that read pictures.
        world: whether the built-in world judges.
        points: whether the true density is known.
        classes: in which samples are asked for; 0 where they are not.
    """
    there = {
        "features": bool(networks),
        "logits": any(network.classes for network in networks),
        "labels": bool(classes) and (world or any(network.classes == classes for network in networks)),
        "pictures": len(shape) == 3 and min(shape[1:]) >= WINDOW,
        "points": points,
        "world": world,
    }
    return [metric for metric in METRICS if there.get(metric.needs)]


def values_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The measured values in a result, each by its key.

    Those of the world and, where there are several, of networks stand behind their name: `world/score`.
    """
    networks = result.get("features", {})
    groups = [("", result), ("world/", result.get("world", {}))]
    groups += [(f"{name}/" if len(networks) > 1 else "", entry) for name, entry in networks.items()]
    return {f"{group}{key}": entry[key] for group, entry in groups for key in VALUES if key in entry}


class _MetricRunner:
    """The samples on their way through the measures that were chosen."""

    def __init__(
        self,
        samples: Tensor,
        reference: Reference,
        asked: ClassConditionalSamples | None,
        chosen: frozenset[Metric],
        resamples: int,
    ):
        self.samples, self.reference, self.asked = samples, reference, asked
        self.chosen = {metric.name for metric in chosen}
        self.needs = {metric.needs for metric in chosen}
        self.resamples = resamples

    def of_points(self, points: Points) -> dict[str, Any]:
        measures: dict[str, Callable[[Tensor], float]] = {
            "modes_covered": lambda x: modes_covered(x, points),
            "share_of_good_samples": lambda x: share_of_good_samples(x, points),
            "sliced_wasserstein": lambda x: sliced_wasserstein(x, self.reference.samples),
        }
        result: dict[str, Any] = {"modes": len(points.centers)}
        for name, measure in measures.items():
            if name in self.chosen:
                ends = self._interval(measure, self.samples)
                result |= entry_of(name, measure(self.samples), ends, most=result["modes"])
        if "sliced_wasserstein" in self.chosen:
            floor = points.sample(len(self.samples), seed=FLOOR_SEED)
            result["sliced_wasserstein_real_floor"] = sliced_wasserstein(floor, self.reference.samples)
        return result

    def of_pictures(self) -> dict[str, Any]:
        if "ms_ssim_diversity" not in self.chosen:
            return {}
        values, _ = similarities_of_pairs(self.samples)
        real, labels = self.reference.some(len(self.samples))
        of_real, of_real_classes = similarities_of_pairs(real, _enough(labels))
        result = entry_of("ms_ssim_diversity", values.mean().item(), self._interval_of_mean(values))
        result["ms_ssim_diversity_real"] = of_real.mean().item()
        if self.asked and (asked_for := _enough(self.asked.labels)) is not None:
            _, of_classes = similarities_of_pairs(self.asked.samples, asked_for)
            names = self.asked.classes
            result["ms_ssim_diversity_by_class"] = _means(of_classes, names)
            if of_real_classes:
                result["ms_ssim_diversity_real_by_class"] = _means(of_real_classes, names)
        return result

    def of_world(self, world: Judge) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if "class_accuracy" in self.chosen and self.asked:
            read = one_hot(world.judge(self.asked.samples).labels, len(self.asked.classes))
            result |= self._accuracy(read.double())
        if "world" not in self.chosen:
            return result
        judgement = world.judge(self.samples)
        summary = dict(judgement.summary())
        keys = [key for key in summary if key in VALUES]
        ends = self._intervals(
            lambda rows: [judgement.of(rows).summary()[key] for key in keys], torch.arange(len(self.samples))
        )
        told: dict[str, Any] = {}
        for key, value in summary.items():
            own = ends[keys.index(key)] if ends and key in keys else None
            told |= entry_of(key, value, own, most=len(judgement.shares()))
        return result | {"world": told}

    def of_network(self, network: FeatureNetwork) -> dict[str, Any]:
        described, result = network.describe(), dict[str, Any]()
        if self.needs & {"features", "logits"}:
            ours, theirs = features_and_logits(network, self.samples), self.reference.reading(network)
            described["dimension"] = theirs.features.shape[1]  # no file but tells it now
            result = self._distances(ours.features, theirs.features) | self._score(ours, theirs)
        if "class_accuracy" in self.chosen and self.asked and network.classes == len(self.asked.classes):
            result |= self._accuracy(_logits(network, self.asked.samples))
            real, labels = self.reference.some(len(self.samples))
            if labels is not None:
                result["class_accuracy_real"] = class_accuracy(_logits(network, real), labels).overall
        return described | result if result else {}

    def _distances(self, ours: Tensor, theirs: Tensor) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if "frechet_distance" in self.chosen:
            ends = frechet_interval(ours, theirs, resamples=self.resamples) if self.resamples else None
            result |= entry_of("frechet_distance", frechet_distance(ours, theirs), ends)
        if "kernel_distance" in self.chosen:
            mean, std = kernel_distance(ours, theirs)
            ends = kernel_interval(ours, theirs, mean, resamples=self.resamples) if self.resamples else None
            result |= entry_of("kernel_distance", mean, ends) | {"kernel_distance_std": std}
        if "precision_recall_density_coverage" in self.chosen:
            result |= self._precision_recall(ours, theirs)
        if "memorized_share" in self.chosen:
            found = memorized_share(ours, theirs)
            near = torch.arange(len(ours)) < round(found.share * len(ours))  # the share is all that counts
            result |= entry_of("memorized_share", found.share, self._interval_of_mean(near))
            result["memorized_share_expected"] = found.expected
        return result

    def _precision_recall(self, ours: Tensor, theirs: Tensor) -> dict[str, Any]:
        if not self.resamples:
            return precision_recall_density_coverage(ours, theirs)._asdict()
        result: dict[str, Any] = {}
        values, ends = precision_recall_intervals(ours, theirs, resamples=self.resamples)
        for key, value, pair in zip(PrecisionRecall._fields, values, ends, strict=True):
            result |= entry_of(key, value, pair)
        return result

    def _score(self, ours: FeaturesAndLogits, theirs: FeaturesAndLogits) -> dict[str, Any]:
        if "inception_score" not in self.chosen or ours.logits is None or theirs.logits is None:
            return {}
        mean, std = inception_score(ours.logits)
        ends = self._interval(lambda logits: inception_score(logits).mean, ours.logits)
        as_many = theirs.logits[spread(len(theirs.logits), len(ours.logits))]
        return entry_of("inception_score", mean, ends) | {
            "inception_score_std": std,
            "inception_score_real": inception_score(as_many).mean,
        }

    def _accuracy(self, logits: Tensor) -> dict[str, Any]:
        assert self.asked is not None
        _, labels, names = self.asked
        overall, by_class = class_accuracy(logits, labels)
        ends = self._interval(
            lambda rows: class_accuracy(logits[rows], labels[rows]).overall, torch.arange(len(labels))
        )
        told = {names[label]: share for label, share in by_class.items()}
        return entry_of("class_accuracy", overall, ends) | {"class_accuracy_by_class": told}

    def _interval_of_mean(self, values: Tensor) -> Interval | None:
        return self._interval(lambda x: x.mean().item(), values.double())

    def _interval(self, metric: Callable[[Tensor], float], values: Tensor) -> Interval | None:
        return interval(metric, values, resamples=self.resamples) if self.resamples else None

    def _intervals(self, metric: Callable[[Tensor], Sequence[float]], values: Tensor) -> list[Interval]:
        return intervals(metric, values, resamples=self.resamples) if self.resamples else []


def entry_of(
    key: str, value: float, ends: Interval | None = None, *, most: float = math.inf
) -> dict[str, Any]:
    """A value and, beside it, the part of its interval where it can be."""
    if ends is None:
        return {key: value}
    low, high = VALUES[key].limits
    return {key: value, f"{key}_interval": [min(max(end, low), high, most) for end in ends]}


def _logits(network: FeatureNetwork, samples: Tensor) -> Tensor:
    logits = features_and_logits(network, samples).logits
    assert logits is not None
    return logits


def _enough(labels: Tensor | None) -> Tensor | None:
    """The labels if there are pairs of each."""
    return labels if labels is not None and labels.unique(return_counts=True)[1].min() > 1 else None


def _means(by_class: Mapping[int, Tensor], names: Sequence[str]) -> dict[str, float]:
    return {names[label]: values.double().mean().item() for label, values in by_class.items()}


def named(
    entries: Iterable[tuple[FeatureNetwork, dict[str, Any]]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each network's entry by its name; by its file, too, where two have one name."""
    entries = [(network, entry) for network, entry in entries if entry]
    names = [network.name for network, _ in entries]
    for network, entry in entries:
        alone = names.count(network.name) == 1
        yield network.name if alone else f"{network.name} {network.sha256[:12]}", entry
