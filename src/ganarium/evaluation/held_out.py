"""What a translating model makes of pictures that it was not taught, and how good that is."""

from collections.abc import Iterator, Sequence
from typing import Any

from ganarium.data.batches import Conditioned
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.order import spread
from ganarium.data.settings import Data
from ganarium.data.sources.base import DOMAINS
from ganarium.data.sources.recognize import WORLD
from ganarium.data.spec import DataSpec
from ganarium.evaluation.translations import Translated, evaluate_way, offered_to, offered_translations
from ganarium.methods.translators import Direction
from ganarium.metrics import FeatureNetwork, Heads
from ganarium.metrics.base import Metric, metrics_named, validate_metrics
from ganarium.metrics.lpips import SMALLEST, TAPS
from ganarium.metrics.reference import reference
from ganarium.models.model import Model


def test_split(data: Data, seed: int) -> tuple[Dataset, Data]:
    """The half of the data that training never shows; all of them where nothing is held back.

    Which it was stands in the second: `split` is `test` or `train`.
    """
    dataset = open_data(data, seed=seed)
    if data.split == "test" or not dataset.has_test:
        return dataset, data
    data = data.model_copy(update={"split": "test"})
    return open_data(data, seed=seed), data


def evaluate_translations(
    model: Model,
    dataset: Dataset,
    data: Data,
    *,
    features: Sequence[FeatureNetwork] = (),
    heads: Heads | None = None,
    metrics: Sequence[str] | None = None,
    count: int = 1000,
    resamples: int = 100,
    cached: bool = True,
) -> dict[str, dict[str, Any]]:
    """For each way of a translating model, by its name, what `ganarium.metrics.ways.evaluate_way` tells.

    Args:
        model: translates.
        dataset: of `data`, in the form of the model's pictures.
        data: which they are.
        features: the networks whose features pictures are compared on.
        heads: of LPIPS, for one of these networks.
        metrics: names of what to measure, each where it applies; all that apply where not said.
        count: how many pictures, at most, are translated each way.
        resamples: halves of the pictures from which intervals follow; 0 for none.
        cached: see `ganarium.metrics.reference.reference`.

    Raises:
        ValueError: the model translates other data, a metric is unknown or applies to no way, or the heads
            fit none of the networks.
    """
    _check_told(model.spec, dataset)
    directions = {
        f"{model.domains[source]} to {model.domains[target]}": way
        for (source, target), way in translated(model, dataset, data, count, cached=cached)
    }
    there = {name: offered_to(way, features, heads) for name, way in directions.items()}
    fewest = min(min(len(way.made), len(way.real)) for way in directions.values())
    chosen = None if metrics is None else metrics_named(metrics)
    everywhere = list(
        dict.fromkeys(metric for applicable_metrics in there.values() for metric in applicable_metrics)
    )
    if heads is not None and not any(metric.needs == "heads" for metric in everywhere):
        fitting = ", ".join(name for name in TAPS if heads.fit(name)) or "no network that is known"
        given = ", ".join(network.name for network in features) or "none"
        raise ValueError(
            f"these heads of LPIPS fit {fitting}, pairs, and pictures from {SMALLEST} pixels a side on; "
            f"given as --features: {given}; data.condition={model.spec.condition}, {list(model.spec.shape)}"
        )
    validate_metrics(everywhere if chosen is None else chosen, everywhere, fewest)
    return {
        name: evaluate_way(
            way,
            [metric for metric in there[name] if chosen is None or metric in chosen],
            features=features,
            heads=heads,
            resamples=resamples,
        )
        for name, way in directions.items()
    }


def translated(
    model: Model, dataset: Dataset, data: Data, count: int, *, cached: bool = True
) -> Iterator[tuple[Direction, Translated]]:
    """At most `count` translations, evenly spread over the data, each way that the model goes."""
    if dataset.spec.condition == DOMAINS:
        yield from _between_domains(model, dataset, data, count, cached)
        return
    some = spread(len(dataset), count)
    pairs, style = dataset.batch(some), _style(data)
    assert isinstance(pairs, Conditioned)
    yield (
        (0, 1),
        Translated(
            model.translate(pairs.condition),
            reference(dataset, data, model.recipe.seed, cached=cached),
            truth=pairs.real,
            scenes=dataset.scenes(some) if style else None,
            style=style,
        ),
    )


def offered_by(
    spec: DataSpec,
    data: Data,
    directions: Sequence[Direction],
    *,
    features: Sequence[FeatureNetwork] = (),
    heads: Heads | None = None,
) -> list[Metric]:
    """The metrics that will apply to a model that goes these ways, before there is one.

    That a truth is a label map is only seen when it is read.
    """
    unpaired = spec.condition == DOMAINS
    styles = {spec.classes[target] for _, target in directions} if unpaired else {_style(data)}
    return offered_translations(
        features,
        shape=spec.shape,
        heads=heads,
        paired=not unpaired,
        way_back=unpaired and any(way[::-1] in directions for way in directions),
        identity=unpaired,
        styles=styles if data.source == WORLD else (),
    )


def _style(data: Data) -> str:
    """In which of the world's styles the wished ones of pairs are drawn; none where they are no drawings."""
    if data.direction == "a-to-b":
        return "plain"
    return "inked" if data.condition == "style" else ""


def _between_domains(
    model: Model, dataset: Dataset, data: Data, count: int, cached: bool
) -> Iterator[tuple[Direction, Translated]]:
    directions = model.directions
    numbers = [spread(size, count) for size in dataset.domain_sizes]
    pictures = [dataset.domain_batch(domain, some) for domain, some in enumerate(numbers)]
    for source, target in directions:
        made = model.translate(pictures[source], to=target, source=source)
        again = model.translate(made, to=source, source=target) if (target, source) in directions else None
        own = model.translate(pictures[target], to=target, source=source)
        yield (
            (source, target),
            Translated(
                made,
                reference(dataset, data, model.recipe.seed, domain=target, cached=cached),
                cycle=None if again is None else (pictures[source], again),
                identity=(pictures[target], own),
                scenes=dataset.scenes(numbers[source], domain=source),
                style=dataset.spec.classes[target],
            ),
        )


def _check_told(spec: DataSpec, dataset: Dataset) -> None:
    """Raise ValueError unless the data are of the kind that a model with these facts translates."""
    there = dataset.spec
    if spec.condition == DOMAINS:
        same = there.condition == DOMAINS and len(there.classes) == len(spec.classes)
    else:
        same = (there.condition, there.condition_shape) == (spec.condition, spec.condition_shape)
        same = same and (spec.condition != "map" or there.classes == spec.classes)
    if not same:
        names = f" ({', '.join(spec.classes)})" if spec.condition in (DOMAINS, "map") else ""
        raise ValueError(
            f"the model translates data.condition={spec.condition}{names}, but "
            f"{dataset.report.source} comes as {there.condition} with {len(there.classes)} classes: "
            "compare with data of the same kind"
        )
