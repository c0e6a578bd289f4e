r"""DTN: unsupervised cross-domain image generation (Taigman et al. 2017, arXiv:1611.02200).

The domain transfer network says what a picture shows with a frozen function f and draws that anew: G =
g(f(x)). Only g learns. A picture of the target domain b is to come out as it is, and whatever comes out is
to have the code of what went in: semantic consistency, the same code before and after. The discriminator has
three classes: drawn from a, drawn from b, and real (sec. 4).

    discriminator   min  -E[log D_1(G(a))] - E[log D_2(G(b))] - E[log D_3(b)]
    generator       min  -E[log D_3(G(a))] - E[log D_3(G(b))] + constancy_weight d(f(a), f(G(a)))
                         + identity_weight E[(G(b) - b)^2] + smoothness_weight TV(G)

d is the mean squared distance; `game.distance=cosine` compares directions alone. TV is the total variation.
`game.constancy_weight=0` and `game.identity_weight=0` are the paper's ablations (sec. 5).

What f does not see cannot come back, and what it sees of the style stays. The paper's f had learned to tell
digits or faces apart; `networks.features.kind=vgg` is a layer of a VGG trained on ImageNet, whose weights
you give as `networks.features.file`. `edges`, the default, needs no file and is not learned: where lightness
changes, whether up or down, and what is how coloured, at half the size.

On the world's plain pictures of 16x16 turned into inked ones (`--preset world`), unseen scenes are right in
0.93 to 0.97 of cases (chance 0.04). Without the constancy they still are in 0.90, since f sees nearly the
same in both styles, so that the identity alone teaches g to draw; without both in 0.15.

Not to be confused with: `xgan` and `unit`, which learn the code; `direct-translation`, whose generator sees
the picture itself and whose frozen network only compares.

Deviations from the paper:
1. f gives maps with their places, the paper's a vector; and it is made by hand where no file is given.
2. g is the second half of a residual translator, and the discriminator one of patches, so that pictures may
   have any size.
3. Terms are means, not sums over the samples. Rates and batches are this library's.

Tested by: a textbook loop; the world's drawings turned into inked ones, where a learning rate of zero and
the game without its constancy and identity fail.
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
from ganarium.methods.translators import Direction, UnpairedTranslator, check_domains
from ganarium.networks import DECODERS, FEATURES, PATCH_DISCRIMINATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.ops.scoring import frozen, scores
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe

DRAWN_FROM_SOURCE, DRAWN_FROM_TARGET, REAL = range(3)
"""The discriminator's classes, D_1 to D_3."""


class DTN(UnpairedTranslator):
    """A frozen code, a generator that draws it, and a discriminator of three classes.

    Args:
        generator: g, maps of f to pictures of the second domain, in [-1, 1].
        discriminator: pictures to logits of patches `[N, 3, h, w]`, or a list of such: drawn from the first
            domain, from the second, real.
        features: f, pictures `[N, C, H, W]` to maps of what they show; frozen.
        constancy_weight: of the distance between the codes before and after (alpha).
        identity_weight: of the squared distance of a picture of the second domain and itself drawn (beta).
        smoothness_weight: of the total variation of what is drawn (gamma).
        distance: between codes: mean squared, or one minus the cosine of a place's channels.
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
        """Networks for two domains of pictures of the data's shape."""
        check_domains(spec)
        channels = spec.shape[0]
        features = network("features", channels)
        generator = network("generator", features.width, channels, features.halvings)
        return cls(generator, network("discriminator", channels, 3), features, **settings)

    @property
    def multiple(self) -> Any:
        """Of what height and width are multiples."""
        return self.features.multiple

    def forward(self, pictures: Tensor) -> Tensor:
        """G = g(f(x))."""
        return self.generator(self.features(pictures))

    def translator(self, way: Direction) -> nn.Module:
        """The whole: there is one way."""
        return self

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Iterator[Turn]:
        """The discriminator moves, then the generator against it; the drawn batches serve both."""
        source, target = next(data).domains
        with torch.no_grad():
            code = padded_forward(self.features, source)
        drawn, again = padded_forward(self, source), padded_forward(self, target)

        of_drawn, of_again, of_real = scores(self.discriminator, drawn.detach(), again.detach(), target)
        loss = minus_log(of_drawn, DRAWN_FROM_SOURCE) + minus_log(of_again, DRAWN_FROM_TARGET)
        yield turn(self.discriminator, adversarial=loss + minus_log(of_real, REAL))

        fixed_discriminator = frozen(self.discriminator)
        terms = {
            "adversarial": minus_log(fixed_discriminator(drawn), REAL)
            + minus_log(fixed_discriminator(again), REAL)
        }
        if self.constancy_weight:
            terms["constancy"] = self.constancy_weight * self.distance(
                padded_forward(self.features, drawn), code
            )
        if self.identity_weight:
            terms["identity"] = self.identity_weight * mse_loss(again, target)
        if self.smoothness_weight:
            terms["smoothness"] = self.smoothness_weight * total_variation(torch.cat([drawn, again]))
        yield turn(self.generator, **terms)


def minus_log(logits: Tensor | list[Tensor], kind: int) -> Tensor:
    """-log D_kind, the mean over patches of their logits `[N, 3, h, w]`; summed over scales."""
    scales = [logits] if isinstance(logits, Tensor) else logits
    losses = [-scale.log_softmax(1)[:, kind].mean() for scale in scales]
    return torch.stack(losses).sum()


def cosine_distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """One minus the mean cosine of the channels at each place of maps `[N, C, h, w]`."""
    return 1 - cosine_similarity(ours, theirs).mean()


def total_variation(pictures: Tensor) -> Tensor:
    """The mean length of the slope at each pixel of `[N, C, H, W]`."""
    here = pictures[..., :-1, :-1]
    squares = (pictures[..., :-1, 1:] - here).square() + (pictures[..., 1:, :-1] - here).square()
    return (squares + 1e-12).sqrt().mean()  # a slope of zero has no derivative


def recipe() -> Recipe:
    """The paper's weights for digits; the rest is this library's."""
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
