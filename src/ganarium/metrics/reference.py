"""The real side of a comparison."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor

from ganarium.data.batches import Conditioned, Unpaired
from ganarium.data.dataset import Dataset
from ganarium.data.order import spread
from ganarium.data.settings import Data
from ganarium.metrics import cache
from ganarium.metrics.features import FeatureNetwork, FeaturesAndLogits, features_and_logits

REAL = 10_000
"""So many real samples, evenly spread over the data, are compared with; all of fewer."""
_CHUNK = 64


class Reference:
    """Real samples to compare with, read no sooner than a measure asks for them.

    Args:
        read: gives those of these numbers, with their labels where there are any.
        count: how many there are.
        identity: plain values that tell these samples from any others; what networks say of them is then
            kept on disk (see `ganarium.metrics.cache`). None: only in memory.

    Attributes:
        seen: whether any measure has asked for them.
    """

    seen: bool = False

    def __init__(
        self,
        read: Callable[[Sequence[int]], Tensor | Conditioned],
        count: int,
        *,
        identity: Mapping[str, Any] | None = None,
    ):
        self._read, self._count, self._identity = read, count, identity
        self._readings: dict[str, FeaturesAndLogits] = {}

    @classmethod
    def of(cls, samples: Tensor) -> Self:
        """Samples at hand."""
        return cls(lambda numbers: samples[list(numbers)], len(samples))

    def __len__(self) -> int:
        return self._count

    @cached_property
    def samples(self) -> Tensor:
        """All of them, in one tensor."""
        self.seen = True
        return torch.cat(list(self._batches()))

    def some(self, count: int) -> tuple[Tensor, Tensor | None]:
        """At most so many of them, evenly spread, and their labels where there are any."""
        self.seen = True
        batch = self._read(spread(self._count, count).tolist())
        if isinstance(batch, Tensor):
            return batch, None
        return batch.real, None if batch.condition.is_floating_point() else batch.condition

    def reading(self, network: FeatureNetwork) -> FeaturesAndLogits:
        """What a network says of them: asked once, and not at all where that is kept on disk."""
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
            batch = self._read(part.tolist())
            yield batch if isinstance(batch, Tensor) else batch.real


def reference(
    dataset: Dataset, data: Data, seed: int, *, domain: int | None = None, cached: bool = True
) -> Reference:
    """The real side of data; what networks say of it is kept on disk if it is to be `cached`.

    Args:
        dataset: of `data`.
        data: which they are.
        seed: of those that are drawn.
        domain: the number of the only one that counts, of data that have several.
        cached: see `Reference`.
    """
    size = len(dataset) if domain is None else dataset.domain_sizes[domain]
    indices = spread(size, REAL)

    def read(numbers: Sequence[int]) -> Tensor | Conditioned:
        some = indices[list(numbers)]
        if domain is not None:
            return dataset.domain_batch(domain, some)
        batch = dataset.batch(some)
        if isinstance(batch, Unpaired):
            raise ValueError("the data are of several domains: name the one to compare with")
        return batch

    told: dict[str, Any] | None = None
    if cached:
        ends = read([0, -1])
        look = cache.fingerprint(ends if isinstance(ends, Tensor) else ends.real)
        told = {"count": len(indices), "of": size, "look": look, **cache.identity(data, seed)}
        if domain is not None:
            told["domain"] = domain
    return Reference(read, len(indices), identity=told)
