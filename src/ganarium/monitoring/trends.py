"""Trends of a run's log: its statistics in thirds of the run, and changes of learning rates that may help."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ganarium.monitoring.records import read_records

# Each threshold lies between figures of runs that learn and of runs that fail in known ways: six kinds of
# each (`tests/monitoring/diagnosed_runs.py`) with seeds 10 to 12, for `LogTrends.stays_far` up to 42. Figures
# such as "0.04 | 0.28" are the nearest ones on either side.
MIN_ROUNDS, MIN_LINES, MIN_GRIDS = 200, 9, 9
"""Least rounds, log lines and sample grids for a diagnosis.

Every run starts with a discriminator that wins and with samples that are all alike. By default nine grids are
two fifths of a run.
"""
FAR = 0.1
"""Energy distance from which samples are bad by any measure: 0.04 | 0.28."""
STALLED = 0.85
"""Quotient of the energy distances in the last two thirds above which samples do not come nearer."""
VANISHED = 0.01
"""Norm of a vanished gradient as a share of the earlier norm: 0.5 | 0.0002."""
USUAL_UPDATE = 1e-3
"""Relative update of a player in a round, if nothing is known to be wrong."""
EARLY = 2 / 3
"""Share of the run before which a failure may still disappear without a change."""
UNEVEN = 8.0
"""Quotient of two players' relative updates that is too large.

3.2 | 23; five updates per round or a learning rate four times the other's (Heusel et al. 2017) lead to 3.
"""


class LogTrends:
    """Recipe of a run, and its log since the newest stage began."""

    def __init__(self, recipe: Mapping[str, Any], records: Sequence[Mapping[str, Any]]):
        self.recipe = recipe
        self.records = [r for r in records if r.get("stage") == records[-1].get("stage")]
        self.samples = [record["samples"] for record in self.records if record.get("samples")]
        self.data: Mapping[str, Any] = next((r["data"] for r in reversed(self.records) if "data" in r), {})
        self.players = list(dict.fromkeys(name for r in self.records for name in r.get("players", {})))
        self.game: Mapping[str, Any] = recipe.get("game") or {}
        self.optimizers: Mapping[str, Any] = recipe.get("optimizers") or {}
        self.rounds = self.records[-1]["round"] if self.records else 0
        self.is_long = self.rounds >= MIN_ROUNDS and len(self.records) >= MIN_LINES
        self.is_early = self.all_images[1] < EARLY * (recipe.get("images") or 0)

    @property
    def all_images(self) -> tuple[int, int]:
        """Numbers of images shown at the first and the last line."""
        return (self.records[0]["images"], self.records[-1]["images"]) if self.records else (0, 0)

    @property
    def last_images(self) -> tuple[int, int]:
        """Numbers of images shown at the first and the last line of the last third."""
        return self.records[-max(1, len(self.records) // 3)]["images"], self.records[-1]["images"]

    def of_player(self, player: str, key: str) -> list[float]:
        """Return a player's `gradient_norm` or `relative_update` in all lines; infinite if not finite."""
        values = [r["players"][player][key] for r in self.records if player in r.get("players", {})]
        return [math.inf if value is None else value for value in values]

    def update(self, player: str) -> float:
        """Return the median relative update of a player."""
        return statistics.median(self.of_player(player, "relative_update"))

    def largest_term(self, player: str) -> tuple[str, list[float]]:
        """Return the player's loss term with the largest magnitude: its name and its magnitudes."""
        sizes: dict[str, list[float]] = {}
        for record in self.records:
            for name, value in record["terms"].items():
                if name.startswith(f"{player}/"):
                    sizes.setdefault(name, []).append(abs(value))
        return max(sizes.items(), key=lambda item: max(item[1]), default=("", []))

    def of_samples(self, key: str) -> tuple[float, float, float] | None:
        """Return a statistic of the samples in thirds of the run; None if it was measured too rarely."""
        values = [entry[key] for entry in self.samples if entry.get(key) is not None]
        return thirds(values) if self.is_long and len(values) >= MIN_GRIDS else None

    @cached_property
    def auc(self) -> float | None:
        """AUC of the discriminator in the last third, 0 to 1; None if unknown."""
        auc = self.of_samples("discriminator_auc")
        return auc[2] if auc else None

    @cached_property
    def is_near(self) -> bool:
        """True if the samples are known to be near the data."""
        distance = self.of_samples("energy_distance")
        return distance is not None and distance[2] < FAR

    @cached_property
    def is_stalled(self) -> bool:
        """True if the samples are known not to come nearer to the data."""
        distance = self.of_samples("energy_distance")
        return distance is not None and distance[2] > STALLED * distance[1]

    @cached_property
    def stays_far(self) -> bool:
        """True if the samples are far from the data, and still would be after two thirds of a run more.

        The distance is extrapolated: it shrinks in each further third by the factor of the last one. 0.05 |
        0.13 are the figures.
        """
        distance = self.of_samples("energy_distance")
        if distance is None or distance[2] < FAR:
            return False
        _, before, now = distance
        return now * min(1.0, now / max(before, FAR)) ** 2 > FAR

    @cached_property
    def vanished_gradients(self) -> dict[str, tuple[float, float]]:
        """Norms now and earlier of the players whose gradients have vanished.

        Discriminators are left out: the gradient of one that has won may vanish.
        """
        found = {}
        for player in self.players if self.is_long else ():
            norms = self.of_player(player, "gradient_norm")
            first, second, now = thirds(norms)
            earlier = max(norms[0], first, second)
            if now < VANISHED * earlier and not player.startswith("discriminator"):
                found[player] = now, earlier
        return found

    @cached_property
    def imbalance(self) -> "Imbalance | None":
        """Players with the smallest and the largest updates, if these differ too much.

        None, too, in short runs and if a gradient has vanished, since the quotient then has another cause.
        """
        updates = {player: update for player in self.players if (update := self.update(player)) > 0}
        if not self.is_long or len(updates) < 2 or self.vanished_gradients:
            return None
        slow, fast = min(updates, key=updates.__getitem__), max(updates, key=updates.__getitem__)
        imbalance = Imbalance(slow, fast, updates[slow], updates[fast])
        return imbalance if imbalance.quotient > UNEVEN else None

    def scale(self, player: str, factor: float) -> str:
        """Return the remedy that multiplies a player's learning rate by `factor`; empty without a rate."""
        now = self.optimizers.get(player, {}).get("lr")
        if not now or not 0 < factor < math.inf:
            return ""
        new = float(f"{now * factor:.1g}")
        return f"optimizers.{player}.lr={new:g} ({change(new / now)})"

    def equalize(self, imbalance: "Imbalance") -> str:
        """Return the remedy that scales the less usual of two updates to the size of the other."""
        if imbalance.slow_update * imbalance.fast_update < USUAL_UPDATE**2:
            return self.scale(imbalance.slow, imbalance.quotient)
        return self.scale(imbalance.fast, 1 / imbalance.quotient)

    def slow_down(self, player: str) -> str:
        """Return the remedy that lowers a player's learning rate to half, or to its rivals' if less."""
        if self.imbalance and self.imbalance.fast == player:
            return self.equalize(self.imbalance)
        return self.scale(player, min(0.5, self._rivals(player)))

    def speed_up(self, player: str) -> str:
        """Return the remedy that doubles a player's learning rate, or raises it to its rivals' if more."""
        if self.imbalance and self.imbalance.slow == player:
            return self.equalize(self.imbalance)
        return self.scale(player, max(2.0, self._rivals(player)))

    def _rivals(self, player: str) -> float:
        """Return the median learning rate of players with the same kind of optimizer, over the player's."""
        own = self.optimizers.get(player, {})
        others = [entry for name, entry in self.optimizers.items() if name != player]
        rates = [entry["lr"] for entry in others if entry.get("kind") == own.get("kind")]
        return statistics.median(rates) / own["lr"] if rates and own.get("lr") else 1.0

    def limit(self, player: str) -> str:
        """Return the remedy that reduces a player's largest update to a tenth, or to 0.01 if less."""
        updates = self.of_player(player, "relative_update")
        largest = max((update for update in updates if update < math.inf), default=0.0)
        return self.scale(player, min(0.1, 0.01 / largest) if largest else 0.1)


@dataclass(frozen=True)
class Imbalance:
    """Players with the smallest and the largest relative updates."""

    slow: str
    fast: str
    slow_update: float
    fast_update: float

    @property
    def quotient(self) -> float:
        """Largest update over the smallest."""
        return self.fast_update / self.slow_update


def thirds(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the medians of the first, the second and the last third of at least three values."""
    size = len(values) // 3
    first, second, last = values[:size], values[size:-size], values[-size:]
    return statistics.median(first), statistics.median(second), statistics.median(last)


def log_records(path: Path, *, may_be_empty: bool) -> list[dict[str, Any]]:
    """Return the records of a log, without a last line that is still being written.

    Raises:
        ValueError: the log is empty and may not be, or a line is not a record.
    """
    found = read_records(path)
    strange = [i for i, record in enumerate(found.valid, 1) if not isinstance(record.get("terms"), Mapping)]
    if numbers := found.damaged or strange:
        total = len(found.valid) + len(found.damaged)
        raise ValueError(
            f"{path} is damaged: line {numbers[0]:,} of {total:,} is not a log record; delete the line, "
            "or restore the file"
        )
    if not found.valid and not may_be_empty:
        raise ValueError(
            f"{path} has no line yet, so there is nothing to examine; the first one comes after every.log "
            "images"
        )
    return found.valid


def rounded(value: float) -> str:
    """Return a number as text with two significant digits."""
    if math.isinf(value):
        return "infinitely many"
    return f"{float(f'{value:.2g}'):,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def change(factor: float) -> str:
    """Return the change of a setting by a factor as text."""
    if factor == 0.5:
        return "half the current value"
    if factor > 1:
        return f"{rounded(factor)} times the current value"
    return f"the current value divided by {rounded(1 / factor)}"
