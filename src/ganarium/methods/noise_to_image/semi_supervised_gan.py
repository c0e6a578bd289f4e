r"""Semi-supervised-GAN: Improved techniques for training GANs (Salimans et al. 2016, arXiv:1606.03498).

A classifier learns from a few labelled samples and many unlabelled ones (sec. 5). It is the discriminator:
it puts out a logit D_k for each of K classes, and "generated" is one class more, whose logit is held at
zero. So S(x) = log sum_k exp D_k(x) is the logit of "real", and what is real has to be of some class. The
generator matches the means of the discriminator's features f (sec. 3.1).

    discriminator   min  E[-log softmax(D(x))_y] + E[softplus(-S(x))] + E[softplus(S(G(z)))]
    generator       min  |E[f(x)] - E[f(G(z))]|^2

The first mean is over labelled samples, the others are over all. `data.labeled_samples=100` keeps so many
labels;
pictures in a folder named `unlabeled` have none to begin with. `game.unlabelled_weight=0` is the control:
the same classifier, taught by the labelled samples alone. Unlabelled samples help where those of a class
lie together; where they do not, as the built-in world's shapes, a generator that is to be taken for real
(`game.adversarial_weight=1`, the preset `world`) gives the discriminator better features.

Not to be confused with: `acgan`, whose generator is told a class, and which needs every label.

Deviations from the paper:
1. DCGAN's networks with batch norm in both players, and Adam 1e-3; the paper has perceptrons with weight
   norm and Gaussian noise for digits, and a larger convolutional network for photographs.
2. Real samples, labelled ones and fake ones each make a batch of their own for batch norm's statistics.
3. The loss is the paper's sum; its authors' program halves the two unsupervised means.
4. Users get the averages of both players.

Tested by: the optimum of a table classifier; a textbook loop over K + 1 classes; digits and the world's
shapes held back, over three seeds, each beside its control. After 40,000 images with 100 labels of 4,000
digits it names 86.5 to 90.5 % of others (control 71.6 to 75.6 %, without batch norm 74.7 to 77.8 %); after
80,000 with 60 labels of 4,000 shapes, preset `world`, 60.8 to 73.2 % (control 37.5 to 56.1 %, without batch
norm 53.6 to 61.7 %). With the features matched, on those shapes it was worse than its control.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganarium.core.game import Clock
from ganarium.data.batches import Conditioned, SemiSupervisedBatch
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.two_player import ScoredTwoPlayerGame, TurnData
from ganarium.networks.heads import ClassLogits
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Recipe


def realness(logits: Tensor) -> Tensor:
    """The logit of "real", `[N]`: what the classes' logits `[N, K]` come to beside that of "generated", 0."""
    return logits.logsumexp(1)


class SemiSupervisedGAN(ScoredTwoPlayerGame):
    """A generator, and a classifier that refuses what is generated.

    Args:
        generator: noise `[N, noise_dim]` to samples.
        discriminator: samples to the classes' logits `[N, K]`.
        unlabelled_weight: of telling real from fake; 0 leaves the classifier to the labelled samples.

    The other arguments are those of `TwoPlayerGame` and `AdversarialLoss`.
    """

    saved_networks: ClassVar = ("generator", "discriminator")

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, *, unlabeled_weight: float = 1.0, **others: Any
    ):
        super().__init__(generator, discriminator, **others)
        self.unlabeled_weight = unlabeled_weight

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Networks for samples of the data's shape and classes."""
        if not spec.labeled:
            raise ValueError(
                "this method learns from samples of which some have labels: set data.labeled_samples to how "
                "many keep theirs, data.labeled_samples=100 say, and leave data.condition out"
            )
        generator = network("generator", settings["noise_dim"], spec.shape)
        classifier = ClassLogits(network("discriminator", spec.shape), len(spec.classes))
        return cls(generator, classifier, **settings)

    def condition_of(self, batch: SemiSupervisedBatch) -> Conditioned:
        """The labelled samples beside a batch."""
        return batch.labeled

    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Name the classes of labelled samples; tell real samples of any class from fake ones."""
        real, fake, (labeled, labels) = turn_data
        if not self.unlabeled_weight:
            return {"supervised": cross_entropy(self.discriminator(labeled), labels)}
        of_labeled, of_real, of_fake = scores(self.discriminator, labeled, real, fake)
        adversarial = self.adversarial_loss.discriminator(realness(of_real), realness(of_fake))
        return {
            "supervised": cross_entropy(of_labeled, labels),
            "adversarial": self.unlabeled_weight * adversarial,
            **self.adversarial_loss.penalties(
                lambda x: realness(self.discriminator(x)), real, fake, clock.every
            ),
        }

    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Be taken for real."""
        fixed_discriminator = frozen(self.discriminator)
        real_scores = (
            realness(fixed_discriminator(turn_data.real)) if self.adversarial_loss.compares else None
        )
        return {
            "adversarial": self.adversarial_loss.generator(
                realness(fixed_discriminator(turn_data.fake)), real_scores
            )
        }

    def realness(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        """How real samples look to the classifier, `[N]`."""
        return realness(self.discriminator(samples))

    def classify(self, samples: Tensor) -> Tensor:
        """Probabilities of the classes, `[N, K]`."""
        return self.discriminator(samples).float().softmax(1)


def recipe() -> Recipe:
    """The generator matches features and nothing else, as in section 5."""
    adam = {"kind": "adam", "lr": 1e-3, "betas": (0.5, 0.999)}
    return Recipe(
        method="semi-supervised-gan",
        images=500_000,
        batch_size=64,
        game={"adversarial_weight": 0.0, "feature_matching_weight": 1.0},
        networks={"generator": {"kind": "dcgan"}, "discriminator": {"kind": "dcgan"}},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": Average(half_life_kimg=10), "discriminator": Average(half_life_kimg=10)},
        data=Data(max_size=32, labeled_samples=100),
    )


TINY = {
    "game": {"noise_dim": 4},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
    "data": {"labeled_samples": 6},
}

METHOD = Method("semi-supervised-gan", SemiSupervisedGAN, recipe, TINY)
