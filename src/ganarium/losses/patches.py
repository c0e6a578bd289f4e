"""Adversarial losses of score maps, at one scale or several."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.objectives import Objective
from ganarium.ops.scoring import frozen, scores

Scores = Tensor | Sequence[Tensor]
"""Patch scores `[N, 1, h, w]`; with several scales a list of them."""


class PatchAdversarialLoss(AdversarialLoss):
    """Adversarial loss of patch scores.

    Least squares are not halved here: the papers on translation use $(D - 1)^2$.

    Args:
        objective: losses of a score; see `ganarium.losses.objectives`.
        over_scales: sum or mean of the losses of several scales.

    The other arguments are those of `AdversarialLoss`.
    """

    def __init__(
        self,
        *,
        objective: Literal["non-saturating", "least-squares", "hinge", "wasserstein"] = "least-squares",
        over_scales: Literal["sum", "mean"] = "sum",
        **others: Any,
    ):
        super().__init__(objective=objective, **others)
        self.over_scales = over_scales
        if objective == "least-squares":
            self.objective = _doubled(self.objective)

    def discriminator(self, real_scores: Scores, fake_scores: Scores) -> Tensor:
        """Return the discriminator's loss of real and fake patches, a scalar."""
        if isinstance(real_scores, Tensor) and isinstance(fake_scores, Tensor):
            return super().discriminator(real_scores, fake_scores)
        pairs = zip(real_scores, fake_scores, strict=True)
        return self._over(super(PatchAdversarialLoss, self).discriminator(*pair) for pair in pairs)

    def generator(self, fake_scores: Scores, real_scores: Scores | None = None) -> Tensor:
        """Return the generator's loss, a scalar."""
        if isinstance(fake_scores, Tensor):
            assert real_scores is None or isinstance(real_scores, Tensor)
            return super().generator(fake_scores, real_scores)
        real: Any = real_scores or [None] * len(fake_scores)
        pairs = zip(fake_scores, real, strict=True)
        return self._over(super(PatchAdversarialLoss, self).generator(*pair) for pair in pairs)

    def discriminator_terms(
        self,
        discriminator: nn.Module,
        real: Tensor,
        fake: Tensor,
        every: Callable[[int], bool],
        *,
        weight: float = 0.5,
    ) -> dict[str, Tensor]:
        """Return the discriminator's loss, times `weight`, and its penalty; `every` is the clock's."""
        fake_scores, real_scores = scores(discriminator, fake.detach(), real)
        adversarial = weight * self.discriminator(real_scores, fake_scores)
        penalties = self.penalties(lambda samples: verdicts(discriminator(samples)), real, fake, every)
        return {"adversarial": adversarial, **penalties}

    def generator_term(self, discriminator: nn.Module, fake: Tensor, real: Tensor) -> Tensor:
        """Return the generator's loss; the discriminator's weights are constant."""
        fixed_discriminator = frozen(discriminator)
        return self.generator(fixed_discriminator(fake), fixed_discriminator(real) if self.compares else None)

    def _over(self, losses: Any) -> Tensor:
        each = list(losses)
        total: Tensor = sum(each)
        return total / len(each) if self.over_scales == "mean" else total


def verdicts(patch_scores: Scores) -> Tensor:
    """Return one score an image, `[N]`: the mean over its patches, summed over the scales."""
    scales = [patch_scores] if isinstance(patch_scores, Tensor) else patch_scores
    total: Tensor = sum(scale.flatten(1).mean(1) for scale in scales)  # type: ignore[assignment]
    return total


def layers_of(discriminator: nn.Module) -> Callable[[Tensor], list[list[Tensor]]]:
    """Return a function of images: for each scale the outputs of all layers, from the first to the scores.

    The discriminator's weights are constant.
    """

    def layers(images: Tensor) -> list[list[Tensor]]:
        features = frozen(discriminator, "features")(images)
        return [features] if isinstance(features[0], Tensor) else features

    return layers


def layer_distances(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Compute feature matching losses (Wang et al. 2018, arXiv:1711.11585, eq. 4).

    Returns:
        `[scales, layers]`, the mean absolute difference in each layer but the scores.
    """
    scales = [
        torch.stack([l1_loss(of_fake, of_real) for of_real, of_fake in zip(*scale, strict=True)][:-1])
        for scale in zip(real, fake, strict=True)
    ]
    return torch.stack(scales)


def _doubled(objective: Objective) -> Objective:
    return Objective(*((lambda score, loss=loss: 2 * loss(score)) for loss in objective))
