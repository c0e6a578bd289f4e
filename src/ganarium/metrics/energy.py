"""Energy distance of two sets of samples, as vectors."""

import torch
from torch import Tensor

from ganarium.data.order import spread
from ganarium.metrics.base import Context, Metric, Value

COMPARED = 1000
"""Largest number of samples, and of real ones, that are compared; evenly spread over all."""


def energy_distance(a: Tensor, b: Tensor) -> float:
    """Compute the energy coefficient: 0 for equal distributions, 1 if they have nothing in common.

    (2 E|x - y| - E|x - x'| - E|y - y'|) / 2 E|x - y| (Székely & Rizzo 2013, section 5), over all pairs of
    different samples; an estimate below 0 counts as 0.

    Args:
        a: samples `[N, ...]`, N >= 2; vectors are flattened.
        b: samples `[M, ...]` of the same shape, M >= 2.

    Raises:
        ValueError: shapes that do not match, too few samples, or samples that are not finite.
    """
    a, b = _checked(a, b)
    return _coefficient(_distances(a, b), _distances(a, a), _within(_distances(b, b)))


class EnergyDistance(Metric):
    """See `energy_distance`; for samples whose distances as vectors are meaningful."""

    name, short = "energy_distance", "energy"
    values = (Value("energy_distance", "lower", (0.0, 1.0)),)
    needs = frozenset({"reference", "vectors"})
    quick, default = True, "alone"

    def measure(self, context: Context) -> dict[str, float]:
        """See `Metric.measure`."""
        samples = context.samples[torch.from_numpy(spread(context.count, COMPARED))]
        samples, real = _checked(samples, context.reference.some(COMPARED)[0])
        between, within = _distances(samples, real), _distances(samples, samples)
        real_within = _within(_distances(real, real))

        def of(rows: Tensor) -> float:
            return _coefficient(between[rows], within[rows][:, rows], real_within)

        rows = torch.arange(len(samples))
        return self.entry(self.name, of(rows), context.interval(of, rows))


def _coefficient(between: Tensor, within: Tensor, other_within: float) -> float:
    twice = 2 * between.mean().item()
    return max(0.0, (twice - _within(within) - other_within) / twice) if twice else 0.0


def _within(distances: Tensor) -> float:
    """Return the mean distance of two different samples, of a table with zeros in its diagonal."""
    count = len(distances)
    return distances.sum().item() / (count * (count - 1))


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _checked(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return vectors in float64 on the CPU, `[N, D]` and `[M, D]`."""
    if a.shape[1:] != b.shape[1:] or min(len(a), len(b)) < 2:
        raise ValueError(
            "samples must have one shape and be at least 2 on each side; "
            f"given: {list(a.shape)} and {list(b.shape)}"
        )
    for x in (a, b):
        if broken := int((~x.flatten(1).isfinite()).any(1).sum()):
            raise ValueError(f"{broken} of {len(x)} samples are not finite")
    return a.detach().flatten(1).double().cpu(), b.detach().flatten(1).double().cpu()
