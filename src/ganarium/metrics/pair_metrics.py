"""Metrics of outputs whose truth, or whose inputs again, are known."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from ganarium.data.world import World
from ganarium.metrics.base import Context, Metric, Offers, Value
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.lpips import LPIPS, SMALLEST, TAPS
from ganarium.metrics.pairs import MOST_PSNR, MapAgreement, absolute_error, confusions, nearest_colors
from ganarium.metrics.world_translation import world_maps, world_translations

SHARE = (0.0, 1.0)


class MeanOfPairs(Metric):
    """Mean over samples of a measure of each sample and its truth; at most 100, which equal samples have.

    Args:
        name: name, and key of the value.
        short: short name.
        pairwise: samples and truths, `[N, ...]` each, to values `[N]`.
        thing: what is needed beside the truth: a kind of samples.
        limits: least and greatest possible value; larger is better.
        quick: see `Metric`.
    """

    def __init__(
        self,
        name: str,
        short: str,
        pairwise: Callable[[Tensor, Tensor], Tensor],
        thing: str,
        limits: tuple[float, float],
        *,
        quick: bool = False,
    ):
        self.name, self.short, self.pairwise, self.quick = name, short, pairwise, quick
        self.values = (Value(name, "higher", limits),)
        self.needs = frozenset({"truth", thing})

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        values = self.pairwise(context.samples, context["truth"])
        return self.mean(context, self.name, values.double().clamp(max=MOST_PSNR))


class PerceptualDistance(Metric):
    """See `LPIPS`: with learned heads, or on networks that the heads do not fit without them."""

    needs = frozenset({"truth", "images"})

    def __init__(self, name: str, short: str, note: str = "", *, learned: bool):
        self.name, self.short, self.learned = name, short, learned
        self.values = (Value(name, "lower", note=note),)

    def applies(self, offers: Offers) -> str | None:
        """See `Metric.applies`."""
        large = super().applies(offers) is None and min(offers.shape[1:]) >= SMALLEST
        if large and any(self._fits(network, offers) for network in offers.networks):
            return None
        needs = (
            f"a model that was trained on pairs of images, at least {SMALLEST} pixels a side, and AlexNet, "
            "VGG-16 or a SqueezeNet as --features FILE"
        )
        if not self.learned:
            return needs
        fitting = [trunk for trunk in TAPS if offers.heads and offers.heads.fit(trunk)]
        known = f" (those given fit {fitting[0] if fitting else 'no network that is known'})"
        return f"{needs}, with the published heads as --lpips FILE{known if offers.heads else ''}"

    def measure_on(self, network: FeatureNetwork, context: Context) -> dict[str, Any]:
        """See `Metric.measure_on`."""
        if not self._fits(network, context.offers):
            return {}
        distance = LPIPS(network, context.offers.heads if self.learned else None)
        values = distance.distances(context.samples, context["truth"])
        return {f"{self.name}_of": distance.name, **self.mean(context, self.name, values)}

    def _fits(self, network: FeatureNetwork, offers: Offers) -> bool:
        fits = offers.heads is not None and offers.heads.fit(network.name)
        return network.name in TAPS and fits == self.learned


class Agreement(Metric):
    """See `map_agreement`: over all pixels, of truths that are label maps, or of the world's scenes.

    Images are read by the nearest of the truth's colors, those of the world by its judge.
    """

    name, short = "map_agreement", "maps"
    values = (Value("pixel_accuracy", "higher", SHARE), Value("mean_iou", "higher", SHARE))
    needs = frozenset({"map"})

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        found, truth, classes = self._maps(context)
        counts = confusions(found, truth, classes=classes)

        def of(some: Tensor) -> tuple[float, float]:
            return MapAgreement.of(some.sum(0))[:2]

        result: dict[str, Any] = {}
        keys = [value.key for value in self.values]
        for key, value, ends in zip(keys, of(counts), context.intervals(of, counts), strict=True):
            result |= self.entry(key, value, ends)
        return result

    def _maps(self, context: Context) -> tuple[Tensor, Tensor, int]:
        """Return found and true label maps, and their number of classes."""
        made, palette = context.samples, context["map"]
        if palette is not None:
            return nearest_colors(made, palette), nearest_colors(context["truth"], palette), len(palette)
        if "truth" in context and not context["truth"].is_floating_point():
            truth: Tensor = context["truth"]
            return made, truth, int(max(made.max(), truth.max())) + 1
        scenes = context["scenes"]
        truth = torch.from_numpy(scenes.semantic()).long()
        return world_maps(made, scenes), truth, len(World.classes) + 1


class PairError(Metric):
    """See `absolute_error`: of inputs and what comes back (`cycle`), or of outputs that should be inputs."""

    def __init__(self, name: str, thing: Literal["cycle", "identity"]):
        note = "of a translator that changes nothing it is 0, and images may hide what the way back needs"
        self.name, self.short = name, thing
        self.values = (Value(name, "lower", (0.0, 2.0), decides=False, note=note),)
        self.needs = frozenset({thing, "normalized"})

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        return self.mean(context, self.name, absolute_error(*context[self.short]))


class TranslationAccuracy(Metric):
    """See `world_translations`."""

    name, short, group = "translation_accuracy", "translation", "world"
    values = (
        Value(
            "translation_accuracy",
            "higher",
            SHARE,
            note="nearest of 24 drawings of the scene: 0.042 at random, up to 0.17 untranslated",
        ),
        Value("class_kept", "higher", SHARE, note="0.167 at random"),
        Value("color_kept", "higher", SHARE, note="0.25 at random"),
        Value("read_right", "higher", SHARE, note="by the world's judge, which does not know the scene"),
    )
    needs, quick = frozenset({"scenes"}), True

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        result: dict[str, Any] = {}
        found = world_translations(context.samples, context["scenes"], context["style"])
        for key, values in found.values().items():
            result |= self.mean(context, key, values.clamp(max=MOST_PSNR))
        return result
