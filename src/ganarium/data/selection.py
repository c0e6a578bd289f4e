"""Which of a source's samples are used, and which of them keep their labels."""

import numpy as np

from ganarium.common.text import listed
from ganarium.data.conditions.derived import CONDITIONS
from ganarium.data.order import Indices, permutation, spread
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import DOMAINS, MAP, PAIR, Source

LABEL, ATTRIBUTES = "label", "attributes"


_LABELS = 3


def check_condition(source: Source, data: Data) -> None:
    """Raise ValueError where the source cannot give what `data.condition` asks for."""
    if data.condition is not None and not source.gives_images:
        raise ValueError(
            f"data.condition={data.condition}: {source.kind} come without one; leave the key out"
        )
    allowed = dict.fromkeys((LABEL, ATTRIBUTES, DOMAINS, PAIR, MAP, *source.companions, *CONDITIONS))
    if data.condition is not None and data.condition not in allowed:
        raise ValueError(f"data.condition={data.condition} is unknown here; choose from {', '.join(allowed)}")
    if data.condition in (PAIR, MAP) and data.condition not in source.companions:
        raise ValueError(f"data.condition={data.condition}, but {data.place} ({source.kind}) has none")
    if data.direction == "b-to-a" and data.condition not in source.companions:
        raise ValueError(
            f"data.direction=b-to-a turns pairs round, but data.condition={data.condition} gives none: "
            f"leave it out, or choose from {', '.join(source.companions or (PAIR, MAP))}"
        )
    if data.condition in (LABEL, DOMAINS) and source.labels is None:
        raise ValueError(_lacking(f"data.condition={data.condition}", data, source, source.labels_hint))
    if data.condition == ATTRIBUTES and source.vectors is None:
        raise ValueError(_lacking("data.condition=attributes", data, source, source.attributes_hint))


def _lacking(asked: str, data: Data, source: Source, looked_for: str) -> str:
    return f"{asked}, but {data.place} ({source.kind}) has none: looked for {looked_for}"


def chosen(source: Source, data: Data, report: Report) -> Indices:
    """The samples that are used, ascending: none known to be broken, none without the condition it needs."""
    usable = np.ones(len(source), dtype=bool)
    usable[sorted(source.broken)] = False
    if data.condition == ATTRIBUTES and source.vectors is not None:
        known = ~np.isnan(source.vectors).any(axis=1)
        if unknown := [source.name(i) for i in np.flatnonzero(usable & ~known).tolist()]:
            report.note(
                f"{len(unknown):,} samples have no row of attributes and are left out: {listed(unknown)}"
            )
        usable &= known
    if data.condition in (LABEL, DOMAINS) and source.labels is not None:
        if unlabeled := int((usable & (source.labels < 0)).sum()):
            report.note(f"{unlabeled:,} samples have no label and are left out")
        usable &= source.labels >= 0
    if data.condition != DOMAINS or source.labels is None:
        return _counted(np.flatnonzero(usable), data, "samples", report)
    domains = [
        _counted(np.flatnonzero(usable & (source.labels == label)), data, f"of {name}", report)
        for label, name in enumerate(source.classes)
    ]
    if empty := [name for name, domain in zip(source.classes, domains, strict=True) if not len(domain)]:
        raise ValueError(f"data.source={data.place}: not one sample of {listed(empty)} is whole")
    if len(domains) < 2:
        raise ValueError(
            f"data.condition=domains, but data.source={data.place} is of one kind, {source.classes[0]}: "
            "give at least two classes"
        )
    return np.sort(np.concatenate(domains))


def _counted(numbers: Indices, data: Data, what: str, report: Report) -> Indices:
    """As many of them as `data.count` says, evenly spread."""
    if data.count is not None and data.count > len(numbers):
        report.note(f"data.count={data.count:,}, but there are {len(numbers):,} {what}: all of them are used")
    return numbers[spread(len(numbers), data.count or len(numbers))]


def labeled(source: Source, used: Indices, data: Data, seed: int, report: Report) -> Indices:
    """Which of the `used` samples keep their labels, ascending: of each class as many, drawn by the seed.

    With a larger `data.labeled_samples` the same ones keep theirs, and others, too.

    Raises:
        ValueError: there are no labels, fewer are asked for than there are classes, or a condition, too.
    """
    if data.labeled_samples is None:
        return np.empty(0, np.int64)
    if data.condition is not None:
        raise ValueError(
            f"data.labeled_samples={data.labeled_samples} sets labelled samples beside each batch, "
            f"data.condition={data.condition} gives every sample its own: leave one of them out"
        )
    if source.labels is None:
        raise ValueError(
            _lacking(f"data.labeled_samples={data.labeled_samples}", data, source, source.labels_hint)
        )
    if data.labeled_samples < len(source.classes):
        raise ValueError(
            f"data.labeled_samples={data.labeled_samples}, but there are {len(source.classes)} classes: "
            "keep at least one label of each"
        )
    drawn = permutation(len(used), seed, _LABELS)
    labels = source.labels[used][drawn]
    number = np.zeros(len(labels), np.int64)  # of each sample among those of its class
    for label in range(len(source.classes)):
        number[labels == label] = np.arange((labels == label).sum())
    known = np.flatnonzero(labels >= 0)
    kept = known[np.argsort(number[known], kind="stable")][: data.labeled_samples]
    if len(kept) < data.labeled_samples:
        report.note(
            f"data.labeled_samples={data.labeled_samples:,}, but only {len(kept):,} samples have one: "
            "all are kept"
        )
    counts = np.bincount(labels[kept], minlength=len(source.classes))
    report.note(
        f"{len(kept):,} of {len(used):,} samples keep their labels, {counts.min()} to {counts.max()} a class"
    )
    return np.sort(drawn[kept])
