"""Metrics of generated samples: diversity, accuracy of the requested classes, the world's scores."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganarium.data.world import World
from ganarium.metrics.base import ClassConditionalSamples, Context, Metric, Offers, Value
from ganarium.metrics.classes import class_accuracy
from ganarium.metrics.features import FeatureNetwork, features_and_logits
from ganarium.metrics.similarity import similarities_of_pairs

SHARE = (0.0, 1.0)


class MsSsimDiversity(Metric):
    """See `ms_ssim_diversity`; of all samples, and of each class."""

    name, short = "ms_ssim_diversity", "diversity"
    values = (
        Value(
            "ms_ssim_diversity",
            "lower",
            SHARE,
            decides=False,
            note="to be near the real one; noise is lower still",
        ),
    )
    needs, default = frozenset({"reference", "large images", "generated"}), "beside others"

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        values, _ = similarities_of_pairs(context.samples)
        real, labels = context.reference.some(context.count)
        of_real, of_real_classes = similarities_of_pairs(real, _enough(labels))
        result = self.mean(context, self.name, values)
        result["ms_ssim_diversity_real"] = of_real.mean().item()
        if "labels" in context:
            samples, requested, names = context["labels"]
            if (labels := _enough(requested)) is not None:
                _, of_classes = similarities_of_pairs(samples, labels)
                result["ms_ssim_diversity_by_class"] = _means(of_classes, names)
                if of_real_classes:
                    result["ms_ssim_diversity_real_by_class"] = _means(of_real_classes, names)
        return result


class ClassAccuracy(Metric):
    """See `class_accuracy`; by the world, and on networks that name as many classes as there are."""

    name, short = "class_accuracy", "accuracy"
    values = (
        Value("class_accuracy", "higher", SHARE, note="the classifier's own errors count as the samples'"),
    )
    needs = frozenset({"labels"})

    def applies(self, offers: Offers) -> str | None:
        """See `Metric.applies`."""
        missing = super().applies(offers)
        known = [network.classes for network in offers.networks if "images" in offers.names]
        known += [len(World.classes)] if "world" in offers.names else []
        if missing or offers.classes not in known:
            return "samples asked for by class, and a network that names as many classes, as --features FILE"
        return None

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        if "world" not in context or context.offers.classes != len(World.classes):
            return {}
        requested: ClassConditionalSamples = context["labels"]
        found = context["world"].judge(requested.samples).labels
        return self._accuracy(context, one_hot(found, len(requested.classes)).double())

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """See `Metric.measure_on`."""
        if network.classes != context.offers.classes:
            return {}
        result = self._accuracy(context, _logits(network, context["labels"].samples))
        real, labels = context.reference.some(context.count)
        if labels is not None:
            result["class_accuracy_real"] = class_accuracy(_logits(network, real), labels).overall
        return result

    def _accuracy(self, context: Context, logits: Tensor) -> dict[str, Any]:
        _, labels, names = context["labels"]
        overall, by_class = class_accuracy(logits, labels)
        ends = context.interval(
            lambda rows: class_accuracy(logits[rows], labels[rows]).overall, torch.arange(len(labels))
        )
        shares = {names[label]: share for label, share in by_class.items()}
        return self.entry(self.name, overall, ends) | {"class_accuracy_by_class": shares}


class WorldQuality(Metric):
    """See `world_quality`."""

    name = short = group = "world"
    values = (
        Value("score", "higher", SHARE),
        Value("well_formed", "higher", SHARE),
        Value("classes", "higher"),
        Value("smallest_class", "higher", SHARE),
    )
    needs, quick = frozenset({"world"}), True

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        judgement = context["world"].judge(context.samples)
        summary = dict(judgement.summary())
        keys = [value.key for value in self.values if value.key in summary]
        ends = context.intervals(
            lambda rows: [judgement.of(rows).summary()[key] for key in keys], torch.arange(context.count)
        )
        known = dict(zip(keys, ends, strict=True))
        result: dict[str, Any] = {}
        for key, value in summary.items():
            result |= self.entry(key, value, known.get(key), most=len(judgement.shares()))
        return result


def _logits(network: FeatureNetwork, samples: Tensor) -> Tensor:
    logits = features_and_logits(network, samples).logits
    assert logits is not None
    return logits


def _enough(labels: Tensor | None) -> Tensor | None:
    """Return labels if there are at least two samples of each class."""
    return labels if labels is not None and labels.unique(return_counts=True)[1].min() > 1 else None


def _means(by_class: Mapping[int, Tensor], names: tuple[str, ...]) -> dict[str, float]:
    return {names[label]: values.double().mean().item() for label, values in by_class.items()}
