"""The judge's table of translations: each way that a translator goes, beside what should come out of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganarium.data.world import Scenes, World
from ganarium.evaluation.samples import entry_of, evaluate_samples, named, values_of
from ganarium.metrics.base import METRICS, Metric
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.intervals import FEWEST, interval, intervals
from ganarium.metrics.lpips import LPIPS, SMALLEST, TAPS, Heads
from ganarium.metrics.pairs import (
    MOST_PSNR,
    MapAgreement,
    absolute_error,
    confusions,
    nearest_colors,
    palette_of,
    psnr,
)
from ganarium.metrics.reference import Reference
from ganarium.metrics.similarity import WINDOW, ms_ssim, ssim
from ganarium.metrics.world_translation import STYLES, world_maps, world_translations


class Translated(NamedTuple):
    """Translations one way, and all that is known of what they should be. Pictures are in [-1, 1]."""

    made: Tensor
    """`[N, C, H, W]`."""
    real: Reference
    """Pictures of the domain translated into."""
    truth: Tensor | None = None
    """What each should have become, `[N, C, H, W]`."""
    cycle: tuple[Tensor, Tensor] | None = None
    """What went in, and what came back of it."""
    identity: tuple[Tensor, Tensor] | None = None
    """Pictures of the domain translated into, and what the translator makes of them."""
    scenes: Scenes | None = None
    """Those of the built-in world that went in."""
    style: str = ""
    """In which of the world's styles they should come out."""


def offered_translations(
    networks: Sequence[FeatureNetwork] = (),
    *,
    shape: Sequence[int],
    heads: Heads | None = None,
    paired: bool = False,
    maps: bool = False,
    way_back: bool = False,
    identity: bool = False,
    styles: Iterable[str] = (),
) -> list[Metric]:
    """The metrics that apply.

    Args:
        networks: that read pictures.
        shape: of one translation.
        heads: of LPIPS.
        paired: whether the truth of each picture is at hand.
        maps: whether it is a label map.
        way_back: whether the translator goes back, too.
        identity: whether it can be shown pictures of the domain it translates into.
        styles: of the built-in world into which scenes are translated.
    """
    trunks = {network.name for network in networks} & set(TAPS) if min(shape[1:]) >= SMALLEST else set()
    fitting = {name for name in trunks if heads and heads.fit(name)}
    there = {
        "features": bool(networks),
        "pairs": paired,
        "large_pairs": paired and min(shape[1:]) >= WINDOW,
        "heads": paired and bool(fitting),
        "trunk": paired and bool(trunks - fitting),
        "maps": maps or "plain" in styles,
        "way_back": way_back,
        "identity": identity,
        "scenes": bool(set(styles) & set(STYLES)),
    }
    return [metric for metric in METRICS if there.get(metric.needs)]


def offered_to(
    way: Translated, networks: Sequence[FeatureNetwork] = (), heads: Heads | None = None
) -> list[Metric]:
    """The metrics that apply to one way's translations."""
    return offered_translations(
        networks,
        shape=way.made.shape[1:],
        heads=heads,
        paired=way.truth is not None,
        maps=way.truth is not None and palette_of(way.truth) is not None,
        way_back=way.cycle is not None,
        identity=way.identity is not None,
        styles=[way.style] if way.scenes is not None else (),
    )


def evaluate_way(
    way: Translated,
    chosen: Sequence[Metric],
    *,
    features: Sequence[FeatureNetwork] = (),
    heads: Heads | None = None,
    resamples: int = 100,
) -> dict[str, Any]:
    """How good translations are, as a tree of plain values like that of `evaluate_samples`.

    Means over pictures of `psnr` (equal pictures count as 100 dB), `ssim`, `ms_ssim`, `cycle_error` and
    `identity_error` (see `absolute_error`); over all pixels `pixel_accuracy` and `mean_iou`, of truths that
    are label maps by the nearest of their colours, of plain pictures of the world by what its judge reads.
    Under `world` the `summary` of `world_translations`. Under `features`, by each network's name, what
    `evaluate_samples` tells of translations beside real pictures of the domain translated into, and beside
    the truth `lpips` where the heads fit the network, else `perceptual_distance`.

    Args:
        way: the translations.
        chosen: what is measured, of `offered_to(way, ...)`.
        features: the networks whose features pictures are compared on.
        heads: of LPIPS, for one of these networks.
        resamples: halves of the pictures from which intervals follow; 0 for none.
    """
    names, count = {metric.name for metric in chosen}, len(way.made)
    resamples = resamples if count >= FEWEST else 0

    def mean(key: str, values: Tensor) -> dict[str, Any]:
        values = values.double().clamp(max=MOST_PSNR)
        ends = interval(lambda x: x.mean().item(), values, resamples=resamples) if resamples else None
        return entry_of(key, values.mean().item(), ends)

    result: dict[str, Any] = {"samples": count, "real": 0}
    if way.truth is not None:
        for name, measure in (("psnr", psnr), ("ssim", ssim), ("ms_ssim", ms_ssim)):
            if name in names:
                result |= mean(name, measure(way.made, way.truth))
    if "map_agreement" in names:
        result |= _map_agreement(way, resamples)
    for name, pair in (("cycle_error", way.cycle), ("identity_error", way.identity)):
        if name in names and pair is not None:
            result |= mean(name, absolute_error(*pair))
    if "translation_accuracy" in names and way.scenes is not None:
        said = world_translations(way.made, way.scenes, way.style)
        result["world"] = {}
        for key, values in said.values().items():
            result["world"] |= mean(key, values)
    entries = []
    of_samples = [metric.name for metric in chosen if metric.needs == "features"]
    for network in features:
        entry: dict[str, Any] = {}
        if of_samples:
            told = evaluate_samples(
                way.made, way.real, features=network, metrics=of_samples, resamples=resamples
            )
            entry, result["real"] = next(iter(told["features"].values())), told["real"]
        if way.truth is not None and network.name in TAPS:
            key = "lpips" if heads and heads.fit(network.name) else "perceptual_distance"
            if key in names:
                measure_on = LPIPS(network, heads if key == "lpips" else None)
                entry = entry or network.describe()
                entry |= {f"{key}_of": measure_on.name}
                entry |= mean(key, measure_on.distances(way.made, way.truth))
        entries.append((network, entry))
    if told_of_networks := dict(named(entries)):
        result["features"] = told_of_networks
    return result


def values_of_ways(directions: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The measured values of several ways: the means over those that have them, then each way's own.

    A way's own stand behind its name, `plain to inked/psnr`, where there are several.
    """
    each = {name: values_of(result) for name, result in directions.items()}
    keys = dict.fromkeys(key for values in each.values() for key in values)
    means = {key: _mean([values[key] for values in each.values() if key in values]) for key in keys}
    if len(each) == 1:
        return means
    return means | {f"{name}/{key}": value for name, values in each.items() for key, value in values.items()}


def _map_agreement(way: Translated, resamples: int) -> dict[str, Any]:
    """Pixel accuracy and mean IoU of the maps that the translations are, or show."""
    if way.truth is not None and (palette := palette_of(way.truth)) is not None:
        found, truth = (nearest_colors(x, palette) for x in (way.made, way.truth))
        classes = len(palette)
    else:
        assert way.scenes is not None
        found, classes = world_maps(way.made, way.scenes), len(World.classes) + 1
        truth = torch.from_numpy(way.scenes.semantic()).long()
    counts = confusions(found, truth, classes=classes)

    def values(some: Tensor) -> tuple[float, float]:
        return MapAgreement.of(some.sum(0))[:2]

    ends = intervals(values, counts, resamples=resamples) if resamples else (None, None)
    told = zip(("pixel_accuracy", "mean_iou"), values(counts), ends, strict=True)
    result: dict[str, Any] = {}
    for key, value, pair in told:
        result |= entry_of(key, value, pair)
    return result


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
