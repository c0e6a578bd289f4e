"""Objectives: losses of both sides as functions of the discriminator's raw scores.

Scores are logits: the output of the last layer, before any sigmoid. They may have any shape, such as a
score for each patch.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganarium.losses.divergences import DIVERGENCES, Divergence

Loss = Callable[[Tensor], Tensor]


class Objective(NamedTuple):
    """Losses of single scores; all are minimised."""

    real: Loss
    """Discriminator's loss of scores of real samples."""
    fake: Loss
    """Discriminator's loss of scores of fake samples."""
    generator_loss: Loss
    """Generator's loss of scores of its fake samples."""

    def discriminator(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """Return the discriminator's mean loss, a scalar."""
        return self.real(real_scores).mean() + self.fake(fake_scores).mean()

    def generator(self, fake_scores: Tensor) -> Tensor:
        """Return the generator's mean loss, a scalar."""
        return self.generator_loss(fake_scores).mean()


def zero_sum(objective: Objective) -> Objective:
    """Let the generator maximise the discriminator's loss of fake samples (Goodfellow et al. 2014, eq. 1)."""
    return objective._replace(generator_loss=lambda fake: -objective.fake(fake))


def cross_entropy(real_label: float = 1.0) -> Objective:
    """Return the non-saturating objective (Goodfellow et al. 2014, sec. 3).

    The generator maximises log D(G(z)), with D the sigmoid of the score; its gradient does not vanish if
    the discriminator rejects every sample.

    Args:
        real_label: target probability of real samples. Less than one is one-sided label smoothing
            (Salimans et al. 2016, arXiv:1606.03498, sec. 3.4).
    """

    def smoothed(score: Tensor) -> Tensor:
        return real_label * softplus(-score) + (1 - real_label) * softplus(score)

    def unsmoothed(score: Tensor) -> Tensor:
        return softplus(-score)

    real = unsmoothed if real_label == 1 else smoothed
    return Objective(real=real, fake=softplus, generator_loss=unsmoothed)


def squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Objective:
    """Return the least-squares objective (Mao et al. 2017, arXiv:1611.04076, eq. 2).

    The targets are a for fake and b for real samples, and c for the generator's samples.
    With b - c = 1 and b - a = 2 the generator minimises the Pearson divergence (theorem 1).
    """

    def distance_to(target: float) -> Loss:
        return lambda score: (score - target).square() / 2

    return Objective(real=distance_to(b), fake=distance_to(a), generator_loss=distance_to(c))


def variational(divergence: Divergence) -> Objective:
    """Return the objective of a divergence (Nowozin et al. 2016, arXiv:1606.00709, eq. 6).

    The discriminator maximises the variational bound. The generator maximises the activated scores of its
    samples (sec. 3.2); with `zero_sum` it minimises the bound (algorithm 1).
    """

    def negative_activation(score: Tensor) -> Tensor:
        return -divergence.activation(score)

    fake = divergence.conjugate_of_activation
    return Objective(real=negative_activation, fake=fake, generator_loss=negative_activation)


non_saturating = cross_entropy()
"""Non-saturating objective (Goodfellow et al. 2014, sec. 3)."""

saturating = zero_sum(non_saturating)
"""Zero-sum cross-entropy: both sides play for the same value (Goodfellow et al. 2014, eq. 1)."""

least_squares = squares()
"""Least-squares objective with targets 0, 1, 1 (Mao et al. 2017, eq. 9)."""

hinge = Objective(
    real=lambda score: relu(1 - score), fake=lambda score: relu(1 + score), generator_loss=lambda fake: -fake
)
"""Hinge objective (Lim & Ye 2017, arXiv:1705.02894; as in Miyato et al. 2018, eq. 16 and 17)."""

wasserstein = Objective(
    real=lambda score: -score, fake=lambda score: score, generator_loss=lambda fake: -fake
)
"""Wasserstein objective for Lipschitz discriminators (Arjovsky et al. 2017, arXiv:1701.07875, eq. 2)."""

OBJECTIVES = {
    "non-saturating": non_saturating,
    "saturating": saturating,
    "least-squares": least_squares,
    "hinge": hinge,
    "wasserstein": wasserstein,
    **{name: variational(divergence) for name, divergence in DIVERGENCES.items()},
}
ObjectiveName = Literal[
    "non-saturating",
    "saturating",
    "least-squares",
    "hinge",
    "wasserstein",
    "total-variation",
    "kl",
    "reverse-kl",
    "pearson",
    "neyman",
    "squared-hellinger",
    "jensen-shannon",
    "gan",
]
