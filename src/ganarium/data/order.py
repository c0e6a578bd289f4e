"""Random orders and numbers by hash: they do not depend on the random generators of any library."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

_GOLDEN = 0x9E3779B97F4A7C15


@lru_cache(maxsize=8)
def permutation(length: int, *key: int) -> Indices:
    """Return a random order of the numbers below `length`; it differs from key to key."""
    return np.argsort(hashed(np.arange(length), *key), kind="stable")


def hashed(numbers: Indices, *key: int) -> NDArray[np.uint64]:
    """Return 64 random bits for each number."""
    return _mixed(_joined(*key) + numbers.astype(np.uint64) * np.uint64(_GOLDEN))


def spread(length: int, count: int) -> Indices:
    """Return at most `count` of the numbers below `length`, evenly spaced."""
    count = min(count, length)
    return np.arange(count, dtype=np.int64) * length // max(count, 1)


@lru_cache(maxsize=64)
def _joined(*parts: int) -> np.uint64:
    """Return the parts of a key as one number."""
    key = np.zeros(1, dtype=np.uint64)
    for part in parts:
        key = _mixed(key + np.uint64((part + 1) * _GOLDEN % 2**64))
    return key[0]


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix bits by SplitMix64 (Steele, Lea and Flood 2014, section 4, with Stafford's variant 13)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
