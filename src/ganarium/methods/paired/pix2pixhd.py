r"""pix2pixHD: high-resolution image synthesis with conditional GANs (Wang et al. 2018, arXiv:1711.11585).

The generator turns a label map m into an image of up to 2048x1024 pixels; x is the real image. The map is
given as one plane per class and the outlines of its instances (sec. 3.3). A global generator is trained at
half the size. Then an enhancer is added around it, which is trained alone at first, then with all other
networks. Discriminators D_k score the pair at several sizes (sec. 3.2).

    generator       min  sum_k E[(D_k(m, G(m)) - 1)^2]
                         + feature_matching_weight mean_{k, i} 4 E|D_{ki}(m, x) - D_{ki}(m, G(m))|
    discriminator   min  sum_k (E[(D_k(m, x) - 1)^2] + E[D_k(m, G(m))^2]) / 2

D_{ki} is the output of layer i of D_k.

`game.encoder_features=3` adds the encoder (sec. 3.4): it computes a few numbers for each instance of a map
from the real image, which are additional inputs of the generator. After training,
`Model.translate(maps, style=image)` computes them from an image that is aligned with the map; without
`style` they are sampled, for each class, from the features of training.

`game.coarse_share` is the share of the images for all stages before the last. `game.frozen_share` is the
share of each later stage in which only its new enhancer is trained. `networks.generator.enhancers=2` adds a
stage; 0 leaves only the global generator.

Not to be confused with: `gaugan`, whose normalization layers are conditioned on the map; `pix2pix`, with one
size, one discriminator and an L1 loss.

Deviations from the paper:
1. No perceptual loss, an option of the paper. The official program by default adds 10 times the distance
   between features of a VGG-19 trained on ImageNet; this library includes no such weights.
2. Feature matching is averaged over sizes and layers, times 4, as in the official program.
3. Features are sampled from the last 64 instances of a class, once for each image, not from 10 clusters.
4. Stages with images smaller than 16 pixels are omitted.
5. Both stages have 200 passes and three discriminators. In the official program the second stage has 100
   passes, 10 of them for the enhancer alone, and the first stage has two discriminators.
6. The encoder is trained in all stages; the official program keeps its features fixed after the first.
7. Images are mirrored only if `data.flip` is set; the official program mirrors by default.

Tested by: a textbook loop; the outputs of the official networks; stages that continue from each other; a
learning test on the built-in world (shapes generated from maps), which fails with a learning rate of zero.
After 6,000 images at 32x32 with batch norm in generator and encoder, 100 in 100 samples have the colour of
the encoder's image, and 95 to 98 if that image belongs to another map (seeds 0 to 2, chance level 25). With
instance norm, the default, the result depends on the initial weights: after 8,000 images one seed reached
100, and 51 after its initial weights were changed by a millionth.
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
from ganarium.ops.scoring import constant_weights
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.latents import Latent

SMALLEST = 16
"""Smallest number of pixels of a stage's shorter side."""


class Pix2PixHDStage(SemanticTranslator):
    """Game of one stage, at one image size.

    Args:
        generator: maps planes and features, `[N, inputs, H, W]`, to images `[N, C, H, W]` in [-1, 1].
        discriminator: see `SemanticTranslator`.
        classes: number of classes of a label map; 0 if the input is an image.
        encoder: maps images and integer instance maps to features `[N, features, H, W]`.
        looks: bank of features of each class to sample from; needed with an encoder only.
        frozen_share: share of the stage in which only the generator's finest enhancer is trained.

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
        self.latents = () if encoder is None else (Latent("z", (classes,), "unit"),)

    def generate_fakes(
        self, condition: Tensor, real: Tensor, clock: Clock
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return fakes, conditioned on the features of the real images.

        The trunks of earlier stages are frozen until `frozen_share` of the stage is done.
        """
        inputs = self.network_input(condition)
        if self.encoder is not None:
            features = self.encoder(real, condition[:, -1:])
            self.looks.remember(features, condition[:, :1])
            inputs = cat([inputs, features], 1)
        with self.freeze_earlier() if clock.progress < self.frozen_share else contextlib.nullcontext():
            return padded_forward(self.translator, inputs), {}

    def freeze_earlier(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which the trunks of earlier stages are frozen."""
        assert isinstance(self.translator, CoarseToFine)
        return constant_weights(self.translator.before())

    def feature_matching_loss(self, distances: Tensor) -> Tensor:
        """Return four times the mean: the sum over four layers, averaged over the scales."""
        return 4 * distances.mean()

    def translate_with_latents(self, images: Tensor, z: Tensor | None) -> Tensor:
        """Return the images of label maps or input images, with features of training selected by `z`."""
        inputs = self.network_input(images)
        if z is not None:
            features = self.looks.drawn(z)
            planes = one_hot_planes(images[:, :1], self.classes)
            inputs = cat([inputs, torch.einsum("nkf,nkhw->nfhw", features, planes)], 1)
        return padded_forward(self.translator, inputs)

    def translate_in_style(self, images: Tensor, style: Tensor) -> Tensor:
        """Return the images of label maps, with features computed from images aligned with the maps."""
        assert self.encoder is not None
        resized = interpolate(style, images.shape[2:], mode="bilinear")
        inputs = cat([self.network_input(images), self.encoder(resized, images[:, -1:])], 1)
        return padded_forward(self.translator, inputs)


class Pix2PixHD(Campaign):
    """Stages of pix2pixHD: the global generator, then one stage per enhancer at twice the image size.

    Args:
        generator: generator of the last stage; it contains the generators of the earlier stages.
        discriminator: discriminator of all stages.
        classes: see `Pix2PixHDStage`.
        size: height and width in the last stage.
        encoder: encoder of all stages; see `Pix2PixHDStage`.
        looks: see `Pix2PixHDStage`.
        coarse_share: share of the images for all stages before the last together.
        frozen_share: share of each later stage in which only the generator's finest enhancer is trained.
        encoder_features: number of features that the encoder computes for an instance; 0 omits the encoder.

    The other arguments are those of `Pix2PixHDStage`.

    Raises:
        ValueError: a share is negative, or 1 or more.
    """

    roles = Pix2PixHDStage.roles
    settings_from: ClassVar = (Pix2PixHDStage,)
    tasks = Pix2PixHDStage.tasks

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
                raise ValueError(f"game.{key} is {share}; set it to 0 or more and less than 1")
        self.generator, self.discriminator = generator, discriminator
        self.encoder, self.looks = encoder, looks
        self.classes, self.size = classes, size
        self.coarse_share, self.frozen_share = coarse_share, frozen_share
        self.settings = others

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for label maps or input images, and images of the data's shape.

        Raises:
            ValueError: `encoder_features` is set, but the data have no label maps with instances.
        """
        inputs, classes = inputs_and_classes(spec)
        outputs, features = spec.shape[0], settings["encoder_features"]
        if features and not classes:
            given = spec.condition.name if spec.condition else None
            raise ValueError(
                f"game.encoder_features={features} needs label maps with instances, but "
                f"data.condition={given}; set data.condition=map, or game.encoder_features=0"
            )
        size = spec.shape[1], spec.shape[2]
        generator = network("generator", inputs + features, outputs, size)
        discriminator = network("discriminator", inputs + outputs)
        encoder = network("encoder", outputs, features) if features else None
        looks = InstanceFeatureBank(classes, features) if features else None
        return cls(generator, discriminator, classes, size, encoder, looks, **settings)

    def stages(self, images: int) -> Generator[Stage, Averages, None]:
        """Yield the stages, from the global generator at the smallest size to all enhancers at full size."""
        levels = self.levels()
        coarse = round(images * self.coarse_share / max(1, len(levels) - 1)) if len(levels) > 1 else 0
        for level, (generator, size) in enumerate(levels):
            last = level + 1 == len(levels)
            game = Pix2PixHDStage(
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
        """Return each stage's generator, and its height and width."""
        levels, size = [(self.generator, self.size)], self.size
        while self.coarse_share and isinstance(finer := levels[0][0], CoarseToFine) and len(finer.enhancers):
            size = size[0] // 2, size[1] // 2
            if min(size) < SMALLEST:
                break
            levels.insert(0, (finer.coarser(), size))
        return levels


def recipe() -> Recipe:
    """Return settings for Cityscapes: 200 passes over 2,975 images for each of two sizes, batches of one."""
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
