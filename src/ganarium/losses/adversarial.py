"""Adversarial loss: an objective and a penalty, chosen independently."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ganarium.losses.objectives import OBJECTIVES, ObjectiveName, cross_entropy, squares, zero_sum
from ganarium.losses.penalties import PENALTIES, WEIGHTS, PenaltyName, Score, clip_weights
from ganarium.ops.scoring import uses_batch_statistics

PER_SAMPLE = ("gp", "one-sided-gp", "dragan")
"""Penalties that need the slope of the score at each single sample."""

Relativism = Literal["none", "standard", "average"]


class AdversarialLoss:
    """Losses of both sides: an objective, and a penalty with its weight and interval.

    Args:
        objective: see `ganarium.losses.objectives`.
        relativistic: compare each score with those of the other side: `standard` with one of them,
            `average` with their mean (Jolicoeur-Martineau 2019, arXiv:1807.00734, sec. 4).
        real_label: target of real samples, for one-sided label smoothing; cross-entropy objectives only,
            default 1.
        minimax: let the generator maximise the discriminator's loss of fake samples, with any objective.
        targets: a, b, c of least squares: the discriminator's targets of fake and real samples, and the
            generator's.
        penalty: see `ganarium.losses.penalties`.
        penalty_weight: factor of the penalty; default: the value of its paper.
        penalty_interval: n computes the penalty in one round of n and multiplies it by n, so that its mean
            strength stays the same (Karras et al. 2020, appendix B).
        clip_bound: largest weight of the discriminator, for `penalty="clip"`.

    Raises:
        ValueError: a setting that the objective does not have, settings that exclude each other, or an
            interval below one.
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
                f"game.penalty_interval is {penalty_interval}; it counts rounds and must be at least 1"
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
                    "game.minimax and game.relativistic exclude each other: a relativistic generator "
                    "minimises the discriminator's loss with real and fake exchanged; omit one of them"
                )
            if objective == "least-squares" and (targets is None or targets[0] != -targets[1]):
                raise ValueError(
                    f"game.targets is {targets}; game.relativistic with least-squares uses differences of "
                    "scores, so the targets of fake and real must be opposite, as in game.targets=[-1, 1, 0]"
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
                f"but the objective is {self.names[0]}; omit game.{key}, or change game.objective"
            )

    def check(self, discriminator: nn.Module) -> None:
        """Raise ValueError with the reason if objective, penalty and discriminator cannot be combined."""
        objective, penalty = self.names
        if penalty in PER_SAMPLE and uses_batch_statistics(discriminator):
            raise ValueError(
                f"game.penalty={penalty} needs the slope at each single sample, but batch normalisation (or "
                "minibatch discrimination) makes a score depend on the whole batch (Gulrajani et al. 2017, "
                "sec. 4); set networks.discriminator.norm=layer, instance or none, "
                "and minibatch_discrimination=0"
            )
        bounded = any(map(is_parametrized, discriminator.modules()))
        if objective == "wasserstein" and penalty == "none" and not bounded:
            raise ValueError(
                "game.objective=wasserstein is unbounded unless the slope of the discriminator is limited; "
                "set game.penalty=gp (or one-sided-gp, clip, r1, r2, dragan), or use spectral norm"
            )

    @property
    def compares(self) -> bool:
        """True if the generator's loss also depends on the scores of real samples."""
        return self.relativistic != "none"

    def discriminator(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """Return the discriminator's loss, a scalar."""
        if self.relativistic == "average":
            real_scores, fake_scores = real_scores - fake_scores.mean(), fake_scores - real_scores.mean()
        elif self.relativistic == "standard":
            difference = real_scores - fake_scores
            return self.objective.discriminator(difference, -difference) / 2
        return self.objective.discriminator(real_scores, fake_scores)

    def generator(self, fake_scores: Tensor, real_scores: Tensor | None = None) -> Tensor:
        """Return the generator's loss; if relativistic, the discriminator's with real and fake exchanged."""
        if self.relativistic == "none":
            return self.objective.generator(fake_scores)
        assert real_scores is not None, "a relativistic generator needs the scores of real samples"
        return self.discriminator(fake_scores, real_scores)

    def penalties(
        self,
        score: Score,
        real: Tensor,
        fake: Tensor,
        every: Callable[[int], bool],
        name: str = "penalty",
    ) -> dict[str, Tensor]:
        """Return `{name: penalty}` in rounds that have one, else an empty dict; `every` is the clock's."""
        if self.penalty is None or not every(self.penalty_interval):
            return {}
        return {name: self.penalty_weight * self.penalty_interval * self.penalty(score, real, fake)}

    def clip(self, discriminator: nn.Module) -> None:
        """Clamp the discriminator's weights to `clip_bound` after a step, if the penalty is `clip`."""
        if self.names[1] == "clip":
            clip_weights(discriminator.parameters(), self.clip_bound)
