"""Measure: contexts to a tree of plain values, for a table, a log or JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import Image
from ganarium.data.sources.densities import Points
from ganarium.metrics.base import ClassConditionalSamples, Context, Metric
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.reference import Reference
from ganarium.metrics.table import METRICS, chosen_metrics, known_values
from ganarium.metrics.world import Judge


def evaluate_samples(
    samples: Tensor,
    real: Tensor | Reference,
    *,
    modality: Modality | None = None,
    features: FeatureNetwork | Sequence[FeatureNetwork] = (),
    world: Judge | None = None,
    points: Points | None = None,
    labels: ClassConditionalSamples | None = None,
    metrics: Sequence[str] | None = None,
    resamples: int = 100,
) -> dict[str, Any]:
    """Evaluate generated samples; see `measured` for the result.

    Args:
        samples: generated samples, `[N, ...]`.
        real: real ones of the same kind; the world does not need them.
        modality: modality of the samples; images if None.
        features: networks on whose features images are compared (see `load_features`).
        world: scores images that show the built-in world.
        points: true density of points.
        labels: samples asked for by class, for `class_accuracy` and `ms_ssim_diversity_by_class`.
        metrics: names of metrics (see `ganarium.metrics.table.METRICS`); all that apply if None.
        resamples: number of half-samples from which intervals follow; 0 for none.

    Raises:
        ValueError: a metric is unknown or does not apply, none applies, or one refuses the samples.
    """
    networks = [features] if isinstance(features, FeatureNetwork) else list(features)
    reference = Reference.of(real) if isinstance(real, Tensor) else real
    optional = {"world": world, "density": points, "labels": labels}
    context = Context(
        {
            "samples": samples,
            "reference": reference,
            "generated": True,
            **{name: thing for name, thing in optional.items() if thing is not None},
        },
        modality=modality or Image(),
        shape=samples.shape[1:],
        count=len(samples),
        networks=networks,
        classes=len(labels.classes) if labels else 0,
        resamples=check_resamples(resamples),
    )
    return measured(context, chosen_metrics(metrics, [context.offers], fewest([context])))


def fewest(contexts: Iterable[Context]) -> int:
    """Return the smallest number of samples, or of real ones, of several contexts."""
    return min(min(each.count, len(each.reference)) for each in contexts)


def check_resamples(resamples: int) -> int:
    """Return a number of half-samples.

    Raises:
        ValueError: intervals cannot follow from one.
    """
    if resamples < 0 or resamples == 1:
        raise ValueError(f"resamples is 0, for no intervals, or at least 2; given: {resamples}")
    return resamples


def measured(context: Context, chosen: Sequence[Metric]) -> dict[str, Any]:
    """Return the values of those metrics that apply to a context, as a tree.

    Always: `samples` and `real`, the numbers that were compared; `real` is 0 if no metric needs real ones.
    Values stand under their keys, those of the world under `world`. Under `features`, by each network's
    name, stand its file, layer, dimension and resizing, and the values on its features. Beside a value stand
    its 95 % interval, `[low, high]`, as `..._interval`: what other samples of the same number would give
    beside the same real ones (see `ganarium.metrics.intervals`); `..._real`, the same measure of as many real
    samples; `..._by_class`, that of each class by its name.
    """
    result: dict[str, Any] = {"samples": context.count, "real": 0}
    known = [each for each in METRICS.values() if each in chosen and each.applies(context.offers) is None]
    for metric in known:
        if values := metric.measure(context):
            (result.setdefault(metric.group, {}) if metric.group else result).update(values)
    entries = []
    for network in context.offers.networks:
        values = {}
        for metric in known:
            values |= metric.measure_on(network, context)
        if values:
            entries.append((network, context.description(network) | values))
    if entries:
        result["features"] = dict(_named(entries))
    if context.reference.seen:
        result["real"] = len(context.reference)
    return result


def tree_of(cases: dict[str, Context], chosen: Sequence[Metric]) -> dict[str, Any]:
    """Return what `measured` returns, under `directions` by the names of the contexts if they have any.

    The contexts are removed from `cases` one by one, so that their samples need not all fit in memory.
    """
    results = {name: measured(cases.pop(name), chosen) for name in list(cases)}
    return results.get("", {"directions": results})


def values_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the values in a result, by key.

    Keys of groups and, if there are several, of networks begin with their name: `world/score`. A result with
    `directions` has the mean of each value over the directions that have it and, if there are several
    directions, the values of each: `plain to inked/psnr`.
    """
    if "directions" not in result:
        return _values_of_one(result)
    each = {name: _values_of_one(values) for name, values in result["directions"].items()}
    keys = dict.fromkeys(key for values in each.values() for key in values)
    means = {key: _mean([values[key] for values in each.values() if key in values]) for key in keys}
    if len(each) == 1:
        return means
    return means | {f"{name}/{key}": value for name, values in each.items() for key, value in values.items()}


def _values_of_one(result: Mapping[str, Any]) -> dict[str, float]:
    networks = result.get("features", {})
    groups = dict.fromkeys(metric.group for metric in METRICS.values() if metric.group)
    parts = [("", result), *((f"{group}/", result.get(group, {})) for group in groups)]
    parts += [(f"{name}/" if len(networks) > 1 else "", entry) for name, entry in networks.items()]
    return {f"{start}{key}": part[key] for start, part in parts for key in known_values() if key in part}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _named(
    entries: Sequence[tuple[FeatureNetwork, dict[str, Any]]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each network's entry with its name; with its file as well, if two have one name."""
    names = [network.name for network, _ in entries]
    for network, entry in entries:
        alone = names.count(network.name) == 1
        yield network.name if alone else f"{network.name} {network.sha256[:12]}", entry
