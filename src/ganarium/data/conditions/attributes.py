"""Attributes: several properties of a sample, each yes or no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium.common.text import listed, nearest
from ganarium.data.batches import Batch, Conditioned
from ganarium.data.conditions.base import Condition, file_word, require_column
from ganarium.data.kinds import Shape
from ganarium.data.report import Report
from ganarium.data.rows import Rows
from ganarium.data.settings import Data


@dataclass(frozen=True)
class Attributes(Condition):
    """Attributes of each sample: float `[N, A]` in {0, 1}.

    Attributes:
        names: names of the attributes, in the order of the columns.
        mirrored: names of the attributes whose value is inverted in a mirror image.
    """

    names: tuple[str, ...]
    mirrored: tuple[str, ...] = ()
    name: ClassVar[str] = "attributes"

    @classmethod
    def check(cls, source: Any, settings: Data) -> None:
        """See `Condition.check`."""
        require_column(source, "vector", settings, f"data.condition={cls.name}")

    @classmethod
    def from_source(cls, source: Any, settings: Data, shape: tuple[int, ...]) -> Self:
        """See `Condition.from_source`."""
        return cls(source.attributes, source.mirrored_attributes)

    def known(self, source: Any, report: Report) -> NDArray[np.bool_] | None:
        """See `Condition.known`."""
        known = ~np.isnan(source.vectors).any(axis=1)
        if unknown := [source.name(i) for i in np.flatnonzero(source.intact & ~known).tolist()]:
            report.note(
                f"{len(unknown):,} samples have no row of attributes and are left out: {listed(unknown)}"
            )
        return known

    def shape(self) -> Shape:
        """See `Condition.shape`."""
        return (len(self.names),)

    def batch(self, real: Tensor, rows: Rows) -> Batch:
        """See `Condition.batch`."""
        vectors = rows.column("vector").astype(np.float32)
        if rows.mirrored is not None:
            sided = np.isin(self.names, self.mirrored)
            vectors = np.where(np.outer(rows.mirrored, sided), 1 - vectors, vectors)
        return Conditioned(real, torch.from_numpy(vectors))

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return random attributes `[count, A]`."""
        return torch.randint(2, (count, len(self.names)), generator=generator).float()

    def parse(self, value: Any, count: int) -> Tensor:
        """Return attributes `[count, A]`: 1 for those that are named, else 0; all are 0 by default.

        Args:
            value: names separated by commas, `left,round`; or a mapping of names to true or false.
            count: number of rows.
        """
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            words = value.split(",") if isinstance(value, str) else list(value)
            value = {word.strip(): True for word in words if word.strip()}
        for word in value:
            if word not in self.names:
                raise ValueError(
                    f"there is no attribute {word!r}{nearest(word, self.names)}; "
                    f"they are {', '.join(self.names)}"
                )
        return torch.tensor([float(bool(value.get(name, False))) for name in self.names]).repeat(count, 1)

    def slug(self, value: Tensor) -> str:
        """See `Kind.slug`."""
        return "-".join(file_word(name) for name, has in zip(self.names, value.tolist(), strict=True) if has)

    def compatible(self, other: Condition | None) -> bool:
        """Return True for the same attributes."""
        return isinstance(other, Attributes) and other.names == self.names

    def describe(self) -> str:
        """See `Condition.describe`."""
        return f"{self.name} ({', '.join(self.names)})"

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        return f"0 or 1 each: {', '.join(self.names)}"

    def example_code(self, shape: Shape, count: int) -> str:
        """See `Kind.example_code`."""
        return f"rng.integers(0, 2, ({count}, {len(self.names)})).astype(np.float32)"
