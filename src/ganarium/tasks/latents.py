"""Latents: random inputs of generators."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganarium.data.kinds import Kind, Shape

Law = Literal["normal", "uniform", "unit", "one-hot"]


@dataclass(frozen=True)
class Latent(Kind):
    """Random input of a game's method, by the name of its argument.

    Attributes:
        argument: name of the argument.
        size: axes of one value; a string names an axis of variable length.
        law: `normal` (standard), `uniform` in [-1, 1], `unit` (uniform in [0, 1]), or `one-hot`.
    """

    argument: str
    size: Shape
    law: Law = "normal"
    name: ClassVar[str] = "latent"

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return `[count, *shape]` values, row by row: the first rows do not depend on `count`."""
        return torch.stack([self._row(tuple(shape), generator) for _ in range(count)])

    def _row(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        if self.law == "normal":
            return torch.randn(*shape, generator=generator)
        if self.law == "one-hot":
            return torch.eye(shape[0])[torch.randint(shape[0], (), generator=generator)]
        values = torch.rand(*shape, generator=generator) * 2 - 1
        return (values + 1) / 2 if self.law == "unit" else values

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        words = {"normal": "standard normal", "uniform": "uniform in [-1, 1]", "unit": "uniform in [0, 1]"}
        return words.get(self.law, f"one of {shape[0]} as a one-hot vector")

    def example_code(self, shape: Shape, count: int) -> str:
        """See `Kind.example_code`."""
        axes = f"({', '.join(map(str, (count, *shape)))})"
        if self.law == "normal":
            return f"rng.standard_normal({axes}, dtype=np.float32)"
        if self.law == "one-hot":
            return f"np.eye({shape[0]}, dtype=np.float32)[rng.integers({shape[0]}, size={count})]"
        return f"rng.uniform({-1 if self.law == 'uniform' else 0}, 1, {axes}).astype(np.float32)"


def streams(latents: Sequence[Latent], seed: int) -> dict[str, torch.Generator]:
    """Return a random generator for each latent, by its argument.

    The first one is seeded with `seed`, the others with a hash of seed and argument: further latents do not
    change the values of the first one.
    """
    return {
        latent.argument: torch.Generator().manual_seed(seed if number == 0 else _seed(seed, latent.argument))
        for number, latent in enumerate(latents)
    }


def _seed(seed: int, argument: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {argument}".encode()).digest()[:7], "little")
