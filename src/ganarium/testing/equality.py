"""Comparison of the states of two engines."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganarium.core.engine import Engine


def state_of(engine: Engine) -> dict[str, Any]:
    """Return the state of an engine as a flat dictionary."""
    return dict(_flat("", engine.state_dict()))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), inner)
    else:
        yield path, value


def assert_equal(one: Mapping[str, Any], other: Mapping[str, Any], message: str) -> None:
    """Raise AssertionError, with the message and the keys that differ, unless two states are bit-equal."""
    differing = [key for key in one.keys() | other.keys() if not _same(one.get(key), other.get(key))]
    assert not differing, f"{message} ({', '.join(sorted(differing)[:3])})"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    return bool(one == other)


def near(one: Any, other: Any) -> bool:
    """Return True if values are equal up to the rounding of a sum of gradients."""
    if isinstance(one, Tensor) and one.is_floating_point():
        return torch.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True)
    return _same(one, other)
