r"""Penalties on the slope of a network.

Each takes the network, not its scores: the forward pass must lie inside the guard, since double
backward through a compiled network is refused. Under autocast the network runs in its precision;
norms are taken in float32 at least.
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
    """Run `function` eagerly: a compiled network has no double backward."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        with torch.compiler.set_stance("force_eager"):
            return function(*args, **kwargs)

    return call


def slope(score: Score, inputs: Tensor) -> Tensor:
    """The gradient of each sample's score with respect to the sample, flattened: `[N, D]`."""
    inputs = inputs.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(inputs).sum(), inputs, create_graph=True)
    return gradient.flatten(1).to(torch.promote_types(gradient.dtype, torch.float32))


def between(real: Tensor, fake: Tensor) -> Tensor:
    """One point drawn uniformly on the line from each real sample to its fake one."""
    share = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device, dtype=real.dtype)
    return torch.lerp(real, fake.to(real.dtype), share)


@second_order
def gradient_penalty(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""$E[(\|\nabla D(\hat x)\|_2 - 1)^2]$ between real and fake (Gulrajani et al. 2017, eq. 3)."""
    return (slope(score, between(real, fake)).norm(dim=1) - 1).square().mean()


@second_order
def one_sided_gradient_penalty(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""$E[\max(0, \|\nabla D(\hat x)\|_2 - 1)]$: slopes below one are free (Gulrajani et al. 2017, sec. 4).

    The plain distance above one, not its square, as the course form of WGAN-GP has it.
    """
    return (slope(score, between(real, fake)).norm(dim=1) - 1).relu().mean()


@second_order
def r1(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""$\tfrac12 E[\|\nabla D(x)\|^2]$ on real samples (Mescheder et al. 2018, arXiv:1801.04406, eq. 9)."""
    return slope(score, real).square().sum(1).mean() / 2


@second_order
def r2(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""$\tfrac12 E[\|\nabla D(x)\|^2]$ on fake samples (Mescheder et al. 2018, eq. 10)."""
    return slope(score, fake).square().sum(1).mean() / 2


@second_order
def dragan(score: Score, real: Tensor, fake: Tensor) -> Tensor:
    r"""$E[(\|\nabla D(x + \delta)\|_2 - 1)^2]$ around real samples (Kodali et al. 2017, sec. 2.3).

    arXiv:1705.07215; $\delta$ is uniform noise of half the batch's standard deviation, mixed in by a
    random share.
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
"""Each penalty's weight in its paper."""


@torch.no_grad()
def clip_weights(parameters: Iterable[nn.Parameter], bound: float) -> None:
    """Put every weight back into [-bound, bound] (Arjovsky et al. 2017, algorithm 1, line 7)."""
    for parameter in parameters:
        parameter.clamp_(-bound, bound)
