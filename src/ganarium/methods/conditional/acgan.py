r"""ACGAN: auxiliary classifier GAN (Odena et al. 2017, arXiv:1610.09585).

The generator is told a class; the discriminator is not, but names the class of what it sees by a second
head C on the same features. Both sides want it named rightly.

    discriminator   min  E[softplus(-D(x))] + E[softplus(D(G))] - w E[log C(c|x)] - w v E[log C(c|G)]
    generator       min  E[softplus(-D(G))] - w E[log C(c|G)]

with G = G(z, c), in the paper's words L_S + L_C and L_C - L_S (eq. 2 and 3); w is
`game.classification_weight`, and v `game.fake_classification_weight`.

Not to be confused with: `cgan`, whose discriminator is told the class; `projection-cgan`, which joins it
by an inner product. The classifier prefers samples that are easy to name: classes lose diversity as w
grows (`evaluate --metrics diversity` shows it).

Deviations from the paper:
1. Fake samples carry the labels of the real batch instead of labels drawn anew.
2. DCGAN's networks; the paper's discriminator is deeper and has dropout, too.
3. The turns share one fake batch; `game.resample_noise=true` draws anew for the generator.
4. The generator learns at 1e-3, five times as fast as in the paper, in batches of 32 instead of 100.
5. The classes weigh a fifth, and the discriminator's classifier learns from real samples alone
   (`game.classification_weight=1 game.fake_classification_weight=1` are the paper's): on handwritten digits
   each class came down to one picture otherwise, and where fake ones taught it, a wrong one.
6. Users get the averaged generator.

Tested by: a table discriminator, whose score is log p/q and whose classifier is (p(x|c) + v q(x|c)) over its
sum; a textbook loop; the world's shapes and handwritten digits drawn as asked, where learning rate zero
fails.
"""

from collections.abc import Callable
from typing import Any, Self

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganarium.core.game import Clock
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.two_player import ScoredTwoPlayerGame, TurnData
from ganarium.networks.conditioning import ConditionedGenerator, ConditionVector
from ganarium.networks.heads import MultiHead
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


class ACGAN(ScoredTwoPlayerGame):
    """A generator that is told a class, and a discriminator that names it.

    Args:
        generator: noise `[N, noise_dim]` and labels `[N]` to samples.
        discriminator: samples to `[N, 1 + K]`: the score, then a logit for each class.
        condition_dim: length of a label's vector, which joins the noise.
        classification_weight: of the classes' cross-entropies.
        fake_classification_weight: of fake samples' among the discriminator's, beside one for real samples'.

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        condition_dim: int = 16,
        classification_weight: float = 1.0,
        fake_classification_weight: float = 1.0,
        **others: Any,
    ):
        super().__init__(generator, discriminator, **others)
        self.classification_weight = classification_weight
        self.fake_classification_weight = fake_classification_weight

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Networks for samples of the data's shape and classes."""
        if spec.condition != "label":
            raise ValueError(
                f"this method is told classes, but data.condition is {spec.condition}; "
                "set data.condition=label"
            )
        size, classes = settings["condition_dim"], len(spec.classes)
        body = network("generator", settings["noise_dim"] + size, spec.shape)
        generator = ConditionedGenerator(body, ConditionVector((), classes, size), join="concatenate")
        return cls(generator, MultiHead(network("discriminator", spec.shape), classes), **settings)

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Tell real from fake, and name the class of both; of fake ones only as far as is asked."""
        real, fake, labels = turn_data
        assert labels is not None
        of_real, of_fake = scores(self.discriminator, real, fake)
        classification = cross_entropy(of_real[:, 1:], labels)
        if self.fake_classification_weight:
            of_fakes = cross_entropy(of_fake[:, 1:], labels)
            classification = classification + self.fake_classification_weight * of_fakes
        return {
            "adversarial": self.adversarial_loss.discriminator(of_real[:, 0], of_fake[:, 0]),
            "classification": self.classification_weight * classification,
            **self.adversarial_loss.penalties(lambda x: self.discriminator(x)[:, 0], real, fake, clock.every),
        }

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Be taken for real, and for the class that was asked for."""
        real, fake, labels = turn_data
        assert labels is not None
        fixed_discriminator = frozen(self.discriminator)
        of_fake = fixed_discriminator(fake)
        real_scores = fixed_discriminator(real)[:, 0] if self.adversarial_loss.compares else None
        return {
            "adversarial": self.adversarial_loss.generator(of_fake[:, 0], real_scores),
            "classification": self.classification_weight * cross_entropy(of_fake[:, 1:], labels),
        }

    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """A fake sample for each label, from fresh noise."""
        return self.generator(self.noise_for(count), condition)

    def generate(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples from noise `[N, noise_dim]`, one for each label."""
        if condition is None:
            raise ValueError("this model draws what it is told: name a class")
        return self.generator(noise, condition)


def recipe() -> Recipe:
    """Adam with momentum 0.5, for the discriminator at 2e-4 (appendix A), in DCGAN's networks."""
    return Recipe(
        method="acgan",
        images=5_000_000,
        batch_size=32,
        game={"classification_weight": 0.2, "fake_classification_weight": 0.0},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={
            "generator": {"kind": "adam", "lr": 1e-3, "betas": (0.5, 0.999)},
            "discriminator": {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)},
        },
        averages={"generator": Average(half_life_kimg=10)},
        data=Data(max_size=64, condition="label"),
    )


TINY = {
    "game": {"noise_dim": 4, "condition_dim": 4},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}

METHOD = Method("acgan", ACGAN, recipe, TINY)
