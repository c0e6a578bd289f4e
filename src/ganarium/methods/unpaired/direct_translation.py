r"""Direct-translation: one-way translation with a frozen network (Chen et al. 2018, CartoonGAN, CVPR).

One translator from photos to drawings, without a reverse direction and without a cycle loss. The
discriminator scores how real a translation looks in the target domain. The content loss is the distance
between the features of a frozen network phi before and after translation.

    discriminator   min  (E[softplus(-D(b))] + E[softplus(D(G(a)))]) / 2
    generator       min  E[softplus(-D(G(a)))] + content_weight E|phi(G(a)) - phi(a)|

The method has half of CycleGAN's networks, and it cannot hide information for a reconstruction. But phi
determines what is preserved: content that phi does not represent may change, and style that phi represents
remains. `networks.features.kind=vgg` is the paper's phi, conv4_4 of a VGG-19 trained on ImageNet; you give
its weights as `networks.features.file`. `edges`, the default, needs no file and is not learned: it computes
the strength of changes in lightness, without their sign, and the colours. With `game.pretraining_images` the
generator is first trained on the content loss alone, the paper's initialization phase.

With `--preset world` (plain drawings of the built-in world, 16x16, translated into inked ones), unseen scenes
are correct in 0.76 to 0.94 of cases (chance level 0.04; 0.16 without the content loss). The errors are errors
of colour: a part of the plain drawing's colour remains. Untrained filters in place of `edges` failed there,
because the styles differ in which areas are light and which are dark.

Not to be confused with: `cyclegan`, which needs no frozen network but twice the networks; `dtn`, which
generates from the frozen network's code; style transfer, which learns from a single image.

Deviations from the paper:
1. CartoonGAN's third kind of images, drawings with blurred edges that its discriminator must classify as
   fake, is omitted: it applies to cartoons only.
2. The features are hand-made if no file is given.
3. Translator, discriminator and optimizers are CycleGAN's (the paper's translator has eight residual blocks
   and batch norms), and there is no initial phase with the content loss alone.
4. The discriminator's loss is halved; with Adam the scale of a loss does not matter.

Tested by: a textbook loop; a learning test on the built-in world (plain drawings translated into inked
ones), which fails with a learning rate of zero and without the content loss.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganarium.core.game import Clock, Turn, turn
from ganarium.data.batches import Unpaired
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.losses.patches import PatchAdversarialLoss
from ganarium.methods.translators import UnpairedTranslator, check_domains
from ganarium.networks import FEATURES, PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.translate import Direction


class DirectTranslation(UnpairedTranslator):
    """Direct translation: a translator into the second domain, its discriminator, and a frozen network.

    Args:
        generator: maps images of the first domain, `[N, C, H, W]`, to images of the second, in [-1, 1].
        discriminator: maps images of the second domain to scores of patches.
        features: maps images to feature maps; frozen.
        content_weight: weight of the mean L1 distance between the feature maps of input and output.
        pretraining_images: number of images on which the generator is first trained with the content loss
            alone.

    The other arguments are those of `PatchAdversarialLoss`.
    """

    directions: tuple[Direction, ...] = ((0, 1),)
    roles: ClassVar = {
        "generator": TRANSLATORS,
        "discriminator": PATCH_DISCRIMINATORS,
        "features": FEATURES,
    }
    settings_from: ClassVar = (PatchAdversarialLoss,)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        features: nn.Module,
        *,
        content_weight: float = 10.0,
        pretraining_images: int = 0,
        **loss_settings: Any,
    ):
        super().__init__()
        self.generator, self.discriminator, self.features = generator, discriminator, features
        self.content_weight = content_weight
        self.pretraining_images = pretraining_images
        self.adversarial_loss = PatchAdversarialLoss(**loss_settings)
        self.adversarial_loss.check(discriminator)

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for two domains of images of the data's shape."""
        check_domains(spec)
        channels, size = spec.shape[0], spec.shape[1:]
        generator = network("generator", channels, channels, size)
        return cls(generator, network("discriminator", channels), network("features", channels), **settings)

    def translator(self, direction: Direction) -> nn.Module:
        """Return the generator, for the only direction."""
        return self.generator

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Iterator[Turn]:
        """Update the discriminator, then the generator, on the same fake batch."""
        source, target = next(data).domains
        fake = padded_forward(self.generator, source)
        if clock.images < self.pretraining_images:
            yield turn(self.generator, content=self.content(fake, source))
            return

        yield turn(
            self.discriminator,
            **self.adversarial_loss.discriminator_terms(self.discriminator, target, fake, clock.every),
        )
        self.adversarial_loss.clip(self.discriminator)

        terms = {"adversarial": self.adversarial_loss.generator_term(self.discriminator, fake, target)}
        if self.content_weight:
            terms["content"] = self.content(fake, source)
        yield turn(self.generator, **terms)

    def content(self, fake: Tensor, source: Tensor) -> Tensor:
        """Return the content loss: the weighted distance between the features of input and output."""
        with torch.no_grad():
            source_features = padded_forward(self.features, source)
        return self.content_weight * l1_loss(padded_forward(self.features, fake), source_features)


def recipe() -> Recipe:
    """Return the paper's losses and content weight, with CycleGAN's networks and optimizers."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}
    return Recipe(
        method="direct-translation",
        images=240_000,
        batch_size=1,
        game={"objective": "non-saturating"},
        networks={
            "generator": {"kind": "resnet"},
            "discriminator": {"kind": "patch"},
            "features": {"kind": "edges"},
        },
        optimizers={"generator": adam, "discriminator": adam},
        data=Data(max_size=256, condition="domains", flip=True),
    )


TINY = {
    "networks": {
        "generator": {"width": 4, "blocks": 1},
        "discriminator": {"width": 4, "layers": 1},
    },
}

METHOD = Method("direct-translation", DirectTranslation, recipe, TINY)
