"""Penalties on the slope of a network: the gradient of the score with respect to the sample.

Each penalty takes the network, not its scores: the forward pass must run inside `second_order`, because a
compiled network refuses double backward. Under autocast the network runs in autocast's precision; norms are
computed in float32 or wider.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Literal, ParamSpec

import torch
from torch import Tensor, nn

P = ParamSpec("P")
Score = Callable[[Tensor], Tensor]
Penalty = Callable[[Score, Tensor, Tensor], Tensor]


def second_order(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Make `function` run networks eagerly, because a compiled network refuses double backward."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        with torch.compiler.set_stance("force_eager"):
            return function(*args, **kwargs)

    return call


def slope(score: Score, inputs: Tensor) -> Tensor:
    """Compute the gradient of each sample's score with respect to the sample, flattened: `[N, D]`."""
    inputs = inputs.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(inputs).sum(), inputs, create_graph=True)
    return gradient.flatten(1).to(torch.promote_types(gradient.dtype, torch.float32))


def between(real: Tensor, fake: Tensor) -> Tensor:
    """Sample a uniform point on the line from each real sample to its fake one."""
    share = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device, dtype=real.dtype)
    return torch.lerp(real, fake.to(real.dtype), share)


@second_order
def gradient_penalty(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""Compute $E[(\|\nabla D(\hat x)\|_2 - 1)^2]$ between real and fake (Gulrajani et al. 2017, eq. 3)."""
    return (slope(score, between(real, fake)).norm(dim=1) - 1).square().mean()


@second_order
def one_sided_gradient_penalty(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""Compute $E[\max(0, \|\nabla D(\hat x)\|_2 - 1)]$ (Gulrajani et al. 2017, sec. 4).

    Each $\hat x$ lies between a real and a fake sample. Slopes below one have no penalty.
    The excess is not squared, as in the course form of WGAN-GP.
    """
    return (slope(score, between(real, fake)).norm(dim=1) - 1).relu().mean()


@second_order
def r1(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""Compute $\tfrac12 E[\|\nabla D(x)\|^2]$ on real samples (Mescheder et al. 2018, eq. 9).

    Paper: arXiv:1801.04406.
    """
    return slope(score, real).square().sum(1).mean() / 2


@second_order
def r2(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""Compute $\tfrac12 E[\|\nabla D(x)\|^2]$ on fake samples (Mescheder et al. 2018, eq. 10)."""
    return slope(score, fake).square().sum(1).mean() / 2


@second_order
def dragan(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""Compute $E[(\|\nabla D(x + \delta)\|_2 - 1)^2]$ around real samples (Kodali et al. 2017, sec. 2.3).

    $\delta$ is uniform noise times half the batch's standard deviation, scaled by a random share for each
    sample. Paper: arXiv:1705.07215.
    """
    spread = real + 0.5 * real.std() * torch.rand_like(real)
    return (slope(score, between(real, spread)).norm(dim=1) - 1).square().mean()


PENALTIES: dict[str, Penalty] = {
    "gp": gradient_penalty,
    "one-sided-gp": one_sided_gradient_penalty,
    "r1": r1,
    "r2": r2,
    "dragan": dragan,
}
PenaltyName = Literal["none", "clip", "gp", "one-sided-gp", "r1", "r2", "dragan"]

WEIGHTS = {"gp": 10.0, "one-sided-gp": 10.0, "r1": 10.0, "r2": 10.0, "dragan": 10.0}
"""Weight of each penalty in its paper."""


@torch.no_grad()
def clip_weights(parameters: Iterable[nn.Parameter], bound: float) -> None:
    """Clamp every weight to [-bound, bound] (Arjovsky et al. 2017, algorithm 1, line 7)."""
    for parameter in parameters:
        parameter.clamp_(-bound, bound)
