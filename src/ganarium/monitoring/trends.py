"""A run's log as the doctor reads it: signs in thirds of the run, and remedies in the recipe's keys."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

# Each threshold lies between what was seen in runs that learn and in runs sick in known ways, six kinds of
# each (`tests/watch/patients.py`), seeds 10 to 12, for `LogTrends.lost` up to 42: "0.04 | 0.28" names the
# nearest figures on either side.
ENOUGH_ROUNDS, ENOUGH_LINES, ENOUGH_SHEETS = 200, 9, 9
"""Before these nothing is said of players, or of samples: every run begins with a discriminator that wins and
samples that are all alike. Nine sheets are two fifths of a run, where nothing else is asked for."""
FAR = 0.1
"""Distance from the data at which samples are bad by any measure: 0.04 | 0.28."""
IDLE = 0.85
"""Samples do not come nearer if their distance has kept this share of what it was a third of the run ago."""
DEAD = 0.01
"""Norm of a gradient, as a share of what it was: 0.5 | 0.0002."""
USUAL_STEP = 1e-3
"""What a round moves a player by, as a share of its weights, where nothing is known to be wrong."""
EARLY = 2 / 3
"""Share of its length before which a run may get well by itself."""
UNEVEN = 8.0
"""Quotient of two players' steps: 1.7, while five updates a round or a learning rate four times the other's
(Heusel et al. 2017) make up to 5 | 21."""


class LogTrends:
    """A run's recipe, and what its log holds of the newest stage."""

    def __init__(self, recipe: Mapping[str, Any], records: Sequence[Mapping[str, Any]]):
        self.recipe = recipe
        self.records = [r for r in records if r.get("stage") == records[-1].get("stage")]
        self.sheets = [record["samples"] for record in self.records if record.get("samples")]
        self.data: Mapping[str, Any] = next((r["data"] for r in reversed(self.records) if "data" in r), {})
        self.players = list(dict.fromkeys(name for r in self.records for name in r.get("players", {})))
        self.game: Mapping[str, Any] = recipe.get("game") or {}
        self.optimizers: Mapping[str, Any] = recipe.get("optimizers") or {}
        self.rounds = self.records[-1]["round"] if self.records else 0
        self.long = self.rounds >= ENOUGH_ROUNDS and len(self.records) >= ENOUGH_LINES
        self.early = self.whole[1] < EARLY * (recipe.get("images") or 0)

    @property
    def whole(self) -> tuple[int, int]:
        """From and to how many images the chart goes."""
        return (self.records[0]["images"], self.records[-1]["images"]) if self.records else (0, 0)

    @property
    def recent(self) -> tuple[int, int]:
        """From and to how many images its last third goes."""
        return self.records[-max(1, len(self.records) // 3)]["images"], self.records[-1]["images"]

    def steps(self, player: str, sign: str) -> list[float]:
        """A player's `gradient` or `update` wherever it was measured; infinite where it was no number."""
        signs = [r["players"][player][sign] for r in self.records if player in r.get("players", {})]
        return [math.inf if value is None else value for value in signs]

    def step(self, player: str) -> float:
        """How far a round moves a player, as a share of its weights: the median."""
        return statistics.median(self.steps(player, "relative_update"))

    def largest(self, player: str) -> tuple[str, list[float]]:
        """The player's term that came to the greatest size: its name, and its sizes."""
        sizes: dict[str, list[float]] = {}
        for record in self.records:
            for name, value in record["terms"].items():
                if name.startswith(f"{player}/"):
                    sizes.setdefault(name, []).append(abs(value))
        return max(sizes.items(), key=lambda item: max(item[1]), default=("", []))

    def seen(self, sign: str) -> tuple[float, float, float] | None:
        """A sign of the samples in thirds of the run; None where too little is known of it."""
        values = [sheet[sign] for sheet in self.sheets if sheet.get(sign) is not None]
        return thirds(values) if self.long and len(values) >= ENOUGH_SHEETS else None

    @cached_property
    def right(self) -> float | None:
        """How often the discriminator was right of late, 0 to 1; None if unknown."""
        discriminator_auc = self.seen("discriminator_auc")
        return discriminator_auc[2] if discriminator_auc else None

    @cached_property
    def near(self) -> bool:
        """Whether the samples are known to be near the data."""
        distance = self.seen("energy_distance")
        return distance is not None and distance[2] < FAR

    @cached_property
    def idle(self) -> bool:
        """Whether the samples are known not to come nearer to the data."""
        distance = self.seen("energy_distance")
        return distance is not None and distance[2] > IDLE * distance[1]

    @cached_property
    def lost(self) -> bool:
        """Whether samples are far from the data, and would be if two thirds as much again were played.

        In each they would come as much nearer as they did in the last one: 0.05 | 0.13.
        """
        distance = self.seen("energy_distance")
        if distance is None or distance[2] < FAR:
            return False
        _, before, now = distance
        return now * min(1.0, now / max(before, FAR)) ** 2 > FAR

    @cached_property
    def dead(self) -> dict[str, tuple[float, float]]:
        """Players whose gradient has all but vanished: its norm, and what it once was.

        A discriminator's may: then it has won.
        """
        found = {}
        for player in self.players if self.long else ():
            gradients = self.steps(player, "gradient_norm")
            first, second, now = thirds(gradients)
            once = max(gradients[0], first, second)
            if now < DEAD * once and not player.startswith("discriminator"):
                found[player] = now, once
        return found

    @cached_property
    def balance(self) -> "Balance | None":
        """The players that a round moves most and least; None where that says nothing."""
        steps = {player: step for player in self.players if (step := self.step(player)) > 0}
        if not self.long or len(steps) < 2 or self.dead:
            return None
        slow, fast = min(steps, key=steps.__getitem__), max(steps, key=steps.__getitem__)
        balance = Balance(slow, fast, steps[slow], steps[fast])
        return balance if balance.quotient > UNEVEN else None

    def rate(self, player: str, factor: float) -> str:
        """The remedy that a player's learning rate be so many times what it is."""
        now = self.optimizers.get(player, {}).get("lr")
        if not now or not 0 < factor < math.inf:
            return ""
        new = float(f"{now * factor:.1g}")
        return f"optimizers.{player}.lr={new:g} ({times(new / now)})"

    def balanced(self, balance: "Balance") -> str:
        """The remedy that the player whose steps are the less usual make as large ones as the other."""
        if balance.slow_step * balance.fast_step < USUAL_STEP**2:
            return self.rate(balance.slow, balance.quotient)
        return self.rate(balance.fast, 1 / balance.quotient)

    def slower(self, player: str) -> str:
        """The remedy that a player be no faster than its rivals, or half as fast where it is not."""
        if self.balance and self.balance.fast == player:
            return self.balanced(self.balance)
        return self.rate(player, min(0.5, self._rivals(player)))

    def faster(self, player: str) -> str:
        """The remedy that a player be no slower than its rivals, or twice as fast where it is not."""
        if self.balance and self.balance.slow == player:
            return self.balanced(self.balance)
        return self.rate(player, max(2.0, self._rivals(player)))

    def _rivals(self, player: str) -> float:
        """The learning rate of those with an optimizer of the same kind, as a multiple of the player's."""
        own = self.optimizers.get(player, {})
        others = [entry for name, entry in self.optimizers.items() if name != player]
        rates = [entry["lr"] for entry in others if entry.get("kind") == own.get("kind")]
        return statistics.median(rates) / own["lr"] if rates and own.get("lr") else 1.0

    def calmer(self, player: str) -> str:
        """The remedy that a player's largest step be a hundredth of its weights, or a tenth of now."""
        leap = max((step for step in self.steps(player, "relative_update") if step < math.inf), default=0.0)
        return self.rate(player, min(0.1, 0.01 / leap) if leap else 0.1)


@dataclass(frozen=True)
class Balance:
    """The players that a round moves least and most, and by which share of their weights."""

    slow: str
    fast: str
    slow_step: float
    fast_step: float

    @property
    def quotient(self) -> float:
        """How many times the one's step the other's is."""
        return self.fast_step / self.slow_step


def thirds(values: Sequence[float]) -> tuple[float, float, float]:
    """The medians of the first, the second and the last third of three values or more."""
    size = len(values) // 3
    first, second, last = values[:size], values[size:-size], values[-size:]
    return statistics.median(first), statistics.median(second), statistics.median(last)


def records_in(path: Path, *, may_be_empty: bool) -> list[dict[str, Any]]:
    """The records of a log; a last line that is being written is left out.

    Raises:
        ValueError: there is none, or a line is none of a log.
    """
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["round"], record["images"], record["terms"].items()
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(
                f"{path} is damaged: line {number:,} of {len(lines):,} is no line of a log; take it out, or "
                "put the file back"
            ) from None
        records.append(record)
    if not records and not may_be_empty:
        raise ValueError(
            f"{path} has no line yet, so there is nothing to examine; every.log says after how many images "
            "the first one comes"
        )
    return records


def figure(value: float) -> str:
    """A number for people: two of its digits count."""
    if math.isinf(value):
        return "infinitely many"
    return f"{float(f'{value:.2g}'):,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def times(factor: float) -> str:
    """By how much a value changes."""
    if factor == 0.5:
        return "half of now"
    return f"{figure(factor)} times now" if factor > 1 else f"now divided by {figure(1 / factor)}"
