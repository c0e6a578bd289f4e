"""Points in the plane whose density is known: three classic tests of whether a GAN drops modes.

Each is a mixture of Gaussians with equal weights and one standard deviation, so that sampling, density and
modes are exact.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Points:
    """A mixture of equally likely round Gaussians in the plane."""

    name: str
    centers: Tensor
    """The modes, float32 `[M, 2]`; of the spiral: points along its arm, equally far from each other."""
    deviation: float
    """Standard deviation of every Gaussian along each axis."""

    def sample(self, count: int, *, seed: int = 0) -> Tensor:
        """`count` independent points, float32 `[N, 2]`; the same for the same count and seed."""
        shared_random = torch.Generator().manual_seed(seed)
        modes = torch.randint(len(self.centers), (count,), generator=shared_random)
        return self.centers[modes] + self.deviation * torch.randn(count, 2, generator=shared_random)

    def log_density(self, x: Tensor) -> Tensor:
        """Natural logarithm of the density at the points `x` `[..., 2]`, as `[...]`."""
        centers = self.centers.to(x)
        squares = (x.unsqueeze(-2) - centers).square().sum(-1) / self.deviation**2  # [..., M]
        return torch.logsumexp(-squares / 2, -1) - math.log(2 * math.pi * self.deviation**2 * len(centers))


def ring(modes: int = 8, radius: float = 2.0, deviation: float = 0.05) -> Points:
    """Gaussians on a circle (Metz et al. 2017, Unrolled GAN, section 3.1)."""
    angles = 2 * math.pi * torch.arange(modes) / modes
    return Points("ring", radius * torch.stack([angles.cos(), angles.sin()], 1), deviation)


def grid(side: int = 5, spacing: float = 1.0, deviation: float = 0.05) -> Points:
    """Gaussians on a square lattice around the origin (Srivastava et al. 2017, VEEGAN, section 4.1)."""
    ticks = spacing * (torch.arange(side) - (side - 1) / 2)
    return Points("grid", torch.cartesian_prod(ticks, ticks), deviation)


def spiral(
    stretches: int = 64, turns: float = 1.5, inner: float = 0.3, outer: float = 2.0, deviation: float = 0.1
) -> Points:
    """A spiral of Archimedes with radii from `inner` to `outer`, as a chain of overlapping Gaussians.

    With the defaults they stand 1.7 standard deviations apart, so the density along the arm is level to
    within one percent, and neighbouring turns are more than ten standard deviations away.
    """
    way = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    angles, radii = 2 * math.pi * turns * way, inner + (outer - inner) * way
    arm = torch.stack([radii * angles.cos(), radii * angles.sin()], 1)
    lengths = arm.diff(dim=0).norm(dim=1).cumsum(0)
    middles = lengths[-1] * (torch.arange(stretches) + 0.5) / stretches
    return Points("spiral", arm[torch.searchsorted(lengths, middles) + 1].float(), deviation)


POINTS: dict[str, Points] = {points.name: points for points in (ring(), grid(), spiral())}
"""The distributions that a recipe can name as `data.source`."""
