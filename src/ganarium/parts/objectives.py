r"""What the two sides want, as pairs of functions of the discriminator's raw scores.

Scores are logits: $D(x)$ below is what the last layer puts out, before any sigmoid; any shape, so a
score a patch works, too.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus


class Objective(NamedTuple):
    """Both are minimised: `discriminator(real_scores, fake_scores)` and `generator(fake_scores)`."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


saturating = Objective(
    discriminator=lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
    generator=lambda fake: -softplus(fake).mean(),
)
"""Goodfellow et al. 2014, eq. 1: both play for the same value."""

non_saturating = saturating._replace(generator=lambda fake: softplus(-fake).mean())
"""Goodfellow et al. 2014, sec. 3: the generator maximises log D(G(z)), which does not flatten out."""

least_squares = Objective(
    discriminator=lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
    generator=lambda fake: (fake - 1).square().mean() / 2,
)
"""Mao et al. 2017, arXiv:1611.04076, eq. 9: targets 1 for real, 0 for fake, 1 for the generator."""

hinge = Objective(
    discriminator=lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
    generator=lambda fake: -fake.mean(),
)
"""Lim & Ye 2017, arXiv:1705.02894; as in Miyato et al. 2018, eq. 16 and 17."""

wasserstein = Objective(
    discriminator=lambda real, fake: fake.mean() - real.mean(),
    generator=lambda fake: -fake.mean(),
)
"""Arjovsky et al. 2017, arXiv:1701.07875, eq. 2; means something only for a Lipschitz discriminator."""

OBJECTIVES = {
    "non-saturating": non_saturating,
    "saturating": saturating,
    "least-squares": least_squares,
    "hinge": hinge,
    "wasserstein": wasserstein,
}
ObjectiveName = Literal["non-saturating", "saturating", "least-squares", "hinge", "wasserstein"]
