"""Metric: what it needs and the values that it gives; and the context that offers what metrics need."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

from torch import Tensor

from ganarium.data.modalities.base import Modality
from ganarium.metrics.feature_networks import RECOGNIZED
from ganarium.metrics.features import FeatureNetwork, FeaturesAndLogits, features_and_logits
from ganarium.metrics.intervals import FEWEST, Interval, interval, intervals
from ganarium.metrics.lpips import Heads
from ganarium.metrics.pairs import palette_of
from ganarium.metrics.reference import Reference
from ganarium.metrics.similarity import WINDOW

NEEDS: dict[str, str] = {
    "images": "images in [-1, 1]",
    "large images": f"images in [-1, 1] with sides of at least {WINDOW} pixels",
    "normalized": "samples in [-1, 1]",
    "vectors": "samples whose distances as vectors mean something; those of images mean little: compare "
    "their features (fid)",
    "generated": "samples that are generated from noise",
    "density": "points of a known density in the plane",
    "world": "images of the built-in world",
    "labels": "samples asked for by class",
    "truth": "a model that was trained on pairs, so that it is known what should come out",
    "map": "pairs whose truth is a label map of few colors, or translations to the built-in world",
    "cycle": "a model that translates in both directions",
    "identity": "a model that translates between domains",
    "scenes": "images of the built-in world, translated",
    "logits": "a network that names classes, as --features FILE",
    "features": "the features of a pretrained network: give its file as --features FILE (in Python: "
    f"features=load_features(FILE)). Recognised: {RECOGNIZED}. Only images of the built-in world are "
    "evaluated without a file",
}
"""Things that metrics need, in words for messages. Contexts of other packages may offer others."""


@dataclass(frozen=True)
class Value:
    """Number that a metric gives.

    Attributes:
        key: key in the results.
        better: which values are better.
        limits: least and greatest possible value.
        decides: True if its best value makes the best model; False where noise or collapse would win.
        note: what to know before one believes it.
    """

    key: str
    better: Literal["lower", "higher"]
    limits: tuple[float, float] = (0.0, math.inf)
    decides: bool = True
    note: str = ""


class ClassConditionalSamples(NamedTuple):
    """Samples that were asked for by class: labels are int64 `[N]`, indices of the classes."""

    samples: Tensor
    labels: Tensor
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Offers:
    """Things that metrics may need, as far as they are known before there are samples.

    Attributes:
        things: names of the things that a context holds; see `NEEDS`.
        modality: modality of the samples.
        shape: shape of one sample.
        networks: feature networks.
        heads: heads of LPIPS; None if there are none.
        classes: number of classes that samples are asked for by; 0 if they are not.
    """

    things: frozenset[str]
    modality: Modality
    shape: tuple[int, ...]
    networks: tuple[FeatureNetwork, ...] = ()
    heads: Heads | None = None
    classes: int = 0

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of everything that is offered: the things, and what follows from modality and networks."""
        modality = self.modality
        normalized = (modality.low, modality.high) == (-1.0, 1.0)
        images = normalized and modality.windowed == ("H", "W")
        known = {
            "normalized": normalized,
            "images": images,
            "large images": images and min(self.shape[1:]) >= WINDOW,
            "vectors": modality.vector_space,
            "features": bool(self.networks),
            "logits": any(network.classes for network in self.networks),
        }
        return self.things | {name for name, offered in known.items() if offered}


@dataclass
class Lazy:
    """Thing of a context that is computed when it is first needed."""

    compute: Callable[[], Any]


class Context:
    """Samples, and the things that metrics compare them with.

    Args:
        things: things by name; always `samples`, `[N, ...]` on the CPU, and `reference`, a `Reference`. A
            value of type `Lazy` is computed when a metric first needs it.
        modality: modality of the samples.
        shape: shape of one sample.
        count: number of samples N.
        networks: feature networks.
        heads: heads of LPIPS; None if there are none.
        classes: number of classes of the thing `labels`; 0 without it.
        resamples: number of half-samples from which intervals follow; 0 for none.
    """

    def __init__(
        self,
        things: Mapping[str, Any],
        *,
        modality: Modality,
        shape: Sequence[int],
        count: int,
        networks: Sequence[FeatureNetwork] = (),
        heads: Heads | None = None,
        classes: int = 0,
        resamples: int = 100,
    ):
        self._things = dict(things)
        self.count = count
        self.resamples = resamples if count >= FEWEST else 0
        self._features: dict[int, FeaturesAndLogits] = {}
        self.offers = Offers(frozenset(things), modality, tuple(shape), tuple(networks), heads, classes)
        self._recognize_maps()

    def _recognize_maps(self) -> None:
        """Offer `map` if truths are label maps (value: the palette of images) or the world knows them."""
        truth, palette = self._things.get("truth"), None
        if truth is not None and truth.is_floating_point() and "images" in self.offers.names:
            palette = palette_of(truth)
        integers = truth is not None and not truth.is_floating_point()
        if palette is not None or integers or self._things.get("style") == "plain":
            self._things["map"] = palette
            self.offers = replace(self.offers, things=frozenset(self._things))

    def __getitem__(self, name: str) -> Any:
        value = self._things[name]
        if isinstance(value, Lazy):
            value = self._things[name] = value.compute()
        return value

    def __contains__(self, name: str) -> bool:
        return name in self._things

    @property
    def samples(self) -> Tensor:
        """Samples `[N, ...]`."""
        samples: Tensor = self["samples"]
        return samples

    @property
    def reference(self) -> Reference:
        """Real samples to compare with."""
        reference: Reference = self["reference"]
        return reference

    def features(self, network: FeatureNetwork) -> FeaturesAndLogits:
        """Return features and logits of the samples; computed once for each network."""
        if id(network) not in self._features:
            self._features[id(network)] = features_and_logits(network, self.samples)
        return self._features[id(network)]

    def description(self, network: FeatureNetwork) -> dict[str, Any]:
        """Return plain values that must be equal for two results on networks to be comparable."""
        described = network.describe()
        if id(network) in self._features:  # the dimension of some files is known from features alone
            described["dimension"] = self._features[id(network)].features.shape[1]
        return described

    def interval(self, metric: Callable[[Tensor], float], values: Tensor) -> Interval | None:
        """Return the 95 % interval of a metric of values `[N, ...]`; None if no intervals are wanted."""
        return interval(metric, values, resamples=self.resamples) if self.resamples else None

    def intervals(
        self, metric: Callable[[Tensor], Sequence[float]], values: Tensor
    ) -> Sequence[Interval | None]:
        """Return the 95 % interval of each value of a metric; None each if no intervals are wanted."""
        if self.resamples:
            return intervals(metric, values, resamples=self.resamples)
        return [None] * len(metric(values))


class Metric:
    """Measure of samples that users ask for by name.

    A metric of your own sets `name`, `values` and `needs`, and writes `measure`, or `measure_on` if it
    compares features. `METRICS.add(MyMetric())` makes it known, or the entry point `ganarium.metrics`.

    Attributes:
        name: name in recipes and on the command line.
        short: short name that is usual in the field.
        values: values that it gives.
        needs: names of the things that must be offered; see `NEEDS`.
        least: least number of samples, and of real ones.
        quick: True if it is measured during training by default.
        default: whether it is measured if users name no metrics: `yes`; `beside others`, if others are;
            `alone`, if no other value that is measured decides which model is the best.
        group: key in the results under which its values stand; empty for the top level.
    """

    name: str
    short: str = ""
    values: tuple[Value, ...]
    needs: frozenset[str] = frozenset()
    least: int = 2
    quick: bool = False
    default: Literal["yes", "beside others", "alone"] = "yes"
    group: str = ""

    def applies(self, offers: Offers) -> str | None:
        """Return in words what is missing; None if the metric applies."""
        missing = self.needs - offers.names
        known = [words for name, words in NEEDS.items() if name in missing]
        return " and ".join([*known, *sorted(missing - NEEDS.keys())]) or None

    def measure(self, context: Context) -> dict[str, Any]:
        """Return values by their keys, and plain values that stand beside them: `KEY_interval` say."""
        return {}

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """Return values on the features of a network, by their keys; nothing if it is of another kind."""
        return {}

    def entry(
        self, key: str, value: float, ends: Interval | None = None, *, most: float = math.inf
    ) -> dict[str, Any]:
        """Return a value and the part of its interval that lies within its limits and is at most `most`."""
        if ends is None:
            return {key: value}
        limits = {each.key: each.limits for each in self.values}
        low, high = limits.get(key, (0.0, math.inf))
        return {key: value, f"{key}_interval": [min(max(end, low), high, most) for end in ends]}

    def mean(self, context: Context, key: str, values: Tensor) -> dict[str, Any]:
        """Return the mean of values `[N]` and its interval."""
        ends = context.interval(lambda x: x.mean().item(), values.double())
        return self.entry(key, values.double().mean().item(), ends)
