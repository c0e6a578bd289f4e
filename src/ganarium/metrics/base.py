"""The judge's measures by name: what each needs, which way is better, and what it cannot see."""

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ganarium.metrics.feature_networks import RECOGNIZED

Needs = Literal[
    "features",
    "logits",
    "labels",
    "pictures",
    "points",
    "world",
    "pairs",
    "large_pairs",
    "trunk",
    "heads",
    "maps",
    "way_back",
    "identity",
    "scenes",
]
"""What samples need, and what translations do."""


@dataclass(frozen=True)
class Value:
    """A number in the judge's table."""

    key: str
    """Under which it stands in the results."""
    better: Literal["lower", "higher"]
    limits: tuple[float, float] = (0.0, math.inf)
    """Between which it lies."""
    decides: bool = True
    """Whether its best value makes the best model; not so where noise or collapse would win."""
    note: str = ""
    """What to know before one believes it."""


@dataclass(frozen=True)
class Metric:
    """What can be asked for by name, and the values it gives."""

    name: str
    short: str
    """The field's short name; it stands for the same formulas on whatever features were given."""
    needs: Needs
    values: tuple[Value, ...]
    least: int = 2
    """So many samples it needs, and as many real ones."""
    quick: bool = False
    """Whether it is measured during training where nothing was said."""


_UNSEEN = "sees neither the real pictures nor copies of one picture a class: read it beside the others"
_COPIES = "more than of real ones may be copies: look at the pairs"
_ALIKE = "to be near the real one; noise is lower still"
_CLASSIFIER = "the classifier's own errors count as the samples'"

_UNTRANSLATED = "of a translator that changes nothing it is 0, and pictures may hide what the way back needs"
_UNLEARNED = "LPIPS without its heads: only values on the same network can be compared"
_RIGHT = "nearest of 24 drawings of the scene: 0.042 by chance, up to 0.17 untranslated"

_SHARE = (0.0, 1.0)

METRICS: tuple[Metric, ...] = (
    Metric("frechet_distance", "fid", "features", (Value("frechet_distance", "lower"),), quick=True),
    Metric(
        "kernel_distance",
        "kid",
        "features",
        (Value("kernel_distance", "lower", (-math.inf, math.inf)),),
    ),
    Metric(
        "precision_recall_density_coverage",
        "prdc",
        "features",
        (
            Value("precision", "higher", _SHARE),
            Value("recall", "higher", _SHARE),
            Value("density", "higher"),
            Value("coverage", "higher", _SHARE),
        ),
        least=6,
    ),
    Metric(
        "inception_score",
        "is",
        "logits",
        (Value("inception_score", "higher", (1.0, math.inf), note=_UNSEEN),),
        least=20,
    ),
    Metric(
        "memorized_share",
        "memorization",
        "features",
        (Value("memorized_share", "lower", _SHARE, decides=False, note=_COPIES),),
    ),
    Metric(
        "ms_ssim_diversity",
        "diversity",
        "pictures",
        (Value("ms_ssim_diversity", "lower", _SHARE, decides=False, note=_ALIKE),),
    ),
    Metric(
        "class_accuracy",
        "accuracy",
        "labels",
        (Value("class_accuracy", "higher", _SHARE, note=_CLASSIFIER),),
    ),
    Metric("sliced_wasserstein", "swd", "points", (Value("sliced_wasserstein", "lower"),), quick=True),
    Metric("modes_covered", "modes", "points", (Value("modes_covered", "higher"),), quick=True),
    Metric(
        "share_of_good_samples",
        "high_quality_share",
        "points",
        (Value("share_of_good_samples", "higher", _SHARE),),
        quick=True,
    ),
    Metric(
        "world",
        "world",
        "world",
        (
            Value("score", "higher", _SHARE),
            Value("well_formed", "higher", _SHARE),
            Value("classes", "higher"),
            Value("smallest_class", "higher", _SHARE),
        ),
        quick=True,
    ),
    Metric("psnr", "psnr", "pairs", (Value("psnr", "higher"),), quick=True),
    Metric("ssim", "ssim", "large_pairs", (Value("ssim", "higher", (-1.0, 1.0)),)),
    Metric("ms_ssim", "ms-ssim", "large_pairs", (Value("ms_ssim", "higher", _SHARE),)),
    Metric("lpips", "lpips", "heads", (Value("lpips", "lower"),)),
    Metric(
        "perceptual_distance",
        "perceptual",
        "trunk",
        (Value("perceptual_distance", "lower", note=_UNLEARNED),),
    ),
    Metric(
        "map_agreement",
        "maps",
        "maps",
        (Value("pixel_accuracy", "higher", _SHARE), Value("mean_iou", "higher", _SHARE)),
    ),
    Metric(
        "cycle_error",
        "cycle",
        "way_back",
        (Value("cycle_error", "lower", (0.0, 2.0), decides=False, note=_UNTRANSLATED),),
    ),
    Metric(
        "identity_error",
        "identity",
        "identity",
        (Value("identity_error", "lower", (0.0, 2.0), decides=False, note=_UNTRANSLATED),),
    ),
    Metric(
        "translation_accuracy",
        "translation",
        "scenes",
        (
            Value("translation_accuracy", "higher", _SHARE, note=_RIGHT),
            Value("class_kept", "higher", _SHARE, note="0.167 by chance"),
            Value("color_kept", "higher", _SHARE, note="0.25 by chance"),
            Value("read_right", "higher", _SHARE, note="by the world's judge, which does not know the scene"),
        ),
        quick=True,
    ),
)
"""In the order in which they are told."""

NAMES: tuple[str, ...] = tuple(dict.fromkeys(name for m in METRICS for name in (m.short, m.name)))
VALUES: dict[str, Value] = {value.key: value for metric in METRICS for value in metric.values}


def metrics_named(names: Iterable[str]) -> list[Metric]:
    """The metrics of these short or full names.

    Raises:
        ValueError: there is no such metric; the message names the nearest.
    """
    return [_named(name) for name in names]


def by_class(names: Iterable[str]) -> bool:
    """Whether one of these metrics looks at samples that are asked for by class."""
    return any(metric.needs in ("labels", "pictures") for metric in metrics_named(names))


def _named(name: str) -> Metric:
    for metric in METRICS:
        if name in (metric.name, metric.short):
            return metric
    near = difflib.get_close_matches(name, NAMES, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"unknown metric {name!r}{hint} Known: {', '.join(NAMES)}")


def validate_metrics(chosen: Sequence[Metric], applicable_metrics: Sequence[Metric], count: int) -> None:
    """Raise ValueError naming what the first metric lacks that is not offered, or not for `count` samples."""
    for metric in chosen:
        if metric not in applicable_metrics:
            raise ValueError(_why_not(metric, applicable_metrics))
        if count < metric.least:
            raise ValueError(
                f"{metric.name} needs at least {metric.least} samples and as many real ones; given: {count}"
            )
    if not chosen:
        raise ValueError(_why_not(METRICS[0], applicable_metrics))


def selecting_value(name: str | None, chosen: Sequence[Metric]) -> Value:
    """The value that says which of several models is the best: the first one where none is named.

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


def _why_not(metric: Metric, applicable_metrics: Sequence[Metric]) -> str:
    match metric.needs:
        case "features":
            return (
                "pictures are compared on the features of a pretrained network: give its file as --features "
                f"FILE (in Python: features=load_features(FILE)). Recognised: {RECOGNIZED}. "
                "Only pictures of the built-in world are judged without a file"
            )
        case "logits":
            needs = "a network that names classes, as --features FILE"
        case "labels":
            needs = "samples asked for by class, and a network that names as many classes, as --features FILE"
        case "pictures":
            needs = "pictures with sides of at least 11 pixels"
        case "world" | "scenes":
            needs = "pictures of the built-in world" + ", translated" * (metric.needs == "scenes")
        case "pairs" | "large_pairs":
            needs = "a model that was taught by pairs" + ", of at least 11 pixels a side" * (
                metric.needs != "pairs"
            )
        case "trunk" | "heads":
            needs = (
                "a model that was taught by pairs, of at least 32 pixels a side, and AlexNet, VGG-16 or a "
            )
            needs += "SqueezeNet as --features FILE"
            needs += ", with the published heads as --lpips FILE" * (metric.needs == "heads")
        case "maps":
            needs = "a model taught by pairs whose truth is a label map of few colours, or the built-in world"
        case "way_back":
            needs = "a model that translates both ways"
        case "identity":
            needs = "a model that translates between domains"
        case _:
            needs = "points in the plane"
    names = ", ".join(each.name for each in applicable_metrics) or "nothing yet"
    return f"{metric.name} needs {needs}; of these data can be measured: {names}"
