"""Class labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium.data.batches import Batch, Conditioned
from ganarium.data.conditions.base import Condition, file_word, index_of, require_column
from ganarium.data.kinds import Shape
from ganarium.data.report import Report
from ganarium.data.rows import Rows
from ganarium.data.settings import Data


@dataclass(frozen=True)
class Label(Condition):
    """Class of each sample: int64 `[N]`.

    Attributes:
        classes: names of the classes, in the order of their labels.
    """

    classes: tuple[str, ...]
    name: ClassVar[str] = "label"
    noun: ClassVar[str] = "class"
    is_label: ClassVar[bool] = True

    @classmethod
    def check(cls, source: Any, settings: Data) -> None:
        """See `Condition.check`."""
        require_column(source, "label", settings, f"data.condition={cls.name}")

    @classmethod
    def from_source(cls, source: Any, settings: Data, shape: tuple[int, ...]) -> Self:
        """See `Condition.from_source`."""
        return cls(source.classes)

    def known(self, source: Any, report: Report) -> NDArray[np.bool_] | None:
        """See `Condition.known`."""
        known = source.labels >= 0
        if unlabeled := int((source.intact & ~known).sum()):
            report.note(f"{unlabeled:,} samples have no label and are left out")
        return known

    def batch(self, real: Tensor, rows: Rows) -> Batch:
        """See `Condition.batch`."""
        return Conditioned(real, torch.from_numpy(rows.column("label")))

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return random labels `[count]`."""
        return torch.randint(len(self.classes), (count,), generator=generator)

    def parse(self, value: Any, count: int) -> Tensor:
        """Return labels `[count]`: the given classes, repeated in order; all classes by default.

        Args:
            value: a name or label, several separated by commas, or a sequence of names or labels.
            count: number of labels.
        """
        if value is None:
            value = range(len(self.classes))
        elif isinstance(value, str) and value not in self.classes:
            value = [part.strip() for part in value.split(",")]
        elif isinstance(value, str | int):
            value = [value]
        labels = torch.tensor([index_of(word, self.classes, self.noun) for word in value])
        return labels[torch.arange(count) % len(labels)]

    def slug(self, value: Tensor) -> str:
        """See `Kind.slug`."""
        return file_word(self.classes[int(value)])

    def describe(self) -> str:
        """See `Condition.describe`."""
        return f"{self.name} ({', '.join(self.classes)})"

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        return ", ".join(f"{i} {name}" for i, name in enumerate(self.classes))

    def example_code(self, shape: Shape, count: int) -> str:
        """See `Kind.example_code`."""
        return f"np.arange({count}) % {len(self.classes)}"
