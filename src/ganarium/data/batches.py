"""Batches: the data that a game gets for a round."""

from typing import NamedTuple

import torch
from torch import Tensor


class Conditioned(NamedTuple):
    """Samples and the condition of each.

    `condition` is one of: labels, int64 `[N]`; attributes, float `[N, A]` in {0, 1}; images, float
    `[N, C, H, W]` in [-1, 1]; label maps, int64 `[N, 1, H, W]` with ids of classes, or `[N, 2, H, W]` with
    numbers of objects in the second channel; or the values of a condition of another package.
    """

    real: Tensor
    condition: Tensor


class SemiSupervisedBatch(NamedTuple):
    """Unlabeled samples, and an equally large batch of labeled ones."""

    real: Tensor
    labeled: Conditioned


class Unpaired(NamedTuple):
    """One batch per domain, equal in size, not paired."""

    domains: tuple[Tensor, ...]


Batch = Tensor | Conditioned | SemiSupervisedBatch | Unpaired


def real_samples(batch: Batch, *, alternating: bool = False) -> Tensor:
    """Return the samples of a batch without their conditions.

    Domains follow one after the other; with `alternating`, their samples take turns.
    """
    if isinstance(batch, Tensor):
        return batch
    if isinstance(batch, Unpaired):
        return torch.stack(batch.domains, 1).flatten(0, 1) if alternating else torch.cat(batch.domains)
    return batch.real


def conditions_of(batch: Batch) -> Tensor | None:
    """Return the condition of each of `real_samples(batch)`: for domains their numbers; None without one."""
    if isinstance(batch, Unpaired):
        size = len(batch.domains[0])
        return torch.arange(len(batch.domains), device=batch.domains[0].device).repeat_interleave(size)
    return batch.condition if isinstance(batch, Conditioned) else None
