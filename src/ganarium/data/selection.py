"""Selection of the samples of a source that a data set consists of."""

import numpy as np

from ganarium.common.text import listed
from ganarium.data.conditions.base import Condition
from ganarium.data.order import Indices, spread
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source


def chosen(source: Source, condition: Condition | None, data: Data, report: Report) -> Indices:
    """Return the numbers of the samples that are used, ascending.

    Samples that are known to be broken or lack the condition are omitted. `data.count` applies to each group
    of the condition, and takes evenly spaced samples.

    Raises:
        ValueError: none is left.
    """
    usable = source.intact
    known = None if condition is None else condition.known(source, report)
    if known is not None:
        usable &= known
    groups = () if condition is None else condition.groups(source)
    if not groups:
        return _counted(np.flatnonzero(usable), data, "samples", report)
    parts = [
        _counted(np.flatnonzero(usable & members), data, f"of {name}", report) for name, members in groups
    ]
    if empty := [name for (name, _), part in zip(groups, parts, strict=True) if not len(part)]:
        raise ValueError(f"data.source={data.place}: not one sample of {listed(empty)} is whole")
    return np.sort(np.concatenate(parts))


def _counted(numbers: Indices, data: Data, what: str, report: Report) -> Indices:
    """Return `data.count` of the numbers, evenly spaced."""
    if data.count is not None and data.count > len(numbers):
        report.note(f"data.count={data.count:,}, but there are {len(numbers):,} {what}: all of them are used")
    return numbers[spread(len(numbers), data.count or len(numbers))]
