"""Specification of the data: everything that networks, logs and model cards need of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.kinds import Kind
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.table import MODALITIES


@dataclass(frozen=True)
class DataSpec:
    """Modality and shape of the samples, and their condition.

    Attributes:
        modality: kind of sample.
        shape: shape of one sample, `(C, H, W)` of an image, `(D,)` of a point.
        condition: condition of the samples; None without one.
    """

    modality: Modality
    shape: tuple[int, ...]
    condition: Condition | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of the condition; empty without classes."""
        for kind in (self.condition, self.condition_modality):
            if names := getattr(kind, "classes", ()):
                return tuple(names)
        return ()

    @property
    def condition_modality(self) -> Modality | None:
        """Modality of the condition if its values are samples; else None."""
        return None if self.condition is None else self.condition.modality

    @property
    def condition_shape(self) -> tuple[int, ...]:
        """Shape of one condition; empty for a label and without a condition."""
        return () if self.condition is None else tuple(int(size) for size in self.condition.shape())

    def to_dict(self) -> dict[str, Any]:
        """Return a plain tree for YAML and JSON; `from_dict` is the inverse."""
        condition = None if self.condition is None else self.condition.to_dict()
        return {"modality": self.modality.to_dict(), "shape": list(self.shape), "condition": condition}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """Return the specification that `to_dict` described.

        Raises:
            ValueError: the modality or condition is unknown; the message names it.
        """
        condition = tree["condition"] and Condition.revived(tree["condition"], CONDITIONS)
        return cls(Kind.from_dict(tree["modality"], MODALITIES), tuple(tree["shape"]), condition)
