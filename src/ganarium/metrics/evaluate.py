"""The judge's table: every measure that applies, with all that makes two results comparable."""

import difflib
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganarium.data.points import Points
from ganarium.metrics.features import RECOGNISED, FeatureNetwork, features_of
from ganarium.metrics.frechet import frechet_distance
from ganarium.metrics.kernel import kernel_distance
from ganarium.metrics.points import modes_covered, share_of_good_samples, sliced_wasserstein
from ganarium.metrics.world import Judge, world_quality

POINT_METRICS = ("modes_covered", "share_of_good_samples", "sliced_wasserstein")
FEATURE_METRICS = ("frechet_distance", "kernel_distance")
WORLD_METRICS = ("world",)
LITERATURE_NAMES = {"fid": "frechet_distance", "kid": "kernel_distance", "swd": "sliced_wasserstein"}
"""Short names of the field; they stand for the same formulas on whatever features were given."""

FLOOR_SEED = 2**40 + 1
"""Of the points that set the floor: no seed that anybody types, lest they be the `real` ones again."""


def evaluate_samples(
    samples: Tensor,
    real: Tensor,
    *,
    features: FeatureNetwork | None = None,
    world: Judge | None = None,
    points: Points | None = None,
    metrics: Sequence[str] | None = None,
) -> dict[str, Any]:
    """How good generated samples are, as a tree of plain values for a table, a log or JSON.

    Always: `samples` and `real`, the numbers of both. With `points`: the measures of
    `ganarium.metrics.points`, the number of `modes`, and `sliced_wasserstein_floor`, which as many true
    points as there are samples get. With `features`: `frechet_distance`, `kernel_distance`,
    `kernel_distance_std`, and under `features` the network, its file, layer, dimension and resizing. With
    `world`: under `world` what it says of the samples.

    Args:
        samples: generated points `[N, 2]`, or pictures `[N, C, H, W]` in [-1, 1].
        real: real ones of the same kind; not looked at by the world.
        features: the network whose features pictures are compared on (see `load_features`).
        world: judges pictures that show the built-in world.
        points: the true distribution of points.
        metrics: names of what to measure, also `fid`, `kid` and `swd`; all that apply where not said.

    Raises:
        ValueError: a metric that is unknown or does not apply, pictures with neither `features` nor `world`,
            or samples that a measure refuses.
    """
    offered = _offered(features, world, points)
    chosen = offered if metrics is None else [_full_name(name) for name in metrics]
    for name in chosen:
        if name not in offered:
            raise ValueError(_why_not(name, offered))
    if not chosen:
        raise ValueError(_why_not(FEATURE_METRICS[0], offered))
    result: dict[str, Any] = {"samples": len(samples), "real": len(real)}
    if points is not None:
        result |= _judged_points(samples, real, points, chosen)
    if features is not None and set(chosen) & set(FEATURE_METRICS):
        result |= _judged_features(samples, real, features, chosen)
    if world is not None and "world" in chosen:
        result["world"] = world_quality(samples, world)
    return result


def _offered(features: FeatureNetwork | None, world: Judge | None, points: Points | None) -> list[str]:
    tables = ((points, POINT_METRICS), (features, FEATURE_METRICS), (world, WORLD_METRICS))
    return [name for judge, names in tables if judge is not None for name in names]


def _full_name(name: str) -> str:
    known = (*POINT_METRICS, *FEATURE_METRICS, *WORLD_METRICS)
    full = LITERATURE_NAMES.get(name, name)
    if full not in known:
        near = difflib.get_close_matches(name, [*known, *LITERATURE_NAMES], 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"unknown metric {name!r}{hint} Known: {', '.join([*known, *LITERATURE_NAMES])}")
    return full


def _why_not(name: str, offered: Sequence[str]) -> str:
    if name in FEATURE_METRICS:
        return (
            "pictures are compared on the features of a pretrained network: give its file as --features FILE "
            f"(in Python: features=load_features(FILE)). Recognised: {RECOGNISED}. "
            "Only pictures of the built-in world are judged without a file"
        )
    needs = "pictures of the built-in world" if name in WORLD_METRICS else "points in the plane"
    return f"{name} needs {needs}; of these data can be measured: {', '.join(offered) or 'nothing yet'}"


def _judged_points(samples: Tensor, real: Tensor, points: Points, chosen: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {"modes": len(points.centres)}
    if "modes_covered" in chosen:
        result["modes_covered"] = modes_covered(samples, points)
    if "share_of_good_samples" in chosen:
        result["share_of_good_samples"] = share_of_good_samples(samples, points)
    if "sliced_wasserstein" in chosen:
        result["sliced_wasserstein"] = sliced_wasserstein(samples, real)
        result["sliced_wasserstein_floor"] = sliced_wasserstein(
            points.sample(len(samples), seed=FLOOR_SEED), real
        )
    return result


def _judged_features(
    samples: Tensor, real: Tensor, network: FeatureNetwork, chosen: Sequence[str]
) -> dict[str, Any]:
    of_samples, of_real = features_of(network, samples), features_of(network, real)
    result: dict[str, Any] = {}
    if "frechet_distance" in chosen:
        result["frechet_distance"] = frechet_distance(of_samples, of_real)
    if "kernel_distance" in chosen:
        distance = kernel_distance(of_samples, of_real)
        result |= {"kernel_distance": distance.mean, "kernel_distance_std": distance.std}
    return result | {"features": network.describe() | {"dimension": of_real.shape[1]}}
