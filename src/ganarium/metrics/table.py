"""Table of metrics; other packages add theirs by the entry point `ganarium.metrics`."""

import difflib
from collections.abc import Iterable, Sequence

from ganarium.common.registry import Registry
from ganarium.metrics.base import Metric, Offers, Value
from ganarium.metrics.energy import EnergyDistance
from ganarium.metrics.feature_metrics import (
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    MemorizedShare,
    PrecisionRecallDensityCoverage,
)
from ganarium.metrics.pair_metrics import (
    Agreement,
    MeanOfPairs,
    PairError,
    PerceptualDistance,
    TranslationAccuracy,
)
from ganarium.metrics.pairs import psnr
from ganarium.metrics.point_metrics import ModesCovered, ShareOfGoodSamples, SlicedWasserstein
from ganarium.metrics.sample_metrics import ClassAccuracy, MsSsimDiversity, WorldQuality
from ganarium.metrics.similarity import ms_ssim, ssim

_UNLEARNED = "LPIPS without its heads: only values on the same network can be compared"


def _check(item: Metric) -> None:
    if not isinstance(item, Metric):
        raise TypeError(f"{item!r} is no metric; give an instance of a subclass of Metric")


METRICS: Registry[Metric] = Registry(
    "metric",
    "ganarium.metrics",
    (
        FrechetDistance(),
        KernelDistance(),
        PrecisionRecallDensityCoverage(),
        InceptionScore(),
        MemorizedShare(),
        MsSsimDiversity(),
        ClassAccuracy(),
        SlicedWasserstein(),
        ModesCovered(),
        ShareOfGoodSamples(),
        WorldQuality(),
        MeanOfPairs("psnr", "psnr", psnr, "normalized", (0.0, float("inf")), quick=True),
        MeanOfPairs("ssim", "ssim", ssim, "large images", (-1.0, 1.0)),
        MeanOfPairs("ms_ssim", "ms-ssim", ms_ssim, "large images", (0.0, 1.0)),
        PerceptualDistance("lpips", "lpips", learned=True),
        PerceptualDistance("perceptual_distance", "perceptual", _UNLEARNED, learned=False),
        Agreement(),
        PairError("cycle_error", "cycle"),
        PairError("identity_error", "identity"),
        TranslationAccuracy(),
        EnergyDistance(),
    ),
    name_of=lambda item: item.name,
    check=_check,
)
"""Metrics by name, in the order of results."""


def metric_names() -> list[str]:
    """Return the short and full names of all metrics."""
    names = (name for each in METRICS.values() for name in (each.short, each.name) if name)
    return list(dict.fromkeys(names))


def known_values() -> dict[str, Value]:
    """Return the values that metrics give, by key."""
    return {value.key: value for metric in METRICS.values() for value in metric.values}


def metrics_named(names: Iterable[str]) -> list[Metric]:
    """Return the metrics of these short or full names.

    Raises:
        ValueError: there is no such metric; the message names the nearest.
    """
    return [_named(name) for name in names]


def chosen_metrics(
    names: Sequence[str] | None, offers: Sequence[Offers], count: int, *, quick: bool = False
) -> list[Metric]:
    """Return the metrics of these names, or those that are measured by default.

    Args:
        names: short or full names; the default if there are none.
        offers: what each trial of the evaluation offers; a metric may apply to some of them.
        count: number of samples of a trial, or of real ones if they are fewer.
        quick: True if only quick metrics are measured by default.

    Raises:
        ValueError: a metric is unknown or does not apply, or none does.
    """
    chosen = metrics_named(names) if names else default_metrics(offers, count, quick=quick)
    validate_metrics(chosen, offers, count)
    return chosen


def default_metrics(offers: Sequence[Offers], count: int, *, quick: bool = False) -> list[Metric]:
    """Return the metrics that are measured if users name none; see `Metric.default`."""
    known = [each for each in _applicable(offers) if each.least <= count and (each.quick or not quick)]
    main = {each.name for each in known if each.default == "yes"}
    if not any(value.decides for each in known if each.name in main for value in each.values):
        main |= {each.name for each in known if each.default == "alone"}
    if main:
        main |= {each.name for each in known if each.default == "beside others"}
    return [each for each in known if each.name in main]


def validate_metrics(chosen: Sequence[Metric], offers: Sequence[Offers], count: int) -> None:
    """Raise ValueError if there is no metric, or naming what the first one lacks that cannot be measured."""
    applicable = _applicable(offers)
    for metric in chosen or [each for each in applicable if each.default == "yes"]:
        if metric in applicable and count < metric.least:
            raise ValueError(
                f"{metric.name} needs at least {metric.least} samples and as many real ones; given: {count}"
            )
    missing = [each for each in chosen or METRICS.values() if each not in applicable]
    if missing:
        known = ", ".join(each.name for each in applicable) or "nothing yet"
        needs = missing[0].applies(offers[0])
        raise ValueError(f"{missing[0].name} needs {needs}; of these data can be measured: {known}")


def selecting_value(name: str | None, chosen: Sequence[Metric]) -> Value:
    """Return the value that decides which of several models is the best: the first that may if None is named.

    Raises:
        ValueError: it is not among those measured, or its best value makes no good model.
    """
    values = [value for metric in chosen for value in metric.values if value.decides]
    if name is None and values:
        return values[0]
    by_name = {value.key: value for value in values}
    by_name |= {m.short: m.values[0] for m in chosen if len(m.values) == 1 and m.values[0].decides}
    if name not in by_name:
        raise ValueError(
            f"evaluate.best={name} is no measure that could tell the best model here; "
            f"choose from {', '.join(by_name) or 'none: add one to evaluate.metrics'}"
        )
    return by_name[name]


def _applicable(offers: Sequence[Offers]) -> list[Metric]:
    return [each for each in METRICS.values() if any(each.applies(some) is None for some in offers)]


def _named(name: str) -> Metric:
    for metric in METRICS.values():
        if name in (metric.name, metric.short):
            return metric
    names = metric_names()
    near = difflib.get_close_matches(name, names, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"unknown metric {name!r}{hint} Known: {', '.join(names)}")
