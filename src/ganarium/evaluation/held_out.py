"""What a translating model makes of pictures that it was not taught, and how good that is."""

from collections.abc import Iterator, Sequence
from typing import Any

from ganarium.data.batches import Conditioned
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.order import spread
from ganarium.data.settings import Data
from ganarium.data.sources.base import DOMAINS
from ganarium.data.sources.recognise import WORLD
from ganarium.data.spec import Facts
from ganarium.evaluation.translations import Translated, evaluate_way, offered_to, offered_translations
from ganarium.methods.translators import Way
from ganarium.metrics import FeatureNetwork, Heads
from ganarium.metrics.base import Metric, metrics_named, refuse_what_does_not_apply
from ganarium.metrics.lpips import SMALLEST, TAPS
from ganarium.metrics.reference import reference
from ganarium.models.model import Model


def held_back(data: Data, seed: int) -> tuple[Dataset, Data]:
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
    _check_told(model.facts, dataset)
    ways = {
        f"{model.domains[source]} to {model.domains[target]}": way
        for (source, target), way in translated(model, dataset, data, count, cached=cached)
    }
    there = {name: offered_to(way, features, heads) for name, way in ways.items()}
    fewest = min(min(len(way.made), len(way.real)) for way in ways.values())
    chosen = None if metrics is None else metrics_named(metrics)
    everywhere = list(dict.fromkeys(metric for offered in there.values() for metric in offered))
    if heads is not None and not any(metric.needs == "heads" for metric in everywhere):
        fitting = ", ".join(name for name in TAPS if heads.fit(name)) or "no network that is known"
        given = ", ".join(network.name for network in features) or "none"
        raise ValueError(
            f"these heads of LPIPS fit {fitting}, pairs, and pictures from {SMALLEST} pixels a side on; "
            f"given as --features: {given}; data.condition={model.facts.condition}, {list(model.facts.shape)}"
        )
    refuse_what_does_not_apply(everywhere if chosen is None else chosen, everywhere, fewest)
    return {
        name: evaluate_way(
            way,
            [metric for metric in there[name] if chosen is None or metric in chosen],
            features=features,
            heads=heads,
            resamples=resamples,
        )
        for name, way in ways.items()
    }


def translated(
    model: Model, dataset: Dataset, data: Data, count: int, *, cached: bool = True
) -> Iterator[tuple[Way, Translated]]:
    """At most `count` translations, evenly spread over the data, each way that the model goes."""
    if dataset.facts.condition == DOMAINS:
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
    facts: Facts,
    data: Data,
    ways: Sequence[Way],
    *,
    features: Sequence[FeatureNetwork] = (),
    heads: Heads | None = None,
) -> list[Metric]:
    """The metrics that will apply to a model that goes these ways, before there is one.

    That a truth is a label map is only seen when it is read.
    """
    unpaired = facts.condition == DOMAINS
    styles = {facts.classes[target] for _, target in ways} if unpaired else {_style(data)}
    return offered_translations(
        features,
        shape=facts.shape,
        heads=heads,
        paired=not unpaired,
        way_back=unpaired and any(way[::-1] in ways for way in ways),
        own_domain=unpaired,
        styles=styles if data.source == WORLD else (),
    )


def _style(data: Data) -> str:
    """In which of the world's styles the wished ones of pairs are drawn; none where they are no drawings."""
    if data.direction == "a-to-b":
        return "plain"
    return "inked" if data.condition == "style" else ""


def _between_domains(
    model: Model, dataset: Dataset, data: Data, count: int, cached: bool
) -> Iterator[tuple[Way, Translated]]:
    ways = model.ways
    numbers = [spread(size, count) for size in dataset.domain_sizes]
    pictures = [dataset.domain_batch(domain, some) for domain, some in enumerate(numbers)]
    for source, target in ways:
        made = model.translate(pictures[source], to=target, source=source)
        again = model.translate(made, to=source, source=target) if (target, source) in ways else None
        own = model.translate(pictures[target], to=target, source=source)
        yield (
            (source, target),
            Translated(
                made,
                reference(dataset, data, model.recipe.seed, domain=target, cached=cached),
                there_and_back=None if again is None else (pictures[source], again),
                own_domain=(pictures[target], own),
                scenes=dataset.scenes(numbers[source], domain=source),
                style=dataset.facts.classes[target],
            ),
        )


def _check_told(facts: Facts, dataset: Dataset) -> None:
    """Raise ValueError unless the data are of the kind that a model with these facts translates."""
    there = dataset.facts
    if facts.condition == DOMAINS:
        same = there.condition == DOMAINS and len(there.classes) == len(facts.classes)
    else:
        same = (there.condition, there.condition_shape) == (facts.condition, facts.condition_shape)
        same = same and (facts.condition != "map" or there.classes == facts.classes)
    if not same:
        names = f" ({', '.join(facts.classes)})" if facts.condition in (DOMAINS, "map") else ""
        raise ValueError(
            f"the model translates data.condition={facts.condition}{names}, but "
            f"{dataset.report.source} comes as {there.condition} with {len(there.classes)} classes: "
            "compare with data of the same kind"
        )
