"""Doctor: diagnoses of a run, each with the recipe key to change and its new value.

The doctor reads only `recipe.yaml` and `log.jsonl`, so a run of any method can be examined during training
and without its data. It is independent of the objective: it compares each player with its earlier self and
with the other players, and the samples with the data, by the statistics of `ganarium.monitoring.statistics`.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganarium.monitoring.log import FAILURE
from ganarium.monitoring.trends import (
    MIN_GRIDS,
    MIN_LINES,
    MIN_ROUNDS,
    USUAL_UPDATE,
    LogTrends,
    log_records,
    rounded,
    thirds,
)
from ganarium.recipes.yaml import saved_recipe

Severity = Literal["error", "warning", "unknown"]
"""Severity of a diagnosis.

An `error` is a failure that stays without a change, a `warning` a possible failure; `unknown` means that
there are too few measurements for a diagnosis.
"""

# Thresholds as in `ganarium.monitoring.trends`: figures of runs that learn | figures of runs that fail.
HIGH_AUC, LOW_AUC = 0.9, 0.7
"""AUC of a discriminator that has won (1.0) or is too weak (0.34 to 0.69), while samples stay far away.

The AUC alone is no evidence: it is 0.99 in a DCGAN that learns, and 0.5 at the end of a successful run.
"""
COLLAPSED, NARROW, SPREADING = 0.33, 0.6, 1.25
"""Effective number of samples as a share of the data's, 1.0 | 0.19; and least growth in a third of the run.

Conditional images start alike in every class: at 0.21, growing by 1.5.
"""
LARGE_UPDATE, GRADIENT_BURST = 0.5, 1000.0
"""Relative update of an explosion, 0.12 | 106, and its gradient norm over the first norm, 61 | 3 million."""
GRADIENT_GROWTH, TERM_GROWTH = 30.0, 10.0
"""Gradient norm over that of the first third, 5 | 33, and likewise a loss term, 3 | 46.

Both are exceeded by scores whose slope has no bound.
"""
UNBALANCED = 20.0
"""Quotient of two players' relative updates that is an error, 3.2 | 23; see `UNEVEN` for a warning."""
STILL = 0.01
"""Sum of all relative updates of a player that does not learn, 4.2 | 0.009."""
REPEATED, SOME_REPEATED = 2.0, 1.1
"""Duplicates per sample that are an error and a warning."""
FEW, OFTEN, VERY_FEW, VERY_OFTEN = 10_000, 300, 100, 100
"""Numbers of samples, each with the times that they may be shown, for a warning and for an error.

With fewer than 10,000 images discriminators overfit after some hundred epochs, with very few images much
sooner (Karras et al. 2020, arXiv:2006.06676, fig. 1).
"""


@dataclass(frozen=True)
class Diagnosis:
    """Failure or possible failure of a run."""

    name: str
    """Name of the failure, the same in all runs."""
    severity: Severity
    finding: str
    """Description with the measured figures."""
    images: tuple[int, int]
    """Numbers of images shown at the start and at the end of the measurements."""
    remedy: str = ""
    """Key to change, with its new value: `optimizers.discriminator.lr=0.0001 (half the current value)`."""

    def __str__(self) -> str:
        start, end = self.images
        text = f"{self.name} ({self.severity}, images {start:,} to {end:,}). {self.finding}"
        return f"{text} Try {self.remedy}." if self.remedy else text

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as a tree for JSON."""
        return {**dataclasses.asdict(self), "images": list(self.images)}


def doctor(run: Any) -> list[Diagnosis]:
    """Diagnose a run: return its failures, causes before their effects; empty if none is found.

    Args:
        run: folder of the run, or a Run. It may be in training.

    Raises:
        FileNotFoundError: the folder holds no run.
        ValueError: the log is empty or damaged.
    """
    folder = Path(getattr(run, "folder", run))
    recipe, failure = saved_recipe(folder), folder / FAILURE
    error = failure.read_text(encoding="utf-8") if failure.exists() else ""
    return diagnose(recipe, log_records(folder / "log.jsonl", may_be_empty=bool(error)), error)


def diagnose(
    recipe: Mapping[str, Any], records: Sequence[Mapping[str, Any]], error: str = ""
) -> list[Diagnosis]:
    """Return the diagnoses for a recipe's tree, the records of a log and the error that ended the run."""
    trends = LogTrends(recipe, records)
    explosions = [*_failure(trends, error), *_explosion(trends)]
    if any(diagnosis.severity == "error" for diagnosis in explosions):
        return [*explosions, *_data(trends)]  # an explosion explains all other findings
    checks = (_standstill, _imbalance, _vanished_gradient, _distance, _diversity, _data, _length)
    return [*explosions, *(diagnosis for check in checks for diagnosis in check(trends))]


def words(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Return one line per diagnosis, or one line that reports none."""
    return [f"doctor: {diagnosis}" for diagnosis in diagnoses] or ["doctor: nothing wrong seen"]


def _failure(trends: LogTrends, error: str) -> Iterator[Diagnosis]:
    """Diagnose a run that ended with a value that was not finite."""
    players = list(trends.optimizers) if error else []
    for player in [each for each in players if each in error] or players:
        finding = f"The run ended: {error.split(';')[0]}."
        yield Diagnosis("a term explodes", "error", finding, trends.all_images, trends.limit(player))


def _explosion(trends: LogTrends) -> Iterator[Diagnosis]:
    """Diagnose players whose gradient norm and loss term, or gradient norm and weights, have exploded.

    A grown gradient norm alone is no evidence, since gradients start small if the last layer's do. Neither is
    a large loss term alone, since a Wasserstein score has no fixed zero.
    """
    for player in trends.players:
        norms = trends.of_player(player, "gradient_norm")
        update = max(trends.of_player(player, "relative_update"))
        if len(norms) < MIN_LINES:
            continue
        early, middle, now = thirds(norms)
        highest, usual = max(early, middle, now), max(norms[0], early)
        burst = update >= LARGE_UPDATE and highest > GRADIENT_BURST * norms[0] > 0
        name, sizes = trends.largest_term(player)
        size_before, _, size = thirds(sizes) if len(sizes) >= MIN_LINES else (1.0, 1.0, 1.0)
        grown = now > GRADIENT_GROWTH * usual > 0 and size > TERM_GROWTH * max(size_before, 1.0)
        if not burst and not (trends.is_long and grown):
            continue
        growth = highest / norms[0] if burst else now / usual
        finding = f"The gradient_norm of {player} has grown to {rounded(growth)} times its earlier value."
        if sizes:
            finding += f" {name} has reached {rounded(max(sizes))}."
        if burst:
            finding += f" The largest relative_update of {player} is {rounded(update)}."
        severity: Severity = "warning" if trends.is_near else "error"
        yield Diagnosis("a term explodes", severity, finding, trends.all_images, trends.limit(player))


def _standstill(trends: LogTrends) -> Iterator[Diagnosis]:
    """Diagnose a run in which no player's weights change."""
    totals = {player: trends.update(player) * trends.rounds for player in trends.players}
    if not trends.is_long or not totals or max(totals.values()) > STILL:
        return
    for player, total in totals.items():
        finding = f"The relative_update of {player} adds up to {total:.1g} in {trends.rounds:,} rounds."
        remedy = trends.scale(player, USUAL_UPDATE * trends.rounds / total) if total else ""
        yield Diagnosis("weights stand still", "error", finding, trends.all_images, remedy)


def _imbalance(trends: LogTrends) -> Iterator[Diagnosis]:
    """Diagnose players whose relative updates differ by an order of magnitude."""
    imbalance = trends.imbalance
    if imbalance:
        yield Diagnosis(
            "learning rates out of balance",
            "error" if imbalance.quotient > UNBALANCED else "warning",
            f"The relative_update of {imbalance.fast} is {imbalance.fast_update:.1g}, that of "
            f"{imbalance.slow} {imbalance.slow_update:.1g}: {rounded(imbalance.quotient)} times less.",
            trends.all_images,
            trends.equalize(imbalance),
        )


def _vanished_gradient(trends: LogTrends) -> Iterator[Diagnosis]:
    """Diagnose players whose gradient has vanished while the samples are not near the data."""
    for player, (now, earlier) in {} if trends.is_near else trends.vanished_gradients.items():
        if trends.game.get("objective") == "saturating":
            remedy = "game.objective=non-saturating (currently saturating)"
        elif trends.auc is not None and trends.auc < LOW_AUC:
            remedy = trends.speed_up("discriminator")
        else:
            remedy = trends.slow_down("discriminator")
        finding = f"The gradient_norm of {player} is {now:.1g} and was {earlier:.1g} earlier."
        yield Diagnosis("gradient dies", "error", finding, trends.last_images, remedy)


def _distance(trends: LogTrends) -> Iterator[Diagnosis]:
    """Diagnose samples that stay far from the data, by the discriminator's AUC if it explains that."""
    distance, auc = trends.of_samples("energy_distance"), trends.auc
    if distance is None or not trends.stays_far:
        return
    before, now = distance[1:]
    finding = (
        f"The samples stay far from the data: energy_distance is {now:.2f} (maximum 1) and was {before:.2f} "
        "a third of the run ago."
    )
    if auc is None or LOW_AUC <= auc <= HIGH_AUC:
        yield Diagnosis("samples stay far from the data", "warning", finding, trends.last_images)
        return
    finding += f" The discriminator scores the real sample higher in {auc:.0%} of all pairs of a real and a "
    finding += "generated one (discriminator_auc)."
    if auc > HIGH_AUC:
        name, remedy = "discriminator has won", trends.slow_down("discriminator")
    else:
        name, remedy = "discriminator too weak", trends.speed_up("discriminator")
    yield Diagnosis(name, "warning" if trends.is_early else "error", finding, trends.last_images, remedy)


def _diversity(trends: LogTrends) -> Iterator[Diagnosis]:
    """Diagnose samples that differ from each other much less than the data do, and no more than before."""
    effective, real = trends.of_samples("effective_samples"), trends.data.get("effective_samples")
    if effective is None or not real or not trends.is_stalled:
        return
    _, before, now = effective
    if now > NARROW * real or now > SPREADING * before:
        return
    auc = trends.auc
    if trends.imbalance:
        remedy = trends.equalize(trends.imbalance)
    elif auc is not None and auc > HIGH_AUC:
        remedy = trends.slow_down("discriminator")
    elif auc is not None and auc < LOW_AUC:
        remedy = trends.speed_up("discriminator")
    elif trends.game.get("penalty") == "none":
        remedy = "game.penalty=r1 (currently none)"
    else:
        remedy = trends.scale("generator", 0.5)
    severity: Severity = "error" if now < COLLAPSED * real and not trends.is_early else "warning"
    finding = f"The effective_samples of generated samples is {rounded(now)}, that of as many real ones "
    finding += f"{rounded(real)}."
    yield Diagnosis("samples lose diversity", severity, finding, trends.last_images, remedy)


def _data(trends: LogTrends) -> Iterator[Diagnosis]:
    """Diagnose data with duplicates or with too few samples."""
    if not trends.data:
        return
    samples, duplicates = trends.data["samples"], trends.data["duplicates_per_sample"]
    distinct, source = max(1, round(samples / duplicates)), (trends.recipe.get("data") or {}).get("source")
    epochs = trends.all_images[1] / distinct
    if duplicates > SOME_REPEATED:
        severity: Severity = "error" if duplicates > REPEATED else "warning"
        finding = f"Only about {distinct:,} of {samples:,} samples are distinct "
        finding += f"(duplicates_per_sample {duplicates:.2g})."
        remedy = f"data.source without duplicates (currently {source})"
        yield Diagnosis("data repeat", severity, finding, trends.all_images, remedy)
    very_few = distinct < VERY_FEW and epochs > VERY_OFTEN
    if distinct > 1 and (very_few or (distinct < FEW and epochs > OFTEN)):
        finding = f"About {distinct:,} distinct samples were shown {rounded(epochs)} times each: the "
        finding += "discriminator can memorize them."
        remedy = f"data.source with more samples (currently {source})"
        yield Diagnosis(
            "too few data", "error" if very_few else "warning", finding, trends.all_images, remedy
        )


def _length(trends: LogTrends) -> Iterator[Diagnosis]:
    """Report that a log is too short for a diagnosis."""
    if not trends.players and trends.records:
        finding = "The log holds only loss terms: an older version wrote it."
    elif not trends.is_long:
        finding = f"The log has {trends.rounds:,} rounds and {len(trends.records):,} lines; "
        finding += f"{MIN_ROUNDS} rounds and {MIN_LINES} lines are needed."
    elif trends.samples and len(trends.samples) <= MIN_GRIDS:
        finding = (
            f"The log has statistics of {len(trends.samples):,} sample grids; {MIN_GRIDS + 1} are needed."
        )
    else:
        return
    yield Diagnosis("too short to say", "unknown", finding, trends.all_images)
