"""What the feed hands to a game, and what a network must know of the data before it is built."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor


class Conditioned(NamedTuple):
    """Samples and what each one shows.

    `condition` is one of: labels, int64 `[N]`; attributes, float `[N, A]` in {0, 1}; pictures, float
    `[N, C, H, W]` in [-1, 1]; label maps, int64 `[N, 1, H, W]` with the ids of classes, or `[N, 2, H, W]`
    with the numbers of objects behind them.
    """

    real: Tensor  # [N, C, H, W] in [-1, 1]
    condition: Tensor


class PartlyLabelled(NamedTuple):
    """Samples of which nothing is told, and beside them as many of the few whose labels are known."""

    real: Tensor  # [N, C, H, W] in [-1, 1]
    labelled: Conditioned


class Unpaired(NamedTuple):
    """As many samples of each domain; which of one stand beside which of another means nothing."""

    domains: tuple[Tensor, ...]  # each [N, C, H, W] in [-1, 1]


Batch = Tensor | Conditioned | PartlyLabelled | Unpaired


def real_samples(batch: Batch) -> Tensor:
    """The samples of a batch, conditions aside; of domains all, one domain after the other."""
    if isinstance(batch, Tensor):
        return batch
    return torch.cat(batch.domains) if isinstance(batch, Unpaired) else batch.real


@dataclass(frozen=True)
class Facts:
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
    labelled: int = 0
    """How many samples keep their labels and stand beside the batches; 0 where batches are of one kind."""
    colours: tuple[str, ...] = ()
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
