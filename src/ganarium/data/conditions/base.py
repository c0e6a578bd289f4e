"""Condition: information that comes with each sample of the data, and its names for users."""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium.common.text import nearest
from ganarium.data.batches import Batch, Conditioned
from ganarium.data.kinds import Kind, Shape
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.table import MODALITIES
from ganarium.data.report import Report
from ganarium.data.rows import Rows, Stream
from ganarium.data.settings import Data


class Condition(Kind):
    """Information that comes with each sample: a label, attributes, another image.

    A condition of your own is a frozen dataclass that sets `name` (the value of `data.condition`) and defines
    `from_source`, `batch`, `shape` and `draw`; `parse` as well, if users name its values in words.

    Attributes:
        layout: layout of the files of a source: plain `samples`, `pairs`, or images with label `maps`.
        is_input: True if games are given values of it; False if it only shapes the batches.
        separate: True if samples of different classes must not show the same thing.
        is_label: True if a value is the class of its sample, the index of one of its `classes`.
        companions: names of the samples that the source decodes with each sample.
        modality: modality of values that are samples themselves (a map, a frame); None if words name them.
    """

    layout: ClassVar[Literal["samples", "pairs", "maps"]] = "samples"
    is_input: ClassVar[bool] = True
    separate: ClassVar[bool] = False
    is_label: ClassVar[bool] = False

    @property
    def modality(self) -> Modality | None:
        """See the class."""
        return None

    @property
    def companions(self) -> tuple[str, ...]:
        """See the class."""
        return ()

    # --- from the data ---

    @classmethod
    def check(cls, source: Any, settings: Data) -> None:
        """Raise ValueError, before any header is read, if the source cannot give this condition."""

    @classmethod
    @abstractmethod
    def from_source(cls, source: Any, settings: Data, shape: tuple[int, ...]) -> "Condition":
        """Return the condition of a source's samples.

        Args:
            source: a `ganarium.data.sources.base.Source`, its format known.
            settings: the recipe's `data`.
            shape: shape of one sample as networks get it.

        Raises:
            ValueError: the source lacks it; in the user's words.
        """

    def known(self, source: Any, report: Report) -> NDArray[np.bool_] | None:
        """Return `[N]`, True for samples that have the condition; None if all do. Note the others."""
        return None

    def groups(self, source: Any) -> tuple[tuple[str, NDArray[np.bool_]], ...]:
        """Return name and samples, `[N]`, of each group to which `data.count` applies; () for all samples."""
        return ()

    def streams(
        self, source: Any, chosen: NDArray[np.int64], settings: Data, seed: int, report: Report
    ) -> tuple[Stream, ...]:
        """Return the streams from which a batch takes its rows.

        Args:
            source: the source.
            chosen: numbers in the source of the samples of the data set, ascending.
            settings: the recipe's `data`.
            seed: seed of the data.
            report: for remarks.
        """
        return (Stream(np.arange(len(chosen))),)

    @abstractmethod
    def batch(self, real: Tensor, rows: Rows) -> Batch:
        """Return samples together with their conditions, as a game gets them."""

    def join(self, parts: Sequence[tuple[Tensor, Rows]]) -> Batch:
        """Return the batch of the rows of every stream."""
        ((real, rows),) = parts
        return self.batch(real, rows)

    def values(self, batch: Any, count: int) -> Tensor | None:
        """Return `count` conditions to generate samples from: those of the batch, repeated in order."""
        if not isinstance(batch, Conditioned):
            return None
        return batch.condition[torch.arange(count) % len(batch.condition)]

    # --- values ---

    def shape(self) -> Shape:
        """Return the axes of one value; none for a number."""
        return ()

    def source_settings(self, source: str, shape: tuple[int, ...]) -> Data | None:
        """Return settings under which a source gives values of this condition: as its samples, or as their
        condition. None if the source is a folder whose files must be read one by one.

        Args:
            source: name, file or folder, as in `data.source`.
            shape: shape of one sample of the data that the condition belongs to.
        """
        channels, *size = (int(axis) for axis in self.shape())
        return Data(source=source, channels=channels, size=tuple(size))

    def compatible(self, other: "Condition | None") -> bool:
        """Return True if a model of this condition can be given values of the other one."""
        return self == other

    def describe(self) -> str:
        """Return the condition in words, for messages."""
        return self.name

    @classmethod
    def revived(cls, tree: Mapping[str, Any], table: Mapping[str, type[Kind]]) -> Self:
        """Return the condition that `to_dict` described."""
        return Kind.from_dict(tree, table, MODALITIES)


class SampleCondition(Condition):
    """Condition whose values are samples of a modality.

    Attributes:
        size: shape of one value.
    """

    size: tuple[int, ...]

    @property
    @abstractmethod
    def modality(self) -> Modality:
        """See `Condition`."""

    def shape(self) -> Shape:
        """See `Condition.shape`."""
        return self.size

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return random samples of the modality."""
        return self.modality.draw(count, shape, generator)

    def describe(self) -> str:
        """See `Condition.describe`."""
        return f"{self.name} {'x'.join(map(str, self.size))}"

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        return self.modality.meaning(shape)

    def example_code(self, shape: Shape, count: int) -> str:
        """See `Kind.example_code`."""
        return self.modality.example_code(shape, count)


def index_of(word: str | int, names: Sequence[str], what: str) -> int:
    """Return the index among names of a name, or of an index given as number or text.

    Raises:
        ValueError: there is none; the message calls it a `what` and lists the names.
    """
    if isinstance(word, str) and word in names:
        return names.index(word)
    if str(word).isdigit() and int(word) < len(names):
        return int(word)
    raise ValueError(
        f"there is no {what} {word!r}{nearest(word, names)}; choose from {', '.join(names)} "
        f"(or 0 to {len(names) - 1})"
    )


def file_word(word: str) -> str:
    """Return a name whose characters are allowed in file names."""
    return re.sub(r"[^\w.+]+", "_", word)


def require_column(source: Any, column: str, settings: Data, setting: str) -> None:
    """Raise ValueError if a source lacks the column that a setting, `data.condition=label` say, needs."""
    if column not in source.columns:
        raise ValueError(
            f"{setting}, but {settings.place} ({source.kind}) has none: looked for {source.hints[column]}"
        )
