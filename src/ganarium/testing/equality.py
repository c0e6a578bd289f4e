"""Whether two plays ended alike."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganarium.core.engine import Engine


def state_of(engine: Engine) -> dict[str, Any]:
    """Everything that a match needs to go on, flat."""
    return dict(_flat("", engine.state_dict()))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), inner)
    else:
        yield path, value


def assert_equal(ours: Mapping[str, Any], theirs: Mapping[str, Any], complaint: str) -> None:
    """Raise AssertionError, with the complaint and the keys that differ, unless two states are bit-equal."""
    differing = [key for key in ours.keys() | theirs.keys() if not _same(ours.get(key), theirs.get(key))]
    assert not differing, f"{complaint} ({', '.join(sorted(differing)[:3])})"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    return bool(one == other)


def near(one: Any, other: Any) -> bool:
    """Equal up to the rounding of a sum of gradients."""
    if isinstance(one, Tensor) and one.is_floating_point():
        return torch.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True)
    return _same(one, other)
