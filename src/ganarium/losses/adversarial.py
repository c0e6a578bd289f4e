"""What both sides are taught by: an objective and a penalty, chosen independently."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ganarium.losses.objectives import OBJECTIVES, ObjectiveName, cross_entropy, squares, zero_sum
from ganarium.losses.penalties import PENALTIES, WEIGHTS, PenaltyName, Score, clip_weights
from ganarium.ops.scoring import uses_batch_statistics

PER_SAMPLE = ("gp", "one-sided-gp", "dragan")
"""Penalties that want each sample's own slope to be one."""

Relativism = Literal["none", "standard", "average"]


class AdversarialLoss:
    """An objective, and a penalty with its weight and interval.

    Args:
        objective: see `ganarium.losses.objectives`.
        relativistic: scores are judged beside those of the other side: `standard` each beside one of them,
            `average` beside their mean (Jolicoeur-Martineau 2019, arXiv:1807.00734, sec. 4).
        real_label: one-sided label smoothing, for the cross-entropy objectives; 1 where it is not said.
        minimax: the generator raises just what the discriminator lowers, whatever the objective.
        targets: a, b, c of least squares: for fake, for real, and what the generator wants.
        penalty: see `ganarium.losses.penalties`.
        penalty_weight: the penalty's factor; its own paper's where it is not said.
        penalty_interval: n plays the penalty in one round of n and scales it by n, so that its mean strength
            stays (Karras et al. 2020, appendix B).
        clip_bound: largest weight of the discriminator, for `penalty="clip"`.

    Raises:
        ValueError: a setting that the chosen objective does not have, or an interval below one.
    """

    def __init__(
        self,
        *,
        objective: ObjectiveName = "non-saturating",
        relativistic: Relativism = "none",
        minimax: bool = False,
        real_label: float | None = None,
        targets: tuple[float, float, float] | None = None,
        penalty: PenaltyName = "none",
        penalty_weight: float | None = None,
        penalty_interval: int = 1,
        clip_bound: float = 0.01,
    ):
        if penalty_interval < 1:
            raise ValueError(
                f"game.penalty_interval is {penalty_interval}; it counts rounds, so it is at least 1"
            )
        self.names = objective, penalty
        self.objective = OBJECTIVES[objective]
        if real_label is not None:
            self._refuse_unless("real_label", "non-saturating", "saturating")
            self.objective = cross_entropy(real_label)
        if targets is not None:
            self._refuse_unless("targets", "least-squares")
            self.objective = squares(*targets)
        if minimax or objective == "saturating":
            self.objective = zero_sum(self.objective)
        if relativistic != "none":
            self._refuse_unless("relativistic", "non-saturating", "least-squares", "hinge")
            if minimax:
                raise ValueError(
                    "game.minimax and game.relativistic exclude each other: a relativistic generator wants "
                    "the discriminator's own loss with the sides exchanged; leave one of them out"
                )
            if objective == "least-squares" and (targets is None or targets[0] != -targets[1]):
                raise ValueError(
                    "game.relativistic with least-squares judges differences of scores, so the targets for "
                    f"fake and real must be opposite: game.targets=[-1, 1, 0], say; given was {targets}"
                )
        self.relativistic = relativistic
        self.penalty = PENALTIES.get(penalty)
        self.penalty_weight = WEIGHTS.get(penalty, 0.0) if penalty_weight is None else penalty_weight
        self.penalty_interval = penalty_interval
        self.clip_bound = clip_bound

    def _refuse_unless(self, key: str, *objectives: str) -> None:
        if self.names[0] not in objectives:
            raise ValueError(
                f"game.{key} is a setting of game.objective={' or '.join(objectives)}, "
                f"but the objective is {self.names[0]}; leave it out, or change the objective"
            )

    def check(self, discriminator: nn.Module) -> None:
        """Raise ValueError, which says why, where objective, penalty and network cannot go together."""
        objective, penalty = self.names
        if penalty in PER_SAMPLE and uses_batch_statistics(discriminator):
            raise ValueError(
                f"game.penalty={penalty} wants each sample's own slope, but batch normalisation (or "
                "minibatch discrimination) makes a score depend on the whole batch (Gulrajani et al. 2017, "
                "sec. 4); set networks.discriminator.norm=layer, instance or none, "
                "and minibatch_discrimination=0"
            )
        bounded = any(map(is_parametrized, discriminator.modules()))
        if objective == "wasserstein" and penalty == "none" and not bounded:
            raise ValueError(
                "game.objective=wasserstein has no bound for a discriminator of any slope; "
                "set game.penalty=gp (or one-sided-gp, clip, r1, r2, dragan), or use spectral norm"
            )

    @property
    def compares(self) -> bool:
        """Whether the generator's loss looks at the scores of real samples, too."""
        return self.relativistic != "none"

    def discriminator(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """The discriminator's loss."""
        if self.relativistic == "average":
            real_scores, fake_scores = real_scores - fake_scores.mean(), fake_scores - real_scores.mean()
        elif self.relativistic == "standard":
            difference = real_scores - fake_scores
            return self.objective.discriminator(difference, -difference) / 2
        return self.objective.discriminator(real_scores, fake_scores)

    def generator(self, fake_scores: Tensor, real_scores: Tensor | None = None) -> Tensor:
        """The generator's loss; a relativistic generator wants the discriminator's, sides exchanged."""
        if self.relativistic == "none":
            return self.objective.generator(fake_scores)
        assert real_scores is not None, "a relativistic generator is judged beside real scores"
        return self.discriminator(fake_scores, real_scores)

    def penalties(
        self,
        score: Score,
        real: Tensor,
        fake: Tensor,
        every: Callable[[int], bool],
        name: str = "penalty",
    ) -> dict[str, Tensor]:
        """`{name: ...}` in the rounds that have a penalty, else nothing; `every` is the clock's."""
        if self.penalty is None or not every(self.penalty_interval):
            return {}
        return {name: self.penalty_weight * self.penalty_interval * self.penalty(score, real, fake)}

    def clip(self, discriminator: nn.Module) -> None:
        """After a step: put the weights back within their bound, where the penalty is clipping."""
        if self.names[1] == "clip":
            clip_weights(discriminator.parameters(), self.clip_bound)
