"""Optimizers that a recipe can name, each with its own keys."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import torch
from pydantic import Field

from ganarium.common.schema import Strict, build, chosen, completed_kind, plain
from ganarium.core.schedules import SCHEDULES, Schedule


class Rule(Strict):
    """Keys that every optimizer has."""

    lr: float = Field(gt=0)
    """Learning rate; the two sides may differ (Heusel et al. 2017: two time scales)."""
    schedule: dict[str, Any] = {"kind": "constant"}
    """Schedule of the learning rate over the run: kind `constant`, `linear`, `cosine`, `warm-up`."""
    clip_norm: float | None = Field(None, gt=0)
    """Largest norm of the player's gradient."""


class Adam(Rule):
    """Adam (Kingma & Ba 2015)."""

    kind: Literal["adam"] = "adam"
    lr: float = Field(2e-4, gt=0)
    betas: tuple[float, float] = (0.5, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0


class RMSprop(Rule):
    """RMSprop (Hinton 2012) without momentum, as in WGAN."""

    kind: Literal["rmsprop"] = "rmsprop"
    lr: float = Field(5e-5, gt=0)
    alpha: float = 0.99


class Adadelta(Rule):
    """Adadelta (Zeiler 2012, arXiv:1212.5701)."""

    kind: Literal["adadelta"] = "adadelta"
    lr: float = Field(1.0, gt=0)
    rho: float = 0.9


class SGD(Rule):
    """Gradient descent, plain or with momentum (heavy ball)."""

    kind: Literal["sgd"] = "sgd"
    lr: float = Field(0.01, gt=0)
    momentum: float = 0.0


class LBFGS(Rule):
    """L-BFGS, a quasi-Newton method, for turns whose terms are a function."""

    kind: Literal["lbfgs"] = "lbfgs"
    lr: float = Field(1.0, gt=0)
    max_iter: int = Field(20, gt=0)


OPTIMIZERS: dict[str, type[Rule]] = {
    "adam": Adam,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
    "sgd": SGD,
    "lbfgs": LBFGS,
}


def completed(spec: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return an entry of `optimizers` with every default filled in; `path` is its key, for errors."""
    spec = {"kind": "adam", **spec}
    entry = plain(chosen(OPTIMIZERS, spec, path), spec, path)
    entry["schedule"] = completed_kind(SCHEDULES, entry["schedule"], f"{path}.schedule")
    return entry


def make(spec: Mapping[str, Any], parameters: Iterable, *, fused: bool) -> torch.optim.Optimizer:
    """Build the torch optimizer of a completed entry of `optimizers`.

    `fused` selects fused steps, for devices that have them; they compute the same numbers faster.
    """
    settings = {k: v for k, v in spec.items() if k not in ("kind", "schedule", "clip_norm")}
    makers: dict[str, Callable] = {
        "adam": functools.partial(torch.optim.Adam, fused=fused),
        "rmsprop": torch.optim.RMSprop,
        "adadelta": torch.optim.Adadelta,
        "sgd": functools.partial(torch.optim.SGD, fused=fused),
        "lbfgs": torch.optim.LBFGS,
    }
    return makers[spec["kind"]](parameters, **settings)


def schedule(spec: Mapping[str, Any]) -> Schedule:
    """Build the schedule of a completed entry of `optimizers`."""
    return build(SCHEDULES, spec["schedule"])
