r"""f-divergences and their variational bounds (Nowozin et al. 2016, f-GAN, arXiv:1606.00709).

$D_f(P \| Q) = \int q(x) f(p(x)/q(x)) dx$, with P the data, Q the samples, f convex and f(1) = 0 (-log 4 for
`gan`). For every function T whose values lie in the domain of the conjugate $f^*(t) = \sup_u (ut - f(u))$

    D_f(P || Q) >= E_P[T(x)] - E_Q[f*(T(x))],      with equality at T = f'(p/q)     (eq. 4 and 5)

An output activation g_f turns a discriminator's raw score v into such a T: T(x) = g_f(v(x)). It increases
with v, so a high score always means "real". If f* and g_f partly cancel, f*(g_f(v)) is computed as one
function that neither overflows nor loses digits, such as softplus for `gan`. The exponentials of `kl`,
`reverse-kl`, `neyman` and `squared-hellinger` do not cancel: float32 and bfloat16 represent them up to
|v| = 88.

    name               f(u)                          f*(t)               T = g_f(v)       f*(g_f(v))
    total-variation    |u - 1| / 2                   t, |t| <= 1/2       tanh(v) / 2      tanh(v) / 2
    kl                 u log u                       exp(t - 1)          v                exp(v - 1)
    reverse-kl         -log u                        -1 - log(-t)        -exp(-v)         v - 1
    pearson            (u - 1)^2                     t^2/4 + t           v                v^2/4 + v
    neyman             (u - 1)^2 / u                 2 - 2 sqrt(1 - t)   1 - exp(-v)      2 - 2 exp(-v/2)
    squared-hellinger  (sqrt u - 1)^2                t / (1 - t)         1 - exp(-v)      exp(v) - 1
    jensen-shannon     u log u - (u+1) log((u+1)/2)  -log(2 - exp t)     log 2sigmoid(v)  softplus(v) - log 2
    gan                u log u - (u+1) log(u+1)      -log(1 - exp t)     log sigmoid(v)   softplus(v)

The rows are from the paper's tables 1 and 2 and its appendix. Every g_f here increases, as the paper's text
requires; some g_f in its tables decrease. `pearson` is E_Q[(p/q - 1)^2]. `jensen-shannon` is twice the usual
divergence, and `gan` is `jensen-shannon` minus log 4. `ganarium.losses.objectives.variational` returns the
objective of a divergence.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

Function = Callable[[Tensor], Tensor]
"""Elementwise function."""

REALS = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)


@dataclass(frozen=True, eq=False)
class Divergence:
    """Row of the table above."""

    f: Function
    """Function f(u) of the density ratio u = p/q."""
    slope: Function
    """Derivative f'(u); the optimal T(x) is f'(p(x)/q(x))."""
    conjugate_inside: Function
    """Conjugate f*(t) for t in `domain`."""
    activation: Function
    """Increasing function g_f(v) from any score to the domain of f*."""
    conjugate_of_activation: Function
    """Composition f*(g_f(v)), stable for large |v|."""
    threshold: float
    """Value f'(1); a sample x with a larger T(x) is more likely real than fake (sec. 2.3)."""
    domain: tuple[float, float] = REALS
    """Lower and upper bound of the t for which f*(t) is finite."""
    ratios: tuple[float, float] = POSITIVE
    """Range of u in the supremum f*; all reals if the formula of f also holds below zero."""

    def conjugate(self, t: Tensor) -> Tensor:
        """Compute f*(t) = sup over u of ut - f(u); infinite outside `domain`."""
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
"""Divergences by their names in a recipe (`game.objective`)."""
