"""Schedules of a learning rate: functions from the progress of a run (0 to 1) to a factor."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def constant() -> Schedule:
    """Return a schedule of the constant factor 1."""
    return lambda progress: 1.0


def linear(*, start: float = 0.0, end_factor: float = 0.0) -> Schedule:
    """Return a schedule: 1 until `start` (a share of the run), then linear to `end_factor` at the end."""

    def factor(progress: float) -> float:
        share = max(0.0, progress - start) / max(1e-12, 1.0 - start)
        return 1.0 + (end_factor - 1.0) * share

    return factor


def cosine(*, end_factor: float = 0.0) -> Schedule:
    """Return a schedule: half a cosine from 1 to `end_factor`.

    (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5.)
    """
    return lambda progress: end_factor + (1.0 - end_factor) * (1.0 + math.cos(math.pi * progress)) / 2.0


def warm_up(*, until: float = 0.05) -> Schedule:
    """Return a schedule: linear from near 0 to 1 at `until` (a share of the run), then 1."""
    return lambda progress: min(1.0, (progress + 1e-3) / (until + 1e-3))


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "warm-up": warm_up,
}
