"""Points in the plane with a known density: three classic tests for dropped modes.

Each is a mixture of Gaussians with equal weights and one standard deviation, so that sampling, density and
modes are exact.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Points:
    """Mixture of equally likely round Gaussians in the plane.

    Attributes:
        name: value of `data.source`.
        centers: modes, float32 `[M, 2]`; those of the spiral are evenly spaced points on its arm.
        deviation: standard deviation of every Gaussian along each axis.
    """

    name: str
    centers: Tensor
    deviation: float

    def sample(self, count: int, *, seed: int = 0) -> Tensor:
        """Return independent points, float32 `[count, 2]`, a function of count and seed."""
        generator = torch.Generator().manual_seed(seed)
        modes = torch.randint(len(self.centers), (count,), generator=generator)
        return self.centers[modes] + self.deviation * torch.randn(count, 2, generator=generator)

    def log_density(self, x: Tensor) -> Tensor:
        """Return the natural logarithm of the density, `[...]`, at the points `x` `[..., 2]`."""
        centers = self.centers.to(x)
        squares = (x.unsqueeze(-2) - centers).square().sum(-1) / self.deviation**2  # [..., M]
        return torch.logsumexp(-squares / 2, -1) - math.log(2 * math.pi * self.deviation**2 * len(centers))


def ring(modes: int = 8, radius: float = 2.0, deviation: float = 0.05) -> Points:
    """Return Gaussians on a circle (Metz et al. 2017, Unrolled GAN, section 3.1)."""
    angles = 2 * math.pi * torch.arange(modes) / modes
    return Points("ring", radius * torch.stack([angles.cos(), angles.sin()], 1), deviation)


def grid(side: int = 5, spacing: float = 1.0, deviation: float = 0.05) -> Points:
    """Return Gaussians on a square lattice around 0 (Srivastava et al. 2017, VEEGAN, section 4.1)."""
    ticks = spacing * (torch.arange(side) - (side - 1) / 2)
    return Points("grid", torch.cartesian_prod(ticks, ticks), deviation)


def spiral(
    stretches: int = 64, turns: float = 1.5, inner: float = 0.3, outer: float = 2.0, deviation: float = 0.1
) -> Points:
    """Return an Archimedean spiral with radii from `inner` to `outer`, a chain of overlapping Gaussians.

    With the defaults their distance is 1.7 standard deviations, so that the density along the arm is constant
    within one percent, and neighboring turns are more than ten standard deviations apart.
    """
    position = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    angles, radii = 2 * math.pi * turns * position, inner + (outer - inner) * position
    arm = torch.stack([radii * angles.cos(), radii * angles.sin()], 1)
    lengths = arm.diff(dim=0).norm(dim=1).cumsum(0)
    middles = lengths[-1] * (torch.arange(stretches) + 0.5) / stretches
    return Points("spiral", arm[torch.searchsorted(lengths, middles) + 1].float(), deviation)


POINTS: dict[str, Points] = {points.name: points for points in (ring(), grid(), spiral())}
"""Distributions by their name in `data.source`."""
