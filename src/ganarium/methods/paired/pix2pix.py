r"""pix2pix: image-to-image translation with conditional GANs (Isola et al. 2017, arXiv:1611.07004).

Pairs teach what should come out (y) for what goes in (x): edges to photos, maps to streets, grey to colour.
A U-Net keeps the layout; a discriminator of patches, which sees x, too, asks for sharpness; L1 for the rest
(eq. 1, 3 and 4).

    discriminator   min  (E[softplus(-D(x, y))] + E[softplus(D(x, G(x)))]) / 2
    generator       min  E[softplus(-D(x, G(x)))] + l1_weight E|y - G(x)|

How much of a picture a score sees is `networks.discriminator.layers`: 3 see 70x70 pixels, 1 sees 16x16, 5 see
286x286, and `kind=pixel` a single one (sec. 4.4). `game.l1_weight=0` and `game.adversarial_weight=0` are the
paper's ablations (sec. 4.2); `game.conditional=false` hides x from the discriminator.

Any folder of photos will do: `data.condition=edges`, `grey`, `mosaic`, `blur`, `lowres` or `mask` makes x
from y.

Not to be confused with: `cgan` told a picture, whose generator has noise and no skips; `pix2pixhd` and
`gaugan`, for label maps at high resolution; `cyclegan`, which needs no pairs.

Deviations from the paper:
1. Dropout, the paper's only noise (sec. 3.1), is off when the model is used, and batch norm uses running
   statistics (sec. 3.3 has the batch's): what goes in decides what comes out.
2. The U-Net halves as often as the pictures allow, 8 times from 256x256 on.
3. No random jitter and no mirroring (sec. 6.2) unless `data.load_size` and `data.flip` are set.
4. Dropout leaves the innermost level out, as in the official PyTorch program; the paper's begins there.

Tested by: a textbook loop; the official networks' losses and weights after a training step; the world's
shapes painted from their edges, where a learning rate of zero fails.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from torch import Tensor, cat, nn
from torch.nn.functional import l1_loss

from ganarium.core.game import Clock, Turn, turn
from ganarium.data.batches import Conditioned
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.losses.patches import PatchAdversarialLoss
from ganarium.methods.translators import PairedTranslator, inputs_and_classes
from ganarium.networks import PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


class Pix2Pix(PairedTranslator):
    """A translator against a discriminator of patches that is told what went in.

    Args:
        generator: what it is told, `[N, inputs, H, W]`, to pictures `[N, C, H, W]` in [-1, 1].
        discriminator: what was told and a picture, `[N, inputs + C, H, W]`, to scores of patches; the picture
            alone if not `conditional`.
        classes: of a label map; 0 where pictures go in.
        l1_weight: of the distance to the true picture, per pixel and channel.
        adversarial_weight: of being taken for real.
        conditional: show the discriminator what went in, too.

    The other arguments are those of `PatchAdversarialLoss`.

    Raises:
        ValueError: both weights are 0.
    """

    roles: ClassVar = {"generator": TRANSLATORS, "discriminator": PATCH_DISCRIMINATORS}
    settings_from: ClassVar = (PatchAdversarialLoss,)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        classes: int = 0,
        *,
        l1_weight: float = 100.0,
        adversarial_weight: float = 1.0,
        conditional: bool = True,
        **loss_settings: Any,
    ):
        super().__init__(generator, discriminator, classes)
        self.l1_weight = l1_weight
        self.adversarial_weight = adversarial_weight
        self.conditional = conditional
        self.adversarial_loss = PatchAdversarialLoss(**loss_settings)
        self.adversarial_loss.check(discriminator)
        if not l1_weight and not adversarial_weight:
            raise ValueError(
                "game.l1_weight and game.adversarial_weight are both 0: the generator learns nothing"
            )

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Networks for pairs of the data's shapes."""
        inputs, classes = inputs_and_classes(spec)
        outputs = spec.shape[0]
        generator = network("generator", inputs, outputs, spec.shape[1:])
        seen = inputs + outputs if settings["conditional"] else outputs
        return cls(generator, network("discriminator", seen), classes, **settings)

    def play(self, data: Iterator[Conditioned], clock: Clock) -> Iterator[Turn]:
        """The discriminator moves, then the generator against it; one fake batch serves both."""
        real, condition = next(data)
        inputs = self.network_input(condition)
        fake = padded_forward(self.generator, inputs)
        true_pair, fake_pair = self.pair(inputs, real), self.pair(inputs, fake)

        yield turn(
            self.discriminator,
            **self.adversarial_loss.discriminator_terms(
                self.discriminator, true_pair, fake_pair, clock.every
            ),
        )
        self.adversarial_loss.clip(self.discriminator)

        terms = {}
        if self.adversarial_weight:
            loss = self.adversarial_loss.generator_term(self.discriminator, fake_pair, true_pair)
            terms["adversarial"] = self.adversarial_weight * loss
        if self.l1_weight:
            terms["l1"] = self.l1_weight * l1_loss(fake, real)
        yield turn(self.generator, **terms)

    def pair(self, inputs: Tensor, picture: Tensor) -> Tensor:
        """What the discriminator judges."""
        return cat([inputs, picture], 1) if self.conditional else picture


def recipe() -> Recipe:
    """The paper's settings for facades: 200 passes over 400 pairs, one at a time (sec. 6.2)."""
    return Recipe(
        method="pix2pix",
        images=80_000,
        batch_size=1,
        game={"objective": "non-saturating"},
        networks={
            "generator": {"kind": "unet"},
            "discriminator": {"kind": "patch", "norm": "batch", "bias": False},
        },
        optimizers={
            "generator": {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)},
            "discriminator": {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)},
        },
        data=Data(max_size=256, condition="edges"),
    )


TINY = {
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4, "layers": 1}},
}

METHOD = Method("pix2pix", Pix2Pix, recipe, TINY)
