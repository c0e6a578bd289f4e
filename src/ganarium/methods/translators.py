"""Base classes of translators: games whose models turn images of one kind into images of another."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganarium.core.game import Game
from ganarium.data.conditions.domains import Domains
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.spec import DataSpec
from ganarium.networks.layers.padding import padded_forward
from ganarium.ops.label_maps import one_hot_planes
from ganarium.ops.scoring import uses_batch_statistics
from ganarium.tasks.translate import Direction, Translate, TranslateBetweenDomains


class PairedTranslator(Game):
    """Translator that learns from pairs of input and target.

    Args:
        generator: maps inputs `[N, inputs, H, W]` to images `[N, C, H, W]` in [-1, 1].
        discriminator: maps inputs and images, `[N, inputs + C, H, W]`, to scores of patches.
        classes: number of classes of a label map; 0 if the input is an image.
    """

    tasks: tuple[Any, ...] = (Translate(),)
    saved_networks: ClassVar[tuple[str, ...]] = ("generator",)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, classes: int = 0):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.classes = classes

    def network_input(self, condition: Tensor) -> Tensor:
        """Return a condition as the input of networks: an image unchanged, a label map as one-hot planes."""
        return one_hot_planes(condition, self.classes) if self.classes else condition

    def translate(self, images: Tensor) -> Tensor:
        """Translate images `[N, C, H, W]` in [-1, 1], or integer label maps, to images of the same size."""
        return padded_forward(self.generator, self.network_input(images))


class UnpairedTranslator(Game):
    """Translator between domains that learns from unpaired images.

    Attributes:
        directions: domain numbers (source, target) of each translation; by default both between 0 and 1.
    """

    tasks: tuple[Any, ...] = (TranslateBetweenDomains(),)
    directions: tuple[Direction, ...] = ((0, 1), (1, 0))

    @abstractmethod
    def translator(self, direction: Direction) -> nn.Module:
        """Return the network that translates in a direction."""

    def translate(self, images: Tensor, direction: Direction = (0, 1)) -> Tensor:
        """Translate images `[N, C, H, W]` in [-1, 1] of one domain to another."""
        return padded_forward(self.translator(direction), images)


def inputs_and_classes(spec: DataSpec) -> tuple[int, int]:
    """Return the input channels of a paired game's networks, and the classes of a label map (else 0).

    Raises:
        ValueError: the data's condition is no image or label map.
    """
    modality, shape = spec.condition_modality, spec.condition_shape
    if isinstance(modality, LabelMap):
        classes = len(modality.classes)
        return classes + shape[0] - 1, classes
    if isinstance(modality, Image):
        return shape[0], 0
    raise ValueError(
        f"data.condition={spec.condition.name if spec.condition else None}, but this method needs inputs; "
        "set data.condition=pair or map, or compute them: edges, grey, mosaic, blur, lowres or mask"
    )


def check_domains(spec: DataSpec, most: int | None = 2) -> int:
    """Return the number of domains.

    Raises:
        ValueError: the data do not consist of several domains, or of more than `most`.
    """
    if not isinstance(spec.condition, Domains):
        raise ValueError(
            f"data.condition={spec.condition.name if spec.condition else None}, but this method translates "
            "between domains; set data.condition=domains"
        )
    count = len(spec.classes)
    if most is not None and count != most:
        raise ValueError(
            f"this method translates between {most} domains, but the data have {count} "
            f"({', '.join(spec.classes)}); choose combogan, which translates between any number"
        )
    return count


def forward_batches(network: nn.Module, *batches: Tensor) -> Iterator[Tensor]:
    """Run a network on several batches, in one pass unless it uses batch statistics."""
    if uses_batch_statistics(network):
        return (padded_forward(network, batch) for batch in batches)
    whole = padded_forward(network, torch.cat(batches))
    return iter(whole.split([len(batch) for batch in batches]))
