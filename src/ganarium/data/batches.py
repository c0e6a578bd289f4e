"""What the feed hands to a game, and what a network must know of the data before it is built."""

from typing import NamedTuple

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


class SemiSupervisedBatch(NamedTuple):
    """Samples of which nothing is told, and beside them as many of the few whose labels are known."""

    real: Tensor  # [N, C, H, W] in [-1, 1]
    labeled: Conditioned


class Unpaired(NamedTuple):
    """As many samples of each domain; which of one stand beside which of another means nothing."""

    domains: tuple[Tensor, ...]  # each [N, C, H, W] in [-1, 1]


Batch = Tensor | Conditioned | SemiSupervisedBatch | Unpaired


def real_samples(batch: Batch) -> Tensor:
    """The samples of a batch, conditions aside; of domains all, one domain after the other."""
    if isinstance(batch, Tensor):
        return batch
    return torch.cat(batch.domains) if isinstance(batch, Unpaired) else batch.real
