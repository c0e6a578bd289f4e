"""Partial labels: batches of unlabeled samples, each with an equally large batch of labeled ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium.data.batches import Batch, Conditioned, SemiSupervisedBatch
from ganarium.data.conditions.base import require_column
from ganarium.data.conditions.label import Label
from ganarium.data.order import permutation
from ganarium.data.report import Report
from ganarium.data.rows import Rows, Stream
from ganarium.data.settings import Data

_LABELS = 3
_ORDER, _MIRROR = 4, 5


@dataclass(frozen=True)
class PartialLabels(Label):
    """Labels of a few samples (`data.labeled_samples`): each batch comes with an equally large labeled one.

    Attributes:
        classes: names of the classes, in the order of their labels.
    """

    name: ClassVar[str] = "partial-labels"
    is_input: ClassVar[bool] = False
    is_label: ClassVar[bool] = False

    @classmethod
    def check(cls, source: Any, settings: Data) -> None:
        """See `Condition.check`."""
        wanted = settings.labeled_samples
        if settings.condition is not None:
            raise ValueError(
                f"data.labeled_samples={wanted} sets labeled samples beside each batch, "
                f"data.condition={settings.condition} gives every sample its own: leave one of them out"
            )
        require_column(source, "label", settings, f"data.labeled_samples={wanted}")
        if wanted is None or wanted < len(source.classes):
            raise ValueError(
                f"data.labeled_samples={wanted}, but there are {len(source.classes)} classes: "
                "keep at least one label of each"
            )

    def known(self, source: Any, report: Report) -> NDArray[np.bool_] | None:
        """Return None, since samples without labels are used, too."""
        return None

    def streams(
        self, source: Any, chosen: NDArray[np.int64], settings: Data, seed: int, report: Report
    ) -> tuple[Stream, ...]:
        """Return a stream of all samples, and one of the samples that keep their labels.

        Labeled samples are balanced over the classes and chosen by the seed; a larger
        `data.labeled_samples` extends the same set.
        """
        assert settings.labeled_samples is not None
        shuffled = permutation(len(chosen), seed, _LABELS)
        labels = source.labels[chosen][shuffled]
        number = np.zeros(len(labels), np.int64)  # number of each sample within its class
        for label in range(len(self.classes)):
            number[labels == label] = np.arange((labels == label).sum())
        known = np.flatnonzero(labels >= 0)
        kept = known[np.argsort(number[known], kind="stable")][: settings.labeled_samples]
        if len(kept) < settings.labeled_samples:
            report.note(
                f"data.labeled_samples={settings.labeled_samples:,}, but only {len(kept):,} samples "
                "have one: all are kept"
            )
        counts = np.bincount(labels[kept], minlength=len(self.classes))
        report.note(
            f"{len(kept):,} of {len(chosen):,} samples keep their labels, "
            f"{counts.min()} to {counts.max()} a class"
        )
        return (
            Stream(np.arange(len(chosen))),
            Stream(np.sort(shuffled[kept]), (_ORDER,), (_MIRROR,), few=True),
        )

    def join(self, parts: Sequence[tuple[Tensor, Rows]]) -> Batch:
        """See `Condition.join`."""
        (real, _), (labeled, rows) = parts
        return SemiSupervisedBatch(real, Conditioned(labeled, torch.from_numpy(rows.column("label"))))

    def values(self, batch: Any, count: int) -> Tensor | None:
        """Return None, since a generator is given no labels."""
        return None
