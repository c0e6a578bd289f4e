"""Metrics of images that compare the features and logits of pretrained networks."""

from typing import Any

import torch

from ganarium.data.order import spread
from ganarium.metrics.base import Context, Metric, Value
from ganarium.metrics.classes import inception_score
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.frechet import frechet_distance
from ganarium.metrics.kernel import kernel_distance
from ganarium.metrics.neighbors import PrecisionRecall, memorized_share, precision_recall_density_coverage
from ganarium.metrics.resampling import frechet_interval, kernel_interval, precision_recall_intervals

SHARE = (0.0, 1.0)
OF_FEATURES = frozenset({"reference", "images", "features"})


class FrechetDistance(Metric):
    """See `frechet_distance`."""

    name, short = "frechet_distance", "fid"
    values = (Value("frechet_distance", "lower"),)
    needs, quick = OF_FEATURES, True

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """See `Metric.measure_on`."""
        ours, theirs = context.features(network).features, context.reference.reading(network).features
        few = context.resamples
        ends = frechet_interval(ours, theirs, resamples=few) if few else None
        return self.entry(self.name, frechet_distance(ours, theirs), ends)


class KernelDistance(Metric):
    """See `kernel_distance`."""

    name, short = "kernel_distance", "kid"
    values = (Value("kernel_distance", "lower", (-float("inf"), float("inf"))),)
    needs = OF_FEATURES

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """See `Metric.measure_on`."""
        ours, theirs = context.features(network).features, context.reference.reading(network).features
        mean, std = kernel_distance(ours, theirs)
        few = context.resamples
        ends = kernel_interval(ours, theirs, mean, resamples=few) if few else None
        return self.entry(self.name, mean, ends) | {"kernel_distance_std": std}


class PrecisionRecallDensityCoverage(Metric):
    """See `precision_recall_density_coverage`."""

    name, short = "precision_recall_density_coverage", "prdc"
    values = (
        Value("precision", "higher", SHARE),
        Value("recall", "higher", SHARE),
        Value("density", "higher"),
        Value("coverage", "higher", SHARE),
    )
    needs, least = OF_FEATURES, 6

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """See `Metric.measure_on`."""
        ours, theirs = context.features(network).features, context.reference.reading(network).features
        if not context.resamples:
            return precision_recall_density_coverage(ours, theirs)._asdict()
        result: dict[str, Any] = {}
        values, ends = precision_recall_intervals(ours, theirs, resamples=context.resamples)
        for key, value, pair in zip(PrecisionRecall._fields, values, ends, strict=True):
            result |= self.entry(key, value, pair)
        return result


class InceptionScore(Metric):
    """See `inception_score`; on networks that name classes."""

    name, short = "inception_score", "is"
    values = (
        Value(
            "inception_score",
            "higher",
            (1.0, float("inf")),
            note="sees neither the real images nor copies of one image a class: read it beside the others",
        ),
    )
    needs, least = frozenset({"reference", "images", "generated", "logits"}), 20

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """See `Metric.measure_on`."""
        ours, theirs = context.features(network).logits, context.reference.reading(network).logits
        if ours is None or theirs is None:
            return {}
        mean, std = inception_score(ours)
        ends = context.interval(lambda logits: inception_score(logits).mean, ours)
        as_many = theirs[spread(len(theirs), len(ours))]
        return self.entry(self.name, mean, ends) | {
            "inception_score_std": std,
            "inception_score_real": inception_score(as_many).mean,
        }


class MemorizedShare(Metric):
    """See `memorized_share`."""

    name, short = "memorized_share", "memorization"
    values = (
        Value(
            "memorized_share",
            "lower",
            SHARE,
            decides=False,
            note="more than of real ones may be copies: look at the pairs",
        ),
    )
    needs = OF_FEATURES

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """See `Metric.measure_on`."""
        ours, theirs = context.features(network).features, context.reference.reading(network).features
        found = memorized_share(ours, theirs)
        near = torch.arange(len(ours)) < round(found.share * len(ours))  # only their number matters
        ends = context.interval(lambda x: x.mean().item(), near.double())
        entry = self.entry(self.name, found.share, ends)
        return entry | {"memorized_share_expected": found.expected}
