r"""Direct-translation: one way, held by a frozen network's features (Chen et al. 2018, CartoonGAN, CVPR).

Photos to drawings and no way back: no circle is closed. What comes out is to look like the target domain,
says the discriminator, and to show what went in, says a frozen network phi that sees the same in both.

    discriminator   min  (E[softplus(-D(b))] + E[softplus(D(G(a)))]) / 2
    generator       min  E[softplus(-D(G(a)))] + content_weight E|phi(G(a)) - phi(a)|

Half of CycleGAN's networks, and nothing can be hidden for a way back. But phi says what is kept: what it
does not see may change, and what it sees of the style stays. `networks.features.kind=vgg` is the paper's,
conv4_4 of a VGG-19 trained on ImageNet, whose weights you give as `networks.features.file`. `edges`, the
default, needs no file and is not learned: where lightness changes, whether up or down, and what is how
coloured. `game.pretraining_images` teaches the generator the content alone at first, the paper's
initialization phase.

On the world's plain pictures of 16x16 turned into inked ones (`--preset world`), unseen scenes are right in
0.76 to 0.94 of cases (chance 0.04; 0.16 without the content); where they are wrong it is the colour, of
which some of the plain one stays. Untrained filters in place of `edges` failed there, for the styles differ
in what is light and what is dark.

Not to be confused with: `cyclegan`, which needs no frozen network but twice the networks; `dtn`, which
translates out of the frozen network's code; style transfer, which learns from a single picture.

Deviations from the paper:
1. CartoonGAN's third kind of pictures, drawings with blurred edges that its discriminator must take for
   fake, is left out: it is for cartoons alone.
2. The features are made by hand where no file is given.
3. Translator, discriminator and optimizers are CycleGAN's (the paper's translator has eight residual blocks
   and batch norms), and no phase of content alone comes first.
4. The discriminator's loss is halved, which Adam forgives.

Tested by: a textbook loop; the world's drawings turned into inked ones, where a learning rate of zero and
the game without its content fail.
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
from ganarium.methods.translators import Direction, UnpairedTranslator, check_domains
from ganarium.networks import FEATURES, PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


class DirectTranslation(UnpairedTranslator):
    """A translator into the second domain, a discriminator of that domain, and a frozen network.

    Args:
        generator: pictures of the first domain `[N, C, H, W]` to pictures of the second, in [-1, 1].
        discriminator: pictures of the second domain to scores of patches.
        features: pictures to maps of what they show; frozen.
        content_weight: of the mean distance between the maps before and after.
        pretraining_images: so many images teach the generator the content alone.

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
        """Networks for two domains of pictures of the data's shape."""
        check_domains(spec)
        channels, size = spec.shape[0], spec.shape[1:]
        generator = network("generator", channels, channels, size)
        return cls(generator, network("discriminator", channels), network("features", channels), **settings)

    def translator(self, way: Direction) -> nn.Module:
        """The generator: there is one way."""
        return self.generator

    def play(self, data: Iterator[Unpaired], clock: Clock) -> Iterator[Turn]:
        """The discriminator moves, then the generator against it; one fake batch serves both."""
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
        """How far what comes out is from showing what went in."""
        with torch.no_grad():
            shown = padded_forward(self.features, source)
        return self.content_weight * l1_loss(padded_forward(self.features, fake), shown)


def recipe() -> Recipe:
    """The paper's losses and content weight, CycleGAN's networks and optimizers."""
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
