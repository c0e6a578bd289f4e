"""What a discriminator is taught by: an objective and a penalty, chosen independently."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrize import is_parametrized

from ganarium.parts.objectives import OBJECTIVES
from ganarium.parts.penalties import PENALTIES, WEIGHTS, Score, clip_weights

PER_SAMPLE = ("gp", "one-sided-gp", "dragan")
"""Penalties that want each sample's own slope to be one."""


class Dispute:
    """An objective, and a penalty with its weight and interval.

    `weight=None` takes the penalty's own paper's; an interval of n plays the penalty in one round of
    n and scales it by n, so that its mean strength stays (Karras et al. 2020, appendix B).
    """

    def __init__(self, objective: str, penalty: str, weight: float | None, interval: int, clip_bound: float):
        self.objective = OBJECTIVES[objective]
        self.names = objective, penalty
        self.penalty = PENALTIES.get(penalty)
        self.weight = WEIGHTS.get(penalty, 0.0) if weight is None else weight
        self.interval = interval
        self.clip_bound = clip_bound
        if interval < 1:
            raise ValueError(f"game.penalty_interval is {interval}; it counts rounds, so it is at least 1")

    def check(self, discriminator: nn.Module) -> None:
        """Raise ValueError, which says why, where objective, penalty and network cannot go together."""
        objective, penalty = self.names
        layers = list(discriminator.modules())
        if penalty in PER_SAMPLE and any(isinstance(m, _BatchNorm) for m in layers):
            raise ValueError(
                f"game.penalty={penalty} wants each sample's own slope, but batch normalisation in the "
                "discriminator makes a score depend on the whole batch (Gulrajani et al. 2017, sec. 4); "
                "set networks.discriminator.norm=layer, instance or none"
            )
        if objective == "wasserstein" and penalty == "none" and not any(map(is_parametrized, layers)):
            raise ValueError(
                "game.objective=wasserstein has no bound for a discriminator of any slope; "
                "set game.penalty=gp (or one-sided-gp, clip, r1, r2, dragan), or use spectral norm"
            )

    def penalties(
        self,
        score: Score,
        real: Tensor,
        fake: Tensor,
        every: Callable[[int], bool],
        name: str = "penalty",
    ) -> dict[str, Tensor]:
        """`{name: ...}` in the rounds that have a penalty, else nothing; `every` is the clock's."""
        if self.penalty is None or not every(self.interval):
            return {}
        return {name: self.weight * self.interval * self.penalty(score, real, fake)}

    def clip(self, discriminator: nn.Module) -> None:
        """After a step: put the weights back within their bound, where the penalty is clipping."""
        if self.names[1] == "clip":
            clip_weights(discriminator.parameters(), self.clip_bound)
