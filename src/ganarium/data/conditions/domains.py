"""Domains: unpaired samples of several classes, equally many of each in a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium.data.batches import Batch, Unpaired
from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.label import Label
from ganarium.data.report import Report
from ganarium.data.rows import Rows, Stream
from ganarium.data.settings import Data

_ORDER, _MIRROR = 6, 7


@dataclass(frozen=True)
class Domains(Label):
    """Domain of each sample: its class. A batch has equally many samples of each domain."""

    name: ClassVar[str] = "domains"
    noun: ClassVar[str] = "domain"
    separate: ClassVar[bool] = True
    is_label: ClassVar[bool] = False

    @classmethod
    def from_source(cls, source: Any, settings: Data, shape: tuple[int, ...]) -> Self:
        """See `Condition.from_source`."""
        if len(source.classes) < 2:
            raise ValueError(
                f"data.condition={cls.name}, but data.source={settings.place} is of one kind, "
                f"{source.classes[0]}: give at least two classes"
            )
        return cls(source.classes)

    def groups(self, source: Any) -> tuple[tuple[str, NDArray[np.bool_]], ...]:
        """See `Condition.groups`."""
        return tuple((name, source.labels == label) for label, name in enumerate(self.classes))

    def streams(
        self, source: Any, chosen: NDArray[np.int64], settings: Data, seed: int, report: Report
    ) -> tuple[Stream, ...]:
        """Return one stream for each domain."""
        labels = source.labels[chosen]
        return tuple(
            Stream(np.flatnonzero(labels == label), (_ORDER, label), (_MIRROR, label))
            for label in range(len(self.classes))
        )

    def batch(self, real: Tensor, rows: Rows) -> Batch:
        """Return samples of one domain."""
        return Unpaired((real,))

    def join(self, parts: Sequence[tuple[Tensor, Rows]]) -> Batch:
        """See `Condition.join`."""
        return Unpaired(tuple(real for real, _ in parts))

    def values(self, batch: Any, count: int) -> Tensor | None:
        """Return all domains, repeated in order."""
        return torch.arange(count) % len(self.classes)

    def compatible(self, other: Condition | None) -> bool:
        """Return True for the same number of domains; names may differ."""
        return type(other) is type(self) and len(other.classes) == len(self.classes)
