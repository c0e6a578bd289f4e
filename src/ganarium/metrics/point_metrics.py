"""Metrics of points in the plane whose density is known."""

from typing import Any

from torch import Tensor

from ganarium.data.sources.densities import Points
from ganarium.metrics.base import Context, Metric, Value
from ganarium.metrics.points import modes_covered, share_of_good_samples, sliced_wasserstein

FLOOR_SEED = 2**40 + 1
"""Seed of the points that set the real floor; users do not choose it, so these are not the real samples."""


class SlicedWasserstein(Metric):
    """See `sliced_wasserstein`."""

    name, short = "sliced_wasserstein", "swd"
    values = (Value("sliced_wasserstein", "lower"),)
    needs, quick = frozenset({"reference", "density"}), True

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        density: Points = context["density"]
        real = context.reference.samples

        def of(samples: Tensor) -> float:
            return sliced_wasserstein(samples, real)

        floor = density.sample(context.count, seed=FLOOR_SEED)
        ends = context.interval(of, context.samples)
        entry = self.entry(self.name, of(context.samples), ends)
        return {"modes": len(density.centers), **entry, "sliced_wasserstein_real_floor": of(floor)}


class ModesCovered(Metric):
    """See `modes_covered`."""

    name, short = "modes_covered", "modes"
    values = (Value("modes_covered", "higher"),)
    needs, quick = frozenset({"density"}), True

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        density: Points = context["density"]

        def of(samples: Tensor) -> int:
            return modes_covered(samples, density)

        modes = len(density.centers)
        ends = context.interval(of, context.samples)
        return {"modes": modes, **self.entry(self.name, of(context.samples), ends, most=modes)}


class ShareOfGoodSamples(Metric):
    """See `share_of_good_samples`."""

    name, short = "share_of_good_samples", "high_quality_share"
    values = (Value("share_of_good_samples", "higher", (0.0, 1.0)),)
    needs, quick = frozenset({"density"}), True

    def measure(self, context: Context) -> dict[str, Any]:
        """See `Metric.measure`."""
        density: Points = context["density"]

        def of(samples: Tensor) -> float:
            return share_of_good_samples(samples, density)

        entry = self.entry(self.name, of(context.samples), context.interval(of, context.samples))
        return {"modes": len(density.centers), **entry}
