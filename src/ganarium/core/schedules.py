"""How a learning rate changes over a match: functions from progress (0 to 1) to a factor."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def constant() -> Schedule:
    """The learning rate as it is."""
    return lambda progress: 1.0


def linear(*, start: float = 0.0, end_factor: float = 0.0) -> Schedule:
    """Full until `start` (a share of the match), then straight down to `end_factor` at the end."""

    def factor(progress: float) -> float:
        gone = max(0.0, progress - start) / max(1e-12, 1.0 - start)
        return 1.0 + (end_factor - 1.0) * gone

    return factor


def cosine(*, end_factor: float = 0.0) -> Schedule:
    """Half a cosine from 1 to `end_factor` (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5)."""
    return lambda progress: end_factor + (1.0 - end_factor) * (1.0 + math.cos(math.pi * progress)) / 2.0


def warm_up(*, until: float = 0.05) -> Schedule:
    """From near 0 straight up to 1 at `until` (a share of the match), then full."""
    return lambda progress: min(1.0, (progress + 1e-3) / (until + 1e-3))


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "warm-up": warm_up,
}
