"""Reference: the real samples that others are compared with."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ganarium.data.batches import real_samples
from ganarium.data.dataset import Dataset
from ganarium.data.order import Indices, spread
from ganarium.data.settings import Data
from ganarium.metrics import cache
from ganarium.metrics.features import FeatureNetwork, FeaturesAndLogits, features_and_logits

REAL = 10_000
"""Largest number of real samples that are compared with; evenly spread over the data."""
_CHUNK = 64

Read = Callable[[Sequence[int]], tuple[Tensor, Tensor | None]]
"""Function that returns the samples of these numbers, and their class labels `[N]`, or None."""


class Reference:
    """Real samples to compare with; they are read when a metric first needs them.

    Args:
        read: reads samples by number.
        count: how many there are.
        identity: plain values that tell these samples from any others; the outputs of networks are then
            cached on disk (see `ganarium.metrics.cache`). None: in memory alone.

    Attributes:
        seen: True if a metric has needed them.
    """

    seen: bool = False

    def __init__(self, read: Read, count: int, *, identity: Mapping[str, Any] | None = None):
        self._read, self._count, self._identity = read, count, identity
        self._readings: dict[str, FeaturesAndLogits] = {}

    @classmethod
    def of(cls, samples: Tensor, labels: Tensor | None = None) -> Self:
        """Return the reference of samples in memory."""
        return cls(
            lambda numbers: (samples[list(numbers)], None if labels is None else labels[list(numbers)]),
            len(samples),
        )

    def __len__(self) -> int:
        return self._count

    @cached_property
    def samples(self) -> Tensor:
        """All of them, in one tensor."""
        self.seen = True
        return torch.cat(list(self._batches()))

    def some(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Return at most `count` of them, evenly spread, and their class labels; None if there are none."""
        self.seen = True
        return self._read(spread(self._count, count).tolist())

    def reading(self, network: FeatureNetwork) -> FeaturesAndLogits:
        """Return a network's outputs for them; computed once, or taken from the cache."""
        self.seen = True
        described = {**network.describe(), "classes": network.classes, "sha256": network.sha256}
        known = json.dumps(described)
        if known not in self._readings:
            self._readings[known] = self._kept(network, described)
        return self._readings[known]

    def _kept(self, network: FeatureNetwork, described: Mapping[str, Any]) -> FeaturesAndLogits:
        if self._identity is None:
            return features_and_logits(network, self._batches())
        key = {"data": self._identity, "network": described}
        kept = cache.kept(key)
        if len(kept.get("features", ())) == self._count:
            return FeaturesAndLogits(kept["features"], kept.get("logits"))
        reading = features_and_logits(network, self._batches())
        cache.keep(key, {name: x for name, x in reading._asdict().items() if x is not None})
        return reading

    def _batches(self) -> Iterator[Tensor]:
        for part in torch.arange(self._count).split(_CHUNK):
            yield self._read(part.tolist())[0]


def reference(
    dataset: Dataset, data: Data, seed: int, *, stream: int | None = None, cached: bool = True
) -> Reference:
    """Return the reference of a data set; outputs of networks are kept on disk if `cached`.

    Args:
        dataset: data set of `data`.
        data: settings of the data.
        seed: seed of generated data.
        stream: number of the only stream that counts, of data that have several; all samples if None.
        cached: see `Reference`.
    """
    condition = dataset.condition
    apart = stream is not None or (condition is not None and condition.separate)
    streams = range(len(dataset.streams)) if stream is None and apart else [stream or 0]
    size = sum(len(dataset.streams[number]) for number in streams)
    indices = spread(size, REAL)

    def read(numbers: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        some = indices[list(numbers)]
        if apart:
            return _of_streams(dataset, streams, some), None
        batch = dataset.batch(some)
        labeled = condition is not None and condition.is_label
        return real_samples(batch), condition.values(batch, len(some)) if condition and labeled else None

    identity = cache.identity(data, seed) if cached else None
    if identity is not None:
        look = cache.fingerprint(read([0, -1])[0])
        identity = {"count": len(indices), "of": size, "look": look, "stream": stream, **identity}
    return Reference(read, len(indices), identity=identity)


def _of_streams(dataset: Dataset, streams: Sequence[int], positions: Indices) -> Tensor:
    """Return samples of several streams, which are numbered one stream after the other."""
    starts = np.cumsum([0, *(len(dataset.streams[number]) for number in streams)])
    owners = np.searchsorted(starts, positions, side="right") - 1
    rows = [np.flatnonzero(owners == place) for place in range(len(streams))]
    parts = [
        dataset.part(number, positions[some] - start)[0]
        for number, start, some in zip(streams, starts, rows, strict=False)
        if len(some)
    ]
    return torch.cat(parts)[torch.from_numpy(np.argsort(np.concatenate(rows)))]
