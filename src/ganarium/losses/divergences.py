r"""f-divergences and their variational bounds (Nowozin et al. 2016, f-GAN, arXiv:1606.00709).

$D_f(P \| Q) = \int q(x) f(p(x)/q(x)) dx$, with P the data, Q the samples, f convex and f(1) = 0 (for `gan`
-log 4). For every function T whose values lie in the domain of the conjugate $f^*(t) = \sup_u (ut - f(u))$

    D_f(P || Q) >= E_P[T(x)] - E_Q[f*(T(x))],      with equality at T = f'(p/q)     (eq. 4 and 5)

A discriminator's raw score v becomes such a T by an output activation, T(x) = g_f(v(x)), which rises in v, so
that a high score always means "real". Where g_f(v) and f* cancel, as softplus does for `gan`, the two are
written as one function that neither overflows nor loses digits. The exponentials of `kl`, `reverse-kl`,
`neyman` and `squared-hellinger` belong to the mathematics: float32 and bfloat16 hold them up to |v| = 88.

    name               f(u)                          f*(t)               T = g_f(v)       f*(g_f(v))
    total-variation    |u - 1| / 2                   t, |t| <= 1/2       tanh(v) / 2      tanh(v) / 2
    kl                 u log u                       exp(t - 1)          v                exp(v - 1)
    reverse-kl         -log u                        -1 - log(-t)        -exp(-v)         v - 1
    pearson            (u - 1)^2                     t^2/4 + t           v                v^2/4 + v
    neyman             (u - 1)^2 / u                 2 - 2 sqrt(1 - t)   1 - exp(-v)      2 - 2 exp(-v/2)
    squared-hellinger  (sqrt u - 1)^2                t / (1 - t)         1 - exp(-v)      exp(v) - 1
    jensen-shannon     u log u - (u+1) log((u+1)/2)  -log(2 - exp t)     log 2sigmoid(v)  softplus(v) - log 2
    gan                u log u - (u+1) log(u+1)      -log(1 - exp t)     log sigmoid(v)   softplus(v)

These are the paper's tables 1 and 2 with its appendix. Every g_f rises here, as its text asks; some that it
prints fall. `pearson` is E_Q[(p/q - 1)^2], as f says. `jensen-shannon` is twice the usual one, and `gan` is
that minus log 4. As objectives: `ganarium.losses.objectives.variational`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

Function = Callable[[Tensor], Tensor]
"""Applied to each element."""

REALS = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)


@dataclass(frozen=True, eq=False)
class Divergence:
    """One row of the table above."""

    f: Function
    """f(u) of the density ratio u = p/q."""
    slope: Function
    """f'(u): the best T(x) is f'(p(x)/q(x))."""
    conjugate_inside: Function
    """f*(t), for t in its domain."""
    activation: Function
    """g_f(v): from any score into the domain of f*, rising."""
    conjugate_of_activation: Function
    """f*(g_f(v)), stable for large |v|."""
    threshold: float
    """f'(1): where T(x) is above it, x is rather real than fake (sec. 2.3)."""
    domain: tuple[float, float] = REALS
    """The t for which f*(t) is finite: from, to."""
    ratios: tuple[float, float] = POSITIVE
    """The u over which f* is the supremum: all reals where f goes on below zero by its formula."""

    def conjugate(self, t: Tensor) -> Tensor:
        """f*(t) = sup over u of ut - f(u); infinite outside `domain`."""
        low, high = self.domain
        return torch.where((t >= low) & (t <= high), self.conjugate_inside(t), math.inf)


DIVERGENCES: dict[str, Divergence] = {
    "total-variation": Divergence(
        f=lambda u: (u - 1).abs() / 2,
        slope=lambda u: (u - 1).sign() / 2,
        conjugate_inside=lambda t: t,
        activation=lambda v: v.tanh() / 2,
        conjugate_of_activation=lambda v: v.tanh() / 2,
        threshold=0.0,
        domain=(-0.5, 0.5),
        ratios=REALS,
    ),
    "kl": Divergence(
        f=lambda u: torch.xlogy(u, u),
        slope=lambda u: u.log() + 1,
        conjugate_inside=lambda t: (t - 1).exp(),
        activation=lambda v: v,
        conjugate_of_activation=lambda v: (v - 1).exp(),
        threshold=1.0,
    ),
    "reverse-kl": Divergence(
        f=lambda u: -u.log(),
        slope=lambda u: -1 / u,
        conjugate_inside=lambda t: -1 - (-t).log(),
        activation=lambda v: -(-v).exp(),
        conjugate_of_activation=lambda v: v - 1,
        threshold=-1.0,
        domain=(-math.inf, 0.0),
    ),
    "pearson": Divergence(
        f=lambda u: (u - 1).square(),
        slope=lambda u: 2 * (u - 1),
        conjugate_inside=lambda t: t.square() / 4 + t,
        activation=lambda v: v,
        conjugate_of_activation=lambda v: v.square() / 4 + v,
        threshold=0.0,
        ratios=REALS,
    ),
    "neyman": Divergence(
        f=lambda u: (u - 1).square() / u,
        slope=lambda u: 1 - u.pow(-2),
        conjugate_inside=lambda t: 2 - 2 * (1 - t).sqrt(),
        activation=lambda v: -(-v).expm1(),
        conjugate_of_activation=lambda v: -2 * (-v / 2).expm1(),
        threshold=0.0,
        domain=(-math.inf, 1.0),
    ),
    "squared-hellinger": Divergence(
        f=lambda u: (u.sqrt() - 1).square(),
        slope=lambda u: 1 - u.rsqrt(),
        conjugate_inside=lambda t: t / (1 - t),
        activation=lambda v: -(-v).expm1(),
        conjugate_of_activation=lambda v: v.expm1(),
        threshold=0.0,
        domain=(-math.inf, 1.0),
    ),
    "jensen-shannon": Divergence(
        f=lambda u: torch.xlogy(u, u) - torch.xlogy(u + 1, (u + 1) / 2),
        slope=lambda u: math.log(2) - (1 / u).log1p(),
        conjugate_inside=lambda t: -(-t.expm1()).log1p(),
        activation=lambda v: logsigmoid(v) + math.log(2),
        conjugate_of_activation=lambda v: softplus(v) - math.log(2),
        threshold=0.0,
        domain=(-math.inf, math.log(2)),
    ),
    "gan": Divergence(
        f=lambda u: torch.xlogy(u, u) - torch.xlogy(u + 1, u + 1),
        slope=lambda u: -(1 / u).log1p(),
        conjugate_inside=lambda t: -(-t.expm1()).log(),
        activation=lambda v: -softplus(-v),
        conjugate_of_activation=softplus,
        threshold=-math.log(2),
        domain=(-math.inf, 0.0),
    ),
}
"""By the names that a recipe uses as `game.objective`."""
