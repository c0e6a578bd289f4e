r"""What the two sides want, as functions of the discriminator's raw scores.

Scores are logits: $D(x)$ below is what the last layer puts out, before any sigmoid; any shape, so a
score a patch works, too.
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
    """The discriminator's, of the scores of real samples."""
    fake: Loss
    """The discriminator's, of the scores of fake samples."""
    generator_wants: Loss
    """The generator's, of the scores of its fake samples."""

    def discriminator(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """The discriminator's loss; one value."""
        return self.real(real_scores).mean() + self.fake(fake_scores).mean()

    def generator(self, fake_scores: Tensor) -> Tensor:
        """The generator's loss; one value."""
        return self.generator_wants(fake_scores).mean()


def zero_sum(objective: Objective) -> Objective:
    """The generator raises just what the discriminator lowers (Goodfellow et al. 2014, eq. 1)."""
    return objective._replace(generator_wants=lambda fake: -objective.fake(fake))


def cross_entropy(real_label: float = 1.0) -> Objective:
    """Goodfellow et al. 2014, sec. 3: the generator maximises log D(G(z)), which does not flatten out.

    Args:
        real_label: the probability that the discriminator is taught to give real samples. Less than one is
            one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, sec. 3.4).
    """

    def real(score: Tensor) -> Tensor:
        return real_label * softplus(-score) + (1 - real_label) * softplus(score)

    def yes(score: Tensor) -> Tensor:
        return softplus(-score)

    return Objective(real=yes if real_label == 1 else real, fake=softplus, generator_wants=yes)


def squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Objective:
    """Mao et al. 2017, arXiv:1611.04076, eq. 2: targets a for fake, b for real, c for the generator's fake.

    With b - c = 1 and b - a = 2 the generator minimises the Pearson divergence (theorem 1).
    """

    def to(target: float) -> Loss:
        return lambda score: (score - target).square() / 2

    return Objective(real=to(b), fake=to(a), generator_wants=to(c))


def variational(divergence: Divergence) -> Objective:
    """Nowozin et al. 2016, arXiv:1606.00709, eq. 6: the discriminator raises the variational bound.

    The generator raises what real samples would score (sec. 3.2); `zero_sum` has it lower the bound
    (algorithm 1).
    """

    def yes(score: Tensor) -> Tensor:
        return -divergence.activation(score)

    return Objective(real=yes, fake=divergence.conjugate_of_activation, generator_wants=yes)


non_saturating = cross_entropy()
"""Goodfellow et al. 2014, sec. 3."""

saturating = zero_sum(non_saturating)
"""Goodfellow et al. 2014, eq. 1: both play for the same value."""

least_squares = squares()
"""Mao et al. 2017, eq. 9."""

hinge = Objective(
    real=lambda score: relu(1 - score), fake=lambda score: relu(1 + score), generator_wants=lambda fake: -fake
)
"""Lim & Ye 2017, arXiv:1705.02894; as in Miyato et al. 2018, eq. 16 and 17."""

wasserstein = Objective(
    real=lambda score: -score, fake=lambda score: score, generator_wants=lambda fake: -fake
)
"""Arjovsky et al. 2017, arXiv:1701.07875, eq. 2; means something only for a Lipschitz discriminator."""

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
