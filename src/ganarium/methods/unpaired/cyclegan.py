r"""CycleGAN: unpaired translation with cycle-consistent networks (Zhu et al. 2017, arXiv:1703.10593).

Two folders are enough: pictures of a, pictures of b, none of which belongs to another. F turns a into b, G
turns b into a. Each is to be taken for the other domain's by its discriminator, and what went there and back
is to be what it was (eq. 1 to 3, with the squares of sec. 4).

    discriminator_b   min  (E[(D_b(b) - 1)^2] + E[D_b(F(a))^2]) / 2
    discriminator_a   min  (E[(D_a(a) - 1)^2] + E[D_a(G(b))^2]) / 2
    a_to_b            min  E[(D_b(F(a)) - 1)^2] + E[(D_a(G(b)) - 1)^2]
                           + cycle_weight (E|G(F(a)) - a| + E|F(G(b)) - b|)
                           + cycle_weight identity_weight (E|F(b) - b| + E|G(a) - a|)
    b_to_a            min  the same sum: both move at once

The discriminators judge fakes out of the last 50 (Shrivastava et al. 2017, sec. 2.3). The identity term keeps
colours (sec. 5.2). `game.cycle=forward` and `backward` close one circle only (sec. 5.1.4). The literature
also has `game.distance=l2`, `game.objective=non-saturating` and `networks.translator.kind=unet`.

A warning: what comes back says little about what went there. F hides what it needs for the way back in its
picture, below what an eye can see (Chu et al. 2017, arXiv:1712.02950). Taught to turn drawings of the world
into blank sheets, it wrote on them by two levels of 255, and the drawings came back (a mean error of 0.11 to
0.14, 0.25 to 0.32 from truly blank ones); noise of four levels made that a third larger. The error of the
circle is no measure of the translation.

A residual translator's instance norms forget how strong a colour is: on the world it merged or exchanged
colours (half of them right), where a U-Net, whose outermost skip goes past the norms (`--preset world`),
turned every unseen drawing into the right inked one after 2,400 images, and back.

Not to be confused with: `discogan` and `dualgan`, the same game of the same spring with other losses; `unit`,
whose two ways share a code; `pix2pix`, which has pairs.

Deviations from the paper:
1. The identity term is on, at half the weight of the circle, as in the official program for photos.
2. The rate falls in a straight line over the second half of `images`; the paper's halves are 100 passes each.
3. Nine residual blocks from 200 pixels on, six below, as in the paper, whose sizes are 256 and 128.
4. No random jitter (286 pixels cut to 256 in the official program) unless `data.load_size` is set.

Tested by: a textbook loop; the official program's losses of two training steps and weights after one; the
world's drawings turned into inked ones and back, where a learning rate of zero fails; the hidden message,
which is not there without the circle.
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
from ganarium.methods.translators import Direction, UnpairedTranslator, check_domains, forward_batches
from ganarium.networks import PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.ops.image_pool import Pool
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe

PLAYERS = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")


class CycleGAN(UnpairedTranslator):
    """Two translators that undo each other, and a discriminator for each domain.

    Args:
        a_to_b: pictures of the first domain `[N, C, H, W]` to pictures of the second, in [-1, 1].
        b_to_a: the way back.
        discriminator_a: pictures of the first domain to scores of patches.
        discriminator_b: of the second.
        cycle_weight: of the distance between a picture and what comes back, per pixel and channel.
        identity_weight: of the distance between a picture and its translation into its own domain, as a share
            of `cycle_weight`.
        cycle: which circles are closed: `both`, `forward` (a to b to a), `backward`, or `none`.
        distance: of the circle, `l1` or `l2` (squared).
        pool_size: how many fakes are remembered; 0 judges the newest only.
        discriminator_updates: of each discriminator, a round.

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
        """Networks for two domains of pictures of the data's shape."""
        check_domains(spec)
        channels, size = spec.shape[0], spec.shape[1:]
        translators = [network("translator", channels, channels, size) for _ in range(2)]
        return cls(*translators, *(network("discriminator", channels) for _ in range(2)), **settings)

    def translator(self, way: Direction) -> nn.Module:
        """The network that goes this way."""
        return self.a_to_b if way == (0, 1) else self.b_to_a

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Iterator[Turn | tuple[Turn, ...]]:
        """Both translators move, then both discriminators."""
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
        """A discriminator tells its domain's pictures from translations into it."""
        terms = self.adversarial_loss.discriminator_terms(discriminator, real, fake, clock.every)
        return turn(discriminator, **terms)

    def fakes(self, real_a: Tensor, real_b: Tensor) -> tuple[Tensor, Tensor]:
        """Translations into a and into b that teach no translator."""
        with torch.no_grad():
            return padded_forward(self.b_to_a, real_b), padded_forward(self.a_to_b, real_a)


def recipe() -> Recipe:
    """The paper's settings: one pair of pictures at a time, 200 passes over about 1,200 (app. 7.1)."""
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
