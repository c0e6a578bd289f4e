r"""CycleGAN: unpaired translation with cycle-consistent networks (Zhu et al. 2017, arXiv:1703.10593).

The data are two folders of images, of domain a and of domain b, without pairs. F translates a into b, G
translates b into a. A discriminator of the target domain scores each translation. The cycle losses pull the
reconstructions G(F(a)) and F(G(b)) to the inputs (eq. 1 to 3, with the squares of sec. 4).

    discriminator_b   min  (E[(D_b(b) - 1)^2] + E[D_b(F(a))^2]) / 2
    discriminator_a   min  (E[(D_a(a) - 1)^2] + E[D_a(G(b))^2]) / 2
    a_to_b            min  E[(D_b(F(a)) - 1)^2] + E[(D_a(G(b)) - 1)^2]
                           + cycle_weight (E|G(F(a)) - a| + E|F(G(b)) - b|)
                           + cycle_weight identity_weight (E|F(b) - b| + E|G(a) - a|)
    b_to_a            min  the same sum, in the same update

The discriminators score fakes from a pool of the last 50 (Shrivastava et al. 2017, sec. 2.3). The identity
term preserves colours (sec. 5.2). `game.cycle=forward` and `backward` use one of the two cycle losses
(sec. 5.1.4). The literature also has `game.distance=l2`, `game.objective=non-saturating` and
`networks.translator.kind=unet`.

Warning: the cycle loss does not measure the quality of a translation. F can hide the information that G needs
in its output, invisible to the eye (Chu et al. 2017, arXiv:1712.02950). Trained to translate drawings of the
built-in world into blank images, F changed the blank images by two levels of 255, and G reconstructed the
drawings (mean error 0.11 to 0.14, against 0.25 to 0.32 from truly blank images); noise of four levels
increased the error by a third.

The instance norms of a residual translator remove the strength of a colour. On the built-in world it merged
or exchanged colours (half of them were correct). A U-Net, whose outermost skip connection bypasses the norms
(`--preset world`), translated every unseen drawing correctly after 2,400 images, in both directions.

Not to be confused with: `discogan` and `dualgan`, the same game with other losses, published in the same
spring; `unit`, whose two directions share a code; `pix2pix`, which is trained on pairs.

Deviations from the paper:
1. The identity term is on, with half the weight of the cycle loss, as in the official program for photos.
2. The learning rate falls linearly over the second half of `images`; the paper's halves are 100 passes each.
3. Nine residual blocks for sides of 200 pixels and more, six below; the paper has the same for its sizes, 256
   and 128.
4. No random jitter (286 pixels cropped to 256 in the official program) unless `data.load_size` is set.

Tested by: a textbook loop; the official program's losses of two training steps and weights after one; a
learning test on the built-in world (plain drawings translated into inked ones and back), which fails with a
learning rate of zero; a test of the hidden information, which is absent without the cycle loss.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from ganarium.core.game import Clock, Turn, turn
from ganarium.data.batches import Unpaired
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.losses.patches import PatchAdversarialLoss
from ganarium.methods.translators import UnpairedTranslator, check_domains, forward_batches
from ganarium.networks import PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.ops.image_pool import Pool
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.translate import Direction

PLAYERS = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")


class CycleGAN(UnpairedTranslator):
    """CycleGAN: two translators in opposite directions, and a discriminator for each domain.

    Args:
        a_to_b: maps images of the first domain, `[N, C, H, W]`, to images of the second, in [-1, 1].
        b_to_a: maps images of the second domain to images of the first.
        discriminator_a: maps images of the first domain to scores of patches.
        discriminator_b: maps images of the second domain to scores of patches.
        cycle_weight: weight of the distance between an image and its cycle reconstruction, the mean over
            pixels and channels.
        identity_weight: weight of the L1 distance between an image and its translation into its own domain,
            as a share of `cycle_weight`.
        cycle: cycle losses in use: `both`, `forward` (a to b to a), `backward`, or `none`.
        distance: distance of the cycle losses, `l1` or `l2` (squared).
        pool_size: number of fakes stored for each discriminator; 0 scores the newest only.
        discriminator_updates: updates of each discriminator in a round.

    The other arguments are those of `PatchAdversarialLoss`.
    """

    roles: ClassVar = {"translator": TRANSLATORS, "discriminator": PATCH_DISCRIMINATORS}
    saved_networks: ClassVar = ("a_to_b", "b_to_a")
    settings_from: ClassVar = (PatchAdversarialLoss,)

    def __init__(
        self,
        a_to_b: nn.Module,
        b_to_a: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        *,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        cycle: Literal["both", "forward", "backward", "none"] = "both",
        distance: Literal["l1", "l2"] = "l1",
        pool_size: int = 50,
        discriminator_updates: int = 1,
        **loss_settings: Any,
    ):
        super().__init__()
        self.a_to_b, self.b_to_a = a_to_b, b_to_a
        self.discriminator_a, self.discriminator_b = discriminator_a, discriminator_b
        self.pool_a, self.pool_b = Pool(pool_size), Pool(pool_size)
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.forward_cycle = cycle in ("both", "forward")
        self.backward_cycle = cycle in ("both", "backward")
        self.distance = l1_loss if distance == "l1" else mse_loss
        self.discriminator_updates = discriminator_updates
        self.adversarial_loss = PatchAdversarialLoss(**loss_settings)
        self.adversarial_loss.check(discriminator_a)

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for two domains of images of the data's shape."""
        check_domains(spec)
        channels, size = spec.shape[0], spec.shape[1:]
        translators = [network("translator", channels, channels, size) for _ in range(2)]
        return cls(*translators, *(network("discriminator", channels) for _ in range(2)), **settings)

    def translator(self, direction: Direction) -> nn.Module:
        """Return the network that translates in this direction."""
        return self.a_to_b if direction == (0, 1) else self.b_to_a

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Iterator[Turn | tuple[Turn, ...]]:
        """Update both translators, then both discriminators."""
        real_a, real_b = next(data).domains
        identity = self.identity_weight > 0
        fake_b, *same_b = forward_batches(self.a_to_b, real_a, *([real_b] if identity else []))
        fake_a, *same_a = forward_batches(self.b_to_a, real_b, *([real_a] if identity else []))

        terms = {
            "adversarial_a": self.adversarial_loss.generator_term(self.discriminator_a, fake_a, real_a),
            "adversarial_b": self.adversarial_loss.generator_term(self.discriminator_b, fake_b, real_b),
        }
        if self.forward_cycle:
            cycled_a = padded_forward(self.b_to_a, fake_b)
            terms["cycle_a"] = self.cycle_weight * self.distance(cycled_a, real_a)
        if self.backward_cycle:
            cycled_b = padded_forward(self.a_to_b, fake_a)
            terms["cycle_b"] = self.cycle_weight * self.distance(cycled_b, real_b)
        if identity:
            weight = self.cycle_weight * self.identity_weight
            terms["identity_a"] = weight * l1_loss(same_a[0], real_a)
            terms["identity_b"] = weight * l1_loss(same_b[0], real_b)
        yield turn(self.a_to_b, self.b_to_a, **terms)

        for update in range(self.discriminator_updates):
            if update:
                real_a, real_b = next(data).domains
                fake_a, fake_b = self.fakes(real_a, real_b)
            yield (
                self.discriminator_turn(self.discriminator_a, real_a, self.pool_a(fake_a), clock),
                self.discriminator_turn(self.discriminator_b, real_b, self.pool_b(fake_b), clock),
            )
            self.adversarial_loss.clip(self.discriminator_a)
            self.adversarial_loss.clip(self.discriminator_b)

    def discriminator_turn(self, discriminator: nn.Module, real: Tensor, fake: Tensor, clock: Clock) -> Turn:
        """Return the turn of a discriminator on real images of its domain and translations into it."""
        terms = self.adversarial_loss.discriminator_terms(discriminator, real, fake, clock.every)
        return turn(discriminator, **terms)

    def fakes(self, real_a: Tensor, real_b: Tensor) -> tuple[Tensor, Tensor]:
        """Return translations into a and into b, without gradients."""
        with torch.no_grad():
            return padded_forward(self.b_to_a, real_b), padded_forward(self.a_to_b, real_a)


def recipe() -> Recipe:
    """Return the paper's settings: batches of one, 200 passes over about 1,200 images (app. 7.1)."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999), "schedule": {"kind": "linear", "start": 0.5}}
    return Recipe(
        method="cyclegan",
        images=240_000,
        batch_size=1,
        game={"objective": "least-squares"},
        networks={"translator": {"kind": "resnet"}, "discriminator": {"kind": "patch"}},
        optimizers=dict.fromkeys(PLAYERS, adam),
        data=Data(max_size=256, condition="domains", flip=True),
    )


TINY = {
    "networks": {
        "translator": {"width": 4, "blocks": 1},
        "discriminator": {"width": 4, "layers": 1},
    },
}

METHOD = Method("cyclegan", CycleGAN, recipe, TINY)
