"""The doctor: what is wrong with a run, in plain words, and which key to change by how much.

It reads `recipe.yaml` and `log.jsonl` alone, so a run can be examined while it is trained, far from its data,
and whatever its method is. It knows no objective: each player is compared with itself earlier on and with the
others, and the samples with the data, by the signs that `ganarium.monitoring.statistics` measures.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganarium.monitoring.log import FAILURE
from ganarium.monitoring.trends import (
    ENOUGH_LINES,
    ENOUGH_ROUNDS,
    ENOUGH_SHEETS,
    USUAL_STEP,
    LogTrends,
    figure,
    records_in,
    thirds,
)
from ganarium.recipes.yaml import from_yaml

Severity = Literal["sick", "watch", "unclear"]
"""It will not get well by itself; it may fall ill; there is too little to go by."""

# Thresholds as in `ganarium.monitoring.trends`: the figures of runs that learn | of sick ones.
RIGHT, GUESSING = 0.9, 0.7
"""How often a discriminator is right that has won (1.0), or that is too weak (0.34 to 0.69), while samples
stay far away. Alone it says nothing: a healthy DCGAN's is right in 99 %, and a game that has reached its goal
ends at 50 %."""
COLLAPSED, NARROW, SPREADING = 0.33, 0.6, 1.25
"""Effective number of different samples as a share of the data's, 1.0 | 0.19; while in a third of the run it
does not grow by so much. Conditional pictures begin alike in every class, at 0.21 and growing by 1.5."""
LEAP, BURST = 0.5, 1000.0
"""A round that moves weights by half their size, 0.09 | 90, with a gradient so many times its first norm,
61 | three millions."""
GROWN, SWOLLEN = 30.0, 10.0
"""A gradient so many times what it was in the first third, 5 | 33, and a term likewise, 3 | 46: scores whose
slope has no bound."""
UNBALANCED = 20.0
"""Quotient of two players' steps from which they cannot play: 1.7 | 32; below it see `UNEVEN`."""
STILL = 0.01
"""Share of its weights that all of a player's steps make, laid end to end: 4.5 | 0.006."""
REPEATED, SOME_REPEATED = 2.0, 1.1
"""How often each sample is there."""
FEW, OFTEN, VERY_FEW, VERY_OFTEN = 10_000, 300, 100, 100
"""So many samples, each shown so often. With fewer than 10,000 pictures discriminators overfit after some
hundred showings, with very few much sooner (Karras et al. 2020, arXiv:2006.06676, fig. 1)."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that is wrong with a run, or may become so."""

    name: str
    """The same for every run that has it."""
    severity: Severity
    finding: str
    """What was seen, with the figures."""
    images: tuple[int, int]
    """Where: from and to so many images shown."""
    remedy: str = ""
    """What to change, and by how much: `optimizers.discriminator.lr=0.0001 (half of now)`."""

    def __str__(self) -> str:
        since, until = self.images
        told = f"{self.name} ({self.severity}, images {since:,} to {until:,}). {self.finding}"
        return f"{told} Try {self.remedy}." if self.remedy else told

    def to_dict(self) -> dict[str, Any]:
        """As a plain tree for JSON."""
        return {**dataclasses.asdict(self), "images": list(self.images)}


def doctor(run: Any) -> list[Diagnosis]:
    """What is wrong with a run, causes before what follows from them; nothing where nothing is seen.

    Args:
        run: its folder, or a Run. It may be in training.

    Raises:
        FileNotFoundError: there is no run in the folder.
        ValueError: its log has no line yet, or is damaged.
    """
    folder = Path(getattr(run, "folder", run))
    path, failure = folder / "recipe.yaml", folder / FAILURE
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is no run: it has no recipe.yaml")
    recipe = from_yaml(path.read_text(encoding="utf-8"), str(path))
    end = failure.read_text(encoding="utf-8") if failure.exists() else ""
    return examined(recipe, records_in(folder / "log.jsonl", may_be_empty=bool(end)), end)


def examined(
    recipe: Mapping[str, Any], records: Sequence[Mapping[str, Any]], end: str = ""
) -> list[Diagnosis]:
    """The diagnoses for a recipe's tree and the records of a log; `end` is the error that ended the run."""
    trends = LogTrends(recipe, records)
    exploded = [*_ended(trends, end), *_exploded(trends)]
    if any(diagnosis.severity == "sick" for diagnosis in exploded):
        return [*exploded, *_repeated(trends)]  # all else follows from it
    others = (_still, _unbalanced, _dead, _lost, _collapsed, _repeated, _short)
    return [*exploded, *(diagnosis for examine in others for diagnosis in examine(trends))]


def words(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """A line for each diagnosis, or one that says that there is none."""
    return [f"doctor: {diagnosis}" for diagnosis in diagnoses] or ["doctor: nothing wrong seen"]


def _ended(trends: LogTrends, end: str) -> Iterator[Diagnosis]:
    """The run ended because a number was none."""
    players = list(trends.optimizers) if end else []
    for player in [each for each in players if each in end] or players:
        finding = f"The run ended: {end.split(';')[0]}."
        yield Diagnosis("a term explodes", "sick", finding, trends.whole, trends.calmer(player))


def _exploded(trends: LogTrends) -> Iterator[Diagnosis]:
    """Gradients beyond all measure, and the terms that they are of.

    Neither is enough: gradients begin small where a last layer does, and a Wasserstein score has no zero.
    """
    for player in trends.players:
        gradients, leap = trends.steps(player, "gradient_norm"), max(trends.steps(player, "relative_update"))
        if len(gradients) < ENOUGH_LINES:
            continue
        early, middle, now = thirds(gradients)
        highest, usual = max(early, middle, now), max(gradients[0], early)
        burst = leap >= LEAP and highest > BURST * gradients[0] > 0
        name, sizes = trends.largest(player)
        was, _, size = thirds(sizes) if len(sizes) >= ENOUGH_LINES else (1.0, 1.0, 1.0)
        if not burst and not (trends.long and now > GROWN * usual > 0 and size > SWOLLEN * max(was, 1.0)):
            continue
        times = highest / gradients[0] if burst else now / usual
        finding = f"The gradient of {player} has grown to {figure(times)} times what it was."
        if sizes:
            finding += f" {name} has come to {figure(max(sizes))}."
        if burst:
            finding += f" One round moved {player} by {figure(leap)} times the size of its weights."
        severity: Severity = "watch" if trends.near else "sick"
        yield Diagnosis("a term explodes", severity, finding, trends.whole, trends.calmer(player))


def _still(trends: LogTrends) -> Iterator[Diagnosis]:
    """Nobody gets anywhere."""
    directions = {player: trends.step(player) * trends.rounds for player in trends.players}
    if not trends.long or not directions or max(directions.values()) > STILL:
        return
    for player, way in directions.items():
        finding = f"All steps of {player}, laid end to end, make {way:.1g} of its weights."
        remedy = trends.rate(player, USUAL_STEP * trends.rounds / way) if way else ""
        yield Diagnosis("weights stand still", "sick", finding, trends.whole, remedy)


def _unbalanced(trends: LogTrends) -> Iterator[Diagnosis]:
    """Players whose steps differ by an order of magnitude."""
    balance = trends.balance
    if balance:
        yield Diagnosis(
            "learning rates out of balance",
            "sick" if balance.quotient > UNBALANCED else "watch",
            f"A round moves {balance.fast} by {balance.fast_step:.1g} of its weights and {balance.slow} by "
            f"{balance.slow_step:.1g}, {figure(balance.quotient)} times less.",
            trends.whole,
            trends.balanced(balance),
        )


def _dead(trends: LogTrends) -> Iterator[Diagnosis]:
    """A gradient has all but vanished, though the samples are not near the data."""
    for player, (now, once) in {} if trends.near else trends.dead.items():
        if trends.game.get("objective") == "saturating":
            remedy = "game.objective=non-saturating (now saturating)"
        elif trends.right is not None and trends.right < GUESSING:
            remedy = trends.faster("discriminator")
        else:
            remedy = trends.slower("discriminator")
        finding = (
            f"The gradient of {player} has a norm of {now:.1g} and once had {once:.1g}: hardly anything "
        )
        finding += "is left to learn from."
        yield Diagnosis("gradient dies", "sick", finding, trends.recent, remedy)


def _lost(trends: LogTrends) -> Iterator[Diagnosis]:
    """Samples stay far from the data: the discriminator is always right, or only guesses."""
    distance, right = trends.seen("energy_distance"), trends.right
    if distance is None or not trends.lost:
        return
    before, now = distance[1:]
    finding = f"The samples stay far from the data: at a distance of {now:.2f}, where 1 is the most, after "
    finding += f"{before:.2f} a third of the run ago."
    if right is None or GUESSING <= right <= RIGHT:
        yield Diagnosis("samples stay far from the data", "watch", finding, trends.recent)
        return
    finding += f" The discriminator is right about {right:.0%} of all pairs of a real and a drawn one."
    if right > RIGHT:
        name, remedy = "discriminator has won", trends.slower("discriminator")
    else:
        name, remedy = "discriminator too weak", trends.faster("discriminator")
    yield Diagnosis(name, "watch" if trends.early else "sick", finding, trends.recent, remedy)


def _collapsed(trends: LogTrends) -> Iterator[Diagnosis]:
    """Samples differ from each other much less than the data do, and not more than before."""
    different, real = trends.seen("effective_samples"), trends.data.get("effective_samples")
    if different is None or not real or not trends.idle:
        return
    _, before, now = different
    if now > NARROW * real or now > SPREADING * before:
        return
    right = trends.right
    if trends.balance:
        remedy = trends.balanced(trends.balance)
    elif right is not None and right > RIGHT:
        remedy = trends.slower("discriminator")
    elif right is not None and right < GUESSING:
        remedy = trends.faster("discriminator")
    elif trends.game.get("penalty") == "none":
        remedy = "game.penalty=r1 (now none)"
    else:
        remedy = trends.rate("generator", 0.5)
    severity: Severity = "sick" if now < COLLAPSED * real and not trends.early else "watch"
    finding = f"They show {figure(now)} different things, where as many real ones show {figure(real)}."
    yield Diagnosis("samples lose diversity", severity, finding, trends.recent, remedy)


def _repeated(trends: LogTrends) -> Iterator[Diagnosis]:
    """The data hold samples more than once, or too few."""
    if not trends.data:
        return
    samples, copies = trends.data["samples"], trends.data["duplicates_per_sample"]
    different, source = max(1, round(samples / copies)), (trends.recipe.get("data") or {}).get("source")
    shown = trends.whole[1] / different
    if copies > SOME_REPEATED:
        severity: Severity = "sick" if copies > REPEATED else "watch"
        finding = f"Of {samples:,} samples only about {different:,} are different."
        remedy = f"data.source without the copies (now {source})"
        yield Diagnosis("data repeat", severity, finding, trends.whole, remedy)
    very_few = different < VERY_FEW and shown > VERY_OFTEN
    if different > 1 and (very_few or (different < FEW and shown > OFTEN)):
        finding = f"About {different:,} different samples were shown {figure(shown)} times each: a "
        finding += "discriminator can learn them by heart."
        remedy = f"data.source with more samples (now {source})"
        yield Diagnosis("too few data", "sick" if very_few else "watch", finding, trends.whole, remedy)


def _short(trends: LogTrends) -> Iterator[Diagnosis]:
    """There is too little to go by."""
    if not trends.players and trends.records:
        told = "The log holds terms alone; it is of an older version."
    elif not trends.long:
        told = f"It has {trends.rounds:,} rounds and {len(trends.records):,} lines of its log; "
        told += f"{ENOUGH_ROUNDS} and {ENOUGH_LINES} are enough."
    elif trends.sheets and len(trends.sheets) <= ENOUGH_SHEETS:
        told = f"It has {len(trends.sheets):,} sheets of samples; {ENOUGH_SHEETS + 1} are enough."
    else:
        return
    yield Diagnosis("too short to say", "unclear", told, trends.whole)
