"""Specification of the data: what a network, a log or a model card must know of them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class DataSpec:
    """What the data are, as far as a network, a log or a model card must know it."""

    shape: tuple[int, ...]
    """One sample: `(C, H, W)` of a picture, `(D,)` of a point."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of the labels."""
    attributes: tuple[str, ...] = ()
    """Names of the attributes, in the order of the columns."""
    condition: str | None = None
    """What a batch is conditioned on: `label`, `attributes`, or a kind of picture such as `edges`.

    Or `domains`: then a batch is `Unpaired`, and the classes are its domains.
    """
    condition_shape: tuple[int, ...] = ()
    """One condition: `()` for a label, `(A,)` for attributes, `(C, H, W)` for a picture."""
    labeled: int = 0
    """How many samples keep their labels and stand beside the batches; 0 where batches are of one kind."""
    colors: tuple[str, ...] = ()
    """What the classes of label maps are painted in, `#rrggbb` each; none where nobody painted them."""
    numbers: tuple[int, ...] = ()
    """What stands for each class in the files of label maps; none where their colours do."""

    def to_dict(self) -> dict[str, Any]:
        """A plain tree for YAML and JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in tree.items()}
        return cls(**plain)
