r"""pix2pix: image-to-image translation with conditional GANs (Isola et al. 2017, arXiv:1611.07004).

The generator learns from pairs to translate an input image x into a target image y: edges to photos, maps to
streets, grey to colour. A U-Net preserves the layout of x. A patch discriminator, which is also given x,
makes the output sharp; an L1 loss makes it match y (eq. 1, 3 and 4).

    discriminator   min  (E[softplus(-D(x, y))] + E[softplus(D(x, G(x)))]) / 2
    generator       min  E[softplus(-D(x, G(x)))] + l1_weight E|y - G(x)|

`networks.discriminator.layers` sets the receptive field of a score: 70x70 pixels with 3 layers, 16x16 with 1,
286x286 with 5, and a single pixel with `kind=pixel` (sec. 4.4). `game.l1_weight=0` and
`game.adversarial_weight=0` are the paper's ablations (sec. 4.2); with `game.conditional=false` the
discriminator is not given x.

Any folder of photos can be the data: `data.condition=edges`, `grey`, `mosaic`, `blur`, `lowres` or `mask`
computes x from y.

Not to be confused with: `cgan` conditioned on an image, whose generator has noise and no skip connections;
`pix2pixhd` and `gaugan`, for label maps at high resolution; `cyclegan`, which needs no pairs.

Deviations from the paper:
1. After training, dropout, the paper's only noise (sec. 3.1), is off, and batch norm uses running statistics
   (those of the batch in sec. 3.3): the output depends on the input alone.
2. The U-Net halves its input as often as the image size allows: 8 times for 256x256 and more.
3. No random jitter and no mirroring (sec. 6.2) unless `data.load_size` and `data.flip` are set.
4. The innermost level has no dropout, as in the official PyTorch program; the paper's dropout begins there.

Tested by: a textbook loop; the official networks' losses and weights after a training step; a learning test
on the built-in world (shapes generated from their edges), which fails with a learning rate of zero.
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
    """pix2pix: a translator and a patch discriminator that is given the input as well.

    Args:
        generator: maps inputs `[N, inputs, H, W]` to images `[N, C, H, W]` in [-1, 1].
        discriminator: maps inputs and images, `[N, inputs + C, H, W]`, to scores of patches; images alone if
            not `conditional`.
        classes: number of classes of a label map; 0 if the input is an image.
        l1_weight: weight of the L1 distance to the target image, the mean over pixels and channels.
        adversarial_weight: weight of the generator's adversarial loss.
        conditional: give the input to the discriminator as well.

    The other arguments are those of `PatchAdversarialLoss`.

    Raises:
        ValueError: `l1_weight` and `adversarial_weight` are both 0.
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
                "game.l1_weight and game.adversarial_weight are both 0: the generator has no loss; set one"
            )

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for pairs of the data's shapes."""
        inputs, classes = inputs_and_classes(spec)
        outputs = spec.shape[0]
        generator = network("generator", inputs, outputs, spec.shape[1:])
        channels = inputs + outputs if settings["conditional"] else outputs
        return cls(generator, network("discriminator", channels), classes, **settings)

    def play(self, data: Iterator[Conditioned], clock: Clock) -> Iterator[Turn]:
        """Update the discriminator, then the generator, on the same fake batch."""
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

    def pair(self, inputs: Tensor, image: Tensor) -> Tensor:
        """Return the discriminator's input."""
        return cat([inputs, image], 1) if self.conditional else image


def recipe() -> Recipe:
    """Return the paper's settings for facades: 200 passes over 400 pairs, batches of one (sec. 6.2)."""
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
