r"""DTN: unsupervised cross-domain image generation (Taigman et al. 2017, arXiv:1611.02200).

The domain transfer network encodes an image with a frozen function f and generates the translation from the
code: G = g(f(x)). Only g is trained. The identity term makes G reproduce images of the target domain b. The
constancy term makes the code of an output equal the code of its input (semantic consistency). The
discriminator has three classes: generated from a, generated from b, and real (sec. 4).

    discriminator   min  -E[log D_1(G(a))] - E[log D_2(G(b))] - E[log D_3(b)]
    generator       min  -E[log D_3(G(a))] - E[log D_3(G(b))] + constancy_weight d(f(a), f(G(a)))
                         + identity_weight E[(G(b) - b)^2] + smoothness_weight TV(G)

d is the mean squared distance; `game.distance=cosine` compares only the directions of codes. TV is the total
variation. `game.constancy_weight=0` and `game.identity_weight=0` are the paper's ablations (sec. 5).

Content that f does not represent is lost, and style that f represents remains. The paper's f is a classifier
of digits or faces. `networks.features.kind=vgg` is a layer of a VGG trained on ImageNet; you give its weights
as `networks.features.file`. `edges`, the default, needs no file and is not learned: it computes the strength
of changes in lightness, without their sign, and the colours, at half the size.

With `--preset world` (plain drawings of the built-in world, 16x16, translated into inked ones), unseen scenes
are correct in 0.93 to 0.97 of cases (chance level 0.04). Without the constancy term it is still 0.90: f gives
nearly the same code for both styles, so that the identity term alone trains g. Without both terms it is 0.15.

Not to be confused with: `xgan` and `unit`, which learn the code; `direct-translation`, whose generator is
given the image itself and whose frozen network is only in the loss.

Deviations from the paper:
1. f computes feature maps, the paper's f a vector; f is hand-made if no file is given.
2. g is the second half of a residual translator, and the discriminator scores patches, so that images may
   have any size.
3. Terms are means, not sums over the samples. Learning rates and batch sizes are this library's.

Tested by: a textbook loop; a learning test on the built-in world (plain drawings translated into inked
ones), which fails with a learning rate of zero and without the constancy and identity terms.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, mse_loss

from ganarium.core.game import Clock, Turn, turn
from ganarium.data.batches import Unpaired
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.translators import UnpairedTranslator, check_domains
from ganarium.networks import DECODERS, FEATURES, PATCH_DISCRIMINATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.translate import Direction

FROM_SOURCE, FROM_TARGET, REAL = range(3)
"""Classes of the discriminator, D_1 to D_3: generated from the first domain, from the second, and real."""


class DTN(UnpairedTranslator):
    """DTN: a frozen encoder, a generator that decodes its codes, and a discriminator of three classes.

    Args:
        generator: g, maps codes of f to images of the second domain, in [-1, 1].
        discriminator: maps images to logits of patches `[N, 3, h, w]`, or to a list of such. The classes are:
            generated from the first domain, generated from the second, real.
        features: f, maps images `[N, C, H, W]` to feature maps; frozen.
        constancy_weight: weight of the distance between the codes of input and output (alpha).
        identity_weight: weight of the mean squared distance between an image of the second domain and its
            output (beta).
        smoothness_weight: weight of the total variation of the outputs (gamma).
        distance: distance between codes: `l2`, mean squared, or `cosine`, one minus the cosine over channels.
    """

    directions: tuple[Direction, ...] = ((0, 1),)
    roles: ClassVar = {"generator": DECODERS, "discriminator": PATCH_DISCRIMINATORS, "features": FEATURES}
    saved_networks: ClassVar = ("generator", "features")

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        features: nn.Module,
        *,
        constancy_weight: float = 15.0,
        identity_weight: float = 15.0,
        smoothness_weight: float = 0.0,
        distance: Literal["l2", "cosine"] = "l2",
    ):
        super().__init__()
        self.generator, self.discriminator, self.features = generator, discriminator, features
        self.constancy_weight = constancy_weight
        self.identity_weight = identity_weight
        self.smoothness_weight = smoothness_weight
        self.distance = mse_loss if distance == "l2" else cosine_distance

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for two domains of images of the data's shape."""
        check_domains(spec)
        channels = spec.shape[0]
        features = network("features", channels)
        generator = network("generator", features.width, channels, features.halvings)
        return cls(generator, network("discriminator", channels, 3), features, **settings)

    @property
    def multiple(self) -> Any:
        """Number that height and width must be multiples of."""
        return self.features.multiple

    def forward(self, images: Tensor) -> Tensor:
        """Return the translations G(x) = g(f(x)), `[N, C, H, W]`."""
        return self.generator(self.features(images))

    def translator(self, direction: Direction) -> nn.Module:
        """Return this game itself, whose `forward` is the only direction."""
        return self

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Iterator[Turn]:
        """Update the discriminator, then the generator, on the same generated batches."""
        source, target = next(data).domains
        with torch.no_grad():
            code = padded_forward(self.features, source)
        fake, identity = padded_forward(self, source), padded_forward(self, target)

        fake_logits, identity_logits, real_logits = scores(
            self.discriminator, fake.detach(), identity.detach(), target
        )
        loss = minus_log(fake_logits, FROM_SOURCE) + minus_log(identity_logits, FROM_TARGET)
        yield turn(self.discriminator, adversarial=loss + minus_log(real_logits, REAL))

        fixed_discriminator = frozen(self.discriminator)
        terms = {
            "adversarial": minus_log(fixed_discriminator(fake), REAL)
            + minus_log(fixed_discriminator(identity), REAL)
        }
        if self.constancy_weight:
            terms["constancy"] = self.constancy_weight * self.distance(
                padded_forward(self.features, fake), code
            )
        if self.identity_weight:
            terms["identity"] = self.identity_weight * mse_loss(identity, target)
        if self.smoothness_weight:
            terms["smoothness"] = self.smoothness_weight * total_variation(torch.cat([fake, identity]))
        yield turn(self.generator, **terms)


def minus_log(logits: Tensor | list[Tensor], index: int) -> Tensor:
    """Return -log of the probability of class `index`, the mean over patches, summed over scales.

    Args:
        logits: logits of patches, `[N, 3, h, w]`, or a list of such, one for each scale.
        index: one of `FROM_SOURCE`, `FROM_TARGET` and `REAL`.
    """
    scales = [logits] if isinstance(logits, Tensor) else logits
    losses = [-scale.log_softmax(1)[:, index].mean() for scale in scales]
    return torch.stack(losses).sum()


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return one minus the cosine over the channels of maps `[N, C, h, w]`, the mean over positions."""
    return 1 - cosine_similarity(a, b).mean()


def total_variation(images: Tensor) -> Tensor:
    """Return the mean norm of the image gradient over the pixels of `[N, C, H, W]`."""
    corner = images[..., :-1, :-1]
    squares = (images[..., :-1, 1:] - corner).square() + (images[..., 1:, :-1] - corner).square()
    return (squares + 1e-12).sqrt().mean()  # the square root has no derivative at zero


def recipe() -> Recipe:
    """Return the paper's weights for digits; all other settings are this library's."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="dtn",
        images=1_000_000,
        batch_size=16,
        networks={
            "generator": {"kind": "residual"},
            "discriminator": {"kind": "patch"},
            "features": {"kind": "edges", "halvings": 1},
        },
        optimizers={"generator": adam, "discriminator": adam},
        data=Data(max_size=128, condition="domains"),
    )


TINY = {
    "networks": {
        "generator": {"width": 4, "blocks": 1},
        "discriminator": {"width": 4, "layers": 1},
    },
}

METHOD = Method("dtn", DTN, recipe, TINY)
