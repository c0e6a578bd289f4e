"""Objectives over maps of scores, at one scale or at several."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.objectives import Objective
from ganarium.ops.scoring import frozen, scores

Scores = Tensor | Sequence[Tensor]
"""Of patches, `[N, 1, h, w]`; a list of such where there are several scales."""


class PatchAdversarialLoss(AdversarialLoss):
    """A dispute over scores of patches.

    Least squares are not halved here: the papers of translation write $(D - 1)^2$.

    Args:
        objective: what is made of a score; see `ganarium.losses.objectives`.
        over_scales: whether the losses of several scales are added up or averaged.

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
        """The discriminator's loss, of real and fake patches together."""
        if isinstance(real_scores, Tensor) and isinstance(fake_scores, Tensor):
            return super().discriminator(real_scores, fake_scores)
        pairs = zip(real_scores, fake_scores, strict=True)
        return self._over(super(PatchAdversarialLoss, self).discriminator(*pair) for pair in pairs)

    def generator(self, fake_scores: Scores, real_scores: Scores | None = None) -> Tensor:
        """The generator's loss."""
        if isinstance(fake_scores, Tensor):
            assert real_scores is None or isinstance(real_scores, Tensor)
            return super().generator(fake_scores, real_scores)
        beside: Any = real_scores or [None] * len(fake_scores)
        pairs = zip(fake_scores, beside, strict=True)
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
        """What a discriminator descends on: both losses, halved, and its penalty; `every` is the clock's."""
        fake_scores, real_scores = scores(discriminator, fake.detach(), real)
        adversarial = weight * self.discriminator(real_scores, fake_scores)
        penalties = self.penalties(lambda samples: verdicts(discriminator(samples)), real, fake, every)
        return {"adversarial": adversarial, **penalties}

    def generator_term(self, discriminator: nn.Module, fake: Tensor, real: Tensor) -> Tensor:
        """What a generator descends on, the discriminator's weights held constant."""
        fixed_discriminator = frozen(discriminator)
        return self.generator(fixed_discriminator(fake), fixed_discriminator(real) if self.compares else None)

    def _over(self, losses: Any) -> Tensor:
        each = list(losses)
        whole: Tensor = sum(each)
        return whole / len(each) if self.over_scales == "mean" else whole


def verdicts(of_patches: Scores) -> Tensor:
    """One score a picture, `[N]`: the mean over its patches, summed over the scales."""
    scales = [of_patches] if isinstance(of_patches, Tensor) else of_patches
    whole: Tensor = sum(scores.flatten(1).mean(1) for scores in scales)  # type: ignore[assignment]
    return whole


def layers_of(discriminator: nn.Module) -> Callable[[Tensor], list[list[Tensor]]]:
    """What a discriminator's layers say of pictures, scale by scale, from the first to the scores.

    Its weights are held constant.
    """

    def said(pictures: Tensor) -> list[list[Tensor]]:
        features = frozen(discriminator, "features")(pictures)
        return [features] if isinstance(features[0], Tensor) else features

    return said


def layer_distances(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Feature matching: `[scales, layers]`, the mean absolute difference in each layer but the scores.

    (Wang et al. 2018, arXiv:1711.11585, eq. 4.)
    """
    scales = [
        torch.stack([l1_loss(of_fake, of_real) for of_real, of_fake in zip(*scale, strict=True)][:-1])
        for scale in zip(real, fake, strict=True)
    ]
    return torch.stack(scales)


def _doubled(halved: Objective) -> Objective:
    return Objective(*((lambda score, loss=loss: 2 * loss(score)) for loss in halved))
