"""Companions: for each sample another one that the source knows, the other image of a pair or a label map."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from ganarium.data.batches import Batch, Conditioned
from ganarium.data.conditions.base import Condition, SampleCondition
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.rows import Rows
from ganarium.data.settings import Data


@dataclass(frozen=True)
class Companion(SampleCondition):
    """Another sample for each sample, decoded by the source.

    Attributes:
        kind: modality of the companions.
        size: shape of one companion.
        key: name of the companions in the source.
    """

    kind: Modality
    size: tuple[int, ...]
    key: str

    @property
    def modality(self) -> Modality:
        """See `Condition.modality`."""
        return self.kind

    @property
    def companions(self) -> tuple[str, ...]:
        """See `Condition.companions`."""
        return (self.key,)

    @classmethod
    def check(cls, source: Any, settings: Data) -> None:
        """See `Condition.check`."""
        if cls.name not in source.companions:
            raise ValueError(f"data.condition={cls.name}, but {settings.place} ({source.kind}) has none")

    @classmethod
    def from_source(cls, source: Any, settings: Data, shape: tuple[int, ...]) -> Condition:
        """See `Condition.from_source`."""
        modality = source.companion_modality(cls.name)
        own = source.companion_format(cls.name).shape
        axes = len(modality.windowed)
        return cls(modality, (*own[: len(own) - axes], *shape[len(shape) - axes :]), cls.name)

    def batch(self, real: Tensor, rows: Rows) -> Batch:
        """See `Condition.batch`."""
        return Conditioned(real, rows.companion(self.key))

    def source_settings(self, source: str, shape: tuple[int, ...]) -> Data | None:
        """Return settings of the companions as samples; the built-in world has them beside its own."""
        if source == "world":
            return Data(source=source, channels=shape[0], size=shape[1:], condition=self.name)
        return super().source_settings(source, shape)

    def compatible(self, other: Condition | None) -> bool:
        """Return True for companions of the same modality and shape."""
        return type(other) is type(self) and (other.modality, other.shape()) == (self.modality, self.size)


@dataclass(frozen=True)
class Pair(Companion):
    """Other image of a pair."""

    name: ClassVar[str] = "pair"
    layout: ClassVar = "pairs"


@dataclass(frozen=True)
class Map(Companion):
    """Label map of an image: int64 `[N, 1, H, W]`, or `[N, 2, H, W]` with numbers of instances."""

    name: ClassVar[str] = "map"
    layout: ClassVar = "maps"

    @classmethod
    def from_source(cls, source: Any, settings: Data, shape: tuple[int, ...]) -> Condition:
        """Return the condition; a `Pair` for `data.direction=b-to-a`, which swaps map and image."""
        found = super().from_source(source, settings, shape)
        assert isinstance(found, Companion)
        if isinstance(found.modality, LabelMap):
            return found
        return Pair(found.modality, found.size, cls.name)

    def source_settings(self, source: str, shape: tuple[int, ...]) -> Data | None:
        """Return None: the files of maps are read by the classes that the model knows."""
        return super().source_settings(source, shape) if source == "world" else None

    def compatible(self, other: Condition | None) -> bool:
        """Return True for maps of the same classes and shape."""
        if not isinstance(other, Map) or other.size != self.size:
            return False
        names = [each.classes for each in (self.kind, other.kind) if isinstance(each, LabelMap)]
        return names[0] == names[-1]


@dataclass(frozen=True)
class Semantic(Companion):
    """Classes of the built-in world as gray levels."""

    name: ClassVar[str] = "semantic"


@dataclass(frozen=True)
class Outline(Companion):
    """Outline of the built-in world's shape."""

    name: ClassVar[str] = "outline"


@dataclass(frozen=True)
class Style(Companion):
    """Built-in world drawn in ink."""

    name: ClassVar[str] = "style"


@dataclass(frozen=True)
class Silhouette(Companion):
    """Silhouette of the built-in world's shape."""

    name: ClassVar[str] = "silhouette"
