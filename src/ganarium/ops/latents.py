"""Noise, the input of generators."""

from typing import Literal

import torch
from torch import Tensor

Noise = Literal["normal", "uniform"]


def noise(
    kind: Noise,
    *shape: int,
    device: torch.device | str = "cpu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Sample noise, standard normal or uniform in [-1, 1]: float32 of the given shape."""
    if kind == "uniform":
        return torch.rand(*shape, device=device, generator=generator) * 2 - 1
    return torch.randn(*shape, device=device, generator=generator)


def rows(kind: Noise, count: int, size: int, generator: torch.Generator) -> Tensor:
    """Sample noise `[count, size]` on the CPU row by row: the first rows do not depend on `count`."""
    return torch.stack([noise(kind, size, generator=generator) for _ in range(count)])
