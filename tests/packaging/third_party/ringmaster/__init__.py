"""Ringmaster: least squares on points, from a package of its own (Mao et al. 2017, arXiv:1611.04076).

discriminator   min  E[(D(x) - 1)^2] + E[D(G(z))^2]
generator       min  E[(D(G(z)) - 1)^2]
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

import ganarium as gan
from ganarium.losses.objectives import least_squares
from ganarium.networks import DISCRIMINATORS, GENERATORS


class Ringmaster(gan.Game):
    """Game of two players."""

    roles = {"generator": GENERATORS, "discriminator": DISCRIMINATORS}
    tasks = (gan.Generate(),)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, *, noise_dim: int = 4):
        super().__init__()
        self.generator, self.discriminator, self.noise_dim = generator, discriminator, noise_dim
        self.latents = (gan.Latent("z", (noise_dim,)),)

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: Any, **settings: Any) -> Self:
        """Build networks for the data's shape."""
        generator = network("generator", settings["noise_dim"], spec.shape)
        return cls(generator, network("discriminator", spec.shape), **settings)

    def play(self, data: Iterator[Tensor], clock: gan.Clock) -> Iterator[gan.Turn]:
        """Update the discriminator, then the generator."""
        real = next(data)
        fake = self.generator(torch.randn(len(real), self.noise_dim))
        judged = least_squares.discriminator(self.discriminator(real), self.discriminator(fake.detach()))
        yield gan.turn(self.discriminator, adversarial=judged)
        yield gan.turn(self.generator, adversarial=least_squares.generator(self.discriminator(fake)))

    def generate(self, z: Tensor) -> Tensor:
        """Return samples of latents."""
        return self.generator(z)


class Straight(nn.Module):
    """A linear generator, brought by the entry point `ganarium.networks`."""

    def __init__(self, inputs: int, shape: tuple[int, ...], *, gain: float = 1.0):
        super().__init__()
        self.layer, self.gain = nn.Linear(inputs, shape[0]), gain

    def forward(self, noise: Tensor) -> Tensor:
        """Return samples."""
        return self.gain * self.layer(noise)


def recipe() -> gan.Recipe:
    """Return settings for points on a ring."""
    adam = {"lr": 1e-3, "betas": (0.5, 0.999)}
    return gan.Recipe(
        method="ringmaster",
        images=10_000,
        networks={role: {"kind": "mlp", "width": 16, "depth": 1} for role in Ringmaster.roles},
        optimizers={"generator": adam, "discriminator": adam},
        data=gan.Data(source="ring", count=500),
    )


METHOD = gan.Method(
    "ringmaster",
    Ringmaster,
    recipe,
    tiny={"data": {"source": "world"}},
    presets=Path(__file__).with_name("presets"),
)
