r"""pix2pixHD: high-resolution image synthesis with conditional GANs (Wang et al. 2018, arXiv:1711.11585).

From a map m, its classes as planes beside the outlines of its instances (sec. 3.3), to a picture of up to
2048x1024 (x is the true one). A global generator learns at half the size; then an enhancer is put around it,
which learns alone first, then with all the rest. Discriminators D_k see the pair at several sizes (sec. 3.2).

    generator       min  sum_k E[(D_k(m, G(m)) - 1)^2]
                         + feature_matching_weight mean_{k, i} 4 E|D_{ki}(m, x) - D_{ki}(m, G(m))|
    discriminator   min  sum_k (E[(D_k(m, x) - 1)^2] + E[D_k(m, G(m))^2]) / 2

D_{ki} is what layer i of D_k says.

`game.encoder_features=3` adds the encoder (sec. 3.4): a few numbers for each instance of a map, read from the
true picture and given to the generator. After training `Model.translate(maps, style=picture)` reads them from
a picture that lies under the map; without one they are drawn, class by class, from those of training.

`game.coarse_share` of the images goes to the stages before the last, `game.frozen_share` of a later stage to
its new enhancer alone; `networks.generator.enhancers=2` makes one stage more, 0 leaves the global generator.

Not to be confused with: `gaugan`, told the map in every norm; `pix2pix`, one size, one discriminator, L1.

Deviations from the paper:
1. No perceptual loss, an option of the paper. The official program by default adds 10 times the distance of a
   VGG-19's features, which learned from ImageNet; no such weights come with this library.
2. Feature matching is averaged over sizes and layers, times 4, as in the official program.
3. Features are drawn from the last 64 instances of a class, one for all of a picture, not from 10 clusters.
4. A stage whose pictures would be smaller than 16 pixels is left out.
5. Both stages have 200 passes and three discriminators; the official program's second one has 100 passes, 10
   of them for the enhancer alone, and its first one two discriminators.
6. The encoder learns in all stages; the official program holds its features after the first.
7. Pictures are mirrored only if `data.flip` is set, in the official program by default.

Tested by: a textbook loop; the official networks' outputs; stages that build on each other; the world's
shapes painted from maps, where a learning rate of zero fails. After 6,000 images at 32x32 with batch norm in
generator and encoder 100 in 100 have the colour that the encoder is shown, and 95 to 98 where the picture
under the map is another's (seeds 0 to 2, chance 25). With instance norm, the default, that is left to chance:
after 8,000 images one seed reached 100, and 51 when its first weights were changed by a millionth.
"""

import contextlib
from collections.abc import Callable, Generator
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, cat, nn
from torch.nn.functional import interpolate

from ganarium.core.campaign import Averages, Campaign, Stage
from ganarium.core.game import Clock
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.methods.paired.semantic import SemanticTranslator
from ganarium.methods.translators import inputs_and_classes
from ganarium.networks.layers.padding import padded_forward
from ganarium.networks.resnet_translator import CoarseToFine
from ganarium.ops.instance_features import InstanceFeatureBank
from ganarium.ops.label_maps import one_hot_planes
from ganarium.ops.latents import rows
from ganarium.ops.scoring import constant_weights
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe

SMALLEST = 16
"""Pixels of the shorter side that a stage is worth its while from."""


class MapPainter(SemanticTranslator):
    """One size's game.

    Args:
        generator: planes and features, `[N, inputs, H, W]`, to pictures.
        discriminator: see `SemanticTranslator`.
        classes: of a label map; 0 where pictures go in.
        encoder: pictures and integers that name instances to features `[N, features, H, W]`.
        looks: features of each class to draw from, where there is an encoder.
        frozen_share: share of the game in which only the generator's finest enhancer moves.

    The other arguments are those of `SemanticTranslator`.
    """

    saved_networks: ClassVar = ("generator", "looks")

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        classes: int = 0,
        encoder: nn.Module | None = None,
        looks: InstanceFeatureBank | None = None,
        *,
        frozen_share: float = 0.05,
        **others: Any,
    ):
        super().__init__(generator, discriminator, classes, encoder, **others)
        self.looks = looks or InstanceFeatureBank(classes, 0)
        self.frozen_share = frozen_share

    def painted(self, condition: Tensor, real: Tensor, clock: Clock) -> tuple[Tensor, dict[str, Tensor]]:
        """Fakes, told the features of the true pictures; at first the networks of earlier stages are held."""
        inputs = self.network_input(condition)
        if self.encoder is not None:
            features = self.encoder(real, condition[:, -1:])
            self.looks.remember(features, condition[:, :1])
            inputs = cat([inputs, features], 1)
        with self.earlier_held() if clock.progress < self.frozen_share else contextlib.nullcontext():
            return padded_forward(self.translator, inputs), {}

    def earlier_held(self) -> contextlib.AbstractContextManager[None]:
        """Within the block only the finest enhancer can learn."""
        assert isinstance(self.translator, CoarseToFine)
        return constant_weights(self.translator.before())

    def matched(self, distances: Tensor) -> Tensor:
        """Four times the mean: the sum over four layers, averaged over the scales."""
        return 4 * distances.mean()

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """What chooses the features of each class, `[count, classes]` in [0, 1]; none without an encoder."""
        if self.encoder is None:
            return super().draw_noise(count, generator)
        return (rows("uniform", count, self.classes, generator) + 1) / 2

    def generate(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Each condition painted, its classes with features out of those of training."""
        if condition is None:
            raise ValueError("this model paints maps: give it some")
        inputs = self.network_input(condition)
        if self.encoder is not None:
            of_class = self.looks.drawn(noise)
            where = one_hot_planes(condition[:, :1], self.classes)
            inputs = cat([inputs, torch.einsum("nkf,nkhw->nfhw", of_class, where)], 1)
        return padded_forward(self.translator, inputs)

    def in_style(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Maps painted with the features of the pictures that lie under them."""
        assert self.encoder is not None
        under = interpolate(styles, pictures.shape[2:], mode="bilinear")
        inputs = cat([self.network_input(pictures), self.encoder(under, pictures[:, -1:])], 1)
        return padded_forward(self.translator, inputs)


class Pix2PixHD(Campaign):
    """The global generator's game, then for each enhancer one of pictures twice as large.

    Args:
        generator: of the last stage; its coarser networks are those of the stages before.
        discriminator: the same in all stages, as is the encoder.
        classes: see `MapPainter`.
        size: height and width in the last stage.
        encoder: see `MapPainter`.
        looks: see `MapPainter`.
        coarse_share: share of the images that the stages before the last have together.
        frozen_share: see `MapPainter`; in the first stage nothing is held.
        encoder_features: numbers of an instance that the encoder finds; 0 goes without.

    The other arguments are those of `MapPainter`.

    Raises:
        ValueError: a share below 0, or of 1 and more.
    """

    roles = MapPainter.roles
    settings_from: ClassVar = (MapPainter,)
    directions = MapPainter.directions

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        classes: int,
        size: tuple[int, int],
        encoder: nn.Module | None = None,
        looks: InstanceFeatureBank | None = None,
        *,
        coarse_share: float = 0.5,
        frozen_share: float = 0.05,
        encoder_features: int = 0,
        **others: Any,
    ):
        for key, share in (("coarse_share", coarse_share), ("frozen_share", frozen_share)):
            if not 0 <= share < 1:
                raise ValueError(f"game.{key} is {share}; it is a share, from 0 to less than 1")
        self.generator, self.discriminator = generator, discriminator
        self.encoder, self.looks = encoder, looks
        self.classes, self.size = classes, size
        self.coarse_share, self.frozen_share = coarse_share, frozen_share
        self.settings = others

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Networks for maps, or pictures, and pictures of the data's shapes.

        Raises:
            ValueError: features are to be found, but the data come without maps that name instances.
        """
        inputs, classes = inputs_and_classes(spec)
        outputs, features = spec.shape[0], settings["encoder_features"]
        if features and not classes:
            raise ValueError(
                "game.encoder_features wants a label map that names instances: set data.condition=map, or "
                f"encoder_features=0; given was data.condition={spec.condition}"
            )
        size = spec.shape[1], spec.shape[2]
        generator = network("generator", inputs + features, outputs, size)
        discriminator = network("discriminator", inputs + outputs)
        encoder = network("encoder", outputs, features) if features else None
        looks = InstanceFeatureBank(classes, features) if features else None
        return cls(generator, discriminator, classes, size, encoder, looks, **settings)

    def stages(self, images: int) -> Generator[Stage, Averages, None]:
        """From the global generator at the smallest size to all enhancers at the whole size."""
        levels = self.levels()
        coarse = round(images * self.coarse_share / max(1, len(levels) - 1)) if len(levels) > 1 else 0
        for level, (generator, size) in enumerate(levels):
            last = level + 1 == len(levels)
            game = MapPainter(
                generator,
                self.discriminator,
                self.classes,
                self.encoder,
                self.looks,
                frozen_share=self.frozen_share if level else 0.0,
                **self.settings,
            )
            yield Stage(
                f"{size[0]}x{size[1]}",
                game,
                images - coarse * level if last else coarse,
                changes={} if last else {"data": {"size": size}},
            )

    def levels(self) -> list[tuple[nn.Module, tuple[int, int]]]:
        """Each stage's generator, and its height and width."""
        levels, size = [(self.generator, self.size)], self.size
        while self.coarse_share and isinstance(finer := levels[0][0], CoarseToFine) and len(finer.enhancers):
            size = size[0] // 2, size[1] // 2
            if min(size) < SMALLEST:
                break
            levels.insert(0, (finer.coarser(), size))
        return levels


def recipe() -> Recipe:
    """The settings for Cityscapes: 200 passes over 2,975 pictures for each of two sizes, one at a time."""
    adam = {"kind": "adam", "lr": 2e-4, "betas": (0.5, 0.999), "schedule": {"kind": "linear", "start": 0.5}}
    return Recipe(
        method="pix2pixhd",
        images=1_190_000,
        batch_size=1,
        game={"objective": "least-squares"},
        networks={
            "generator": {"kind": "local-enhancer"},
            "discriminator": {"kind": "multi-scale", "scales": 3},
            "encoder": {"kind": "instance"},
        },
        optimizers={"generator": adam, "discriminator": adam},
        data=Data(max_size=1024, condition="map"),
    )


TINY = {
    "networks": {
        "generator": {"width": 2, "downsamplings": 1, "blocks": 1, "enhancer_blocks": 1},
        "discriminator": {"width": 4, "layers": 1, "scales": 2},
        "encoder": {"width": 2, "downsamplings": 1},
    },
}

METHOD = Method("pix2pixhd", Pix2PixHD, recipe, TINY)
