"""What games have in common whose models turn pictures of one kind into pictures of another."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganarium.core.game import Game
from ganarium.data.batches import Conditioned, Unpaired
from ganarium.data.spec import DataSpec
from ganarium.networks.layers.padding import padded_forward
from ganarium.ops.label_maps import one_hot_planes
from ganarium.ops.scoring import uses_batch_statistics

Direction = tuple[int, int]
"""From which domain to which, by their numbers."""


class Translator(Game):
    """A game that turns pictures into pictures.

    Attributes:
        ways: which translations there are; a paired game's only one leads from 0, what it is told, to 1.
    """

    directions: tuple[Direction, ...] = ((0, 1),)

    @abstractmethod
    def translate(self, pictures: Tensor, way: Direction = (0, 1)) -> Tensor:
        """Pictures `[N, C, H, W]` in [-1, 1], or a map's integers, to pictures of as many pixels."""

    @abstractmethod
    def examples(self, batch: Any) -> dict[str, Tensor]:
        """What a sheet shows of a batch, a column each: what went in, what came out, what comes back."""


class PairedTranslator(Translator):
    """Taught by pairs: what goes in, and what should come out.

    Args:
        generator: what it is told, `[N, inputs, H, W]`, to pictures `[N, C, H, W]` in [-1, 1].
        discriminator: what was told and a picture, `[N, inputs + C, H, W]`, to scores of patches.
        classes: of a label map; 0 where pictures go in.
    """

    saved_networks: ClassVar[tuple[str, ...]] = ("generator",)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, classes: int = 0):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.classes = classes

    def network_input(self, condition: Tensor) -> Tensor:
        """What the networks see of a condition: a picture itself, a map as planes."""
        return one_hot_planes(condition, self.classes) if self.classes else condition

    def translate(self, pictures: Tensor, way: Direction = (0, 1)) -> Tensor:
        """What should come out for what goes in."""
        return padded_forward(self.generator, self.network_input(pictures))

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """No noise: `[count, 0]`."""
        return torch.empty(count, 0)

    def generate(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """The translation of each condition."""
        if condition is None:
            raise ValueError("this model translates: give it pictures")
        return self.translate(condition)

    def examples(self, batch: Conditioned) -> dict[str, Tensor]:
        """What went in (a map as its classes' shades), what came out, and what should have."""
        inputs = batch.condition
        if self.classes:
            inputs = inputs[:, :1].float() / max(1, self.classes - 1) * 2 - 1
        return {"input": inputs, "output": self.translate(batch.condition), "truth": batch.real}


class UnpairedTranslator(Translator):
    """Taught by pictures of each domain, none of which belongs to another.

    Two domains and both ways, unless a game says otherwise.
    """

    directions: tuple[Direction, ...] = ((0, 1), (1, 0))

    @abstractmethod
    def translator(self, way: Direction) -> nn.Module:
        """The network that goes this way."""

    def translate(self, pictures: Tensor, way: Direction = (0, 1)) -> Tensor:
        """Pictures of one domain as pictures of the other."""
        return padded_forward(self.translator(way), pictures)

    def examples(self, batch: Unpaired) -> dict[str, Tensor]:
        """For each way what went in, what came out and, where there is a way back, what comes back."""
        columns: dict[str, Tensor] = {}
        for source, target in self.directions:
            real = batch.domains[source]
            fake = self.translate(real, (source, target))
            columns |= {f"{source}": real, f"{source} as {target}": fake}
            if (target, source) in self.directions:
                columns[f"{source} again"] = self.translate(fake, (target, source))
        return columns


def inputs_and_classes(spec: DataSpec) -> tuple[int, int]:
    """Channels that a paired game's networks are told, and how many classes a map has; 0 for pictures.

    Raises:
        ValueError: the data come without a picture or map.
    """
    shape = spec.condition_shape
    if len(shape) != 3:
        raise ValueError(
            "this method translates what each picture comes with: set data.condition=edges, grey, mosaic, "
            "blur, lowres or mask (made from the pictures themselves), pair or map; "
            f"given was data.condition={spec.condition}"
        )
    if spec.condition != "map":
        return shape[0], 0
    classes = len(spec.classes)
    return classes + shape[0] - 1, classes


def check_domains(spec: DataSpec, most: int | None = 2) -> int:
    """How many domains there are.

    Raises:
        ValueError: the data are not of several domains, or of more than `most`.
    """
    if spec.condition != "domains":
        raise ValueError(
            "this method translates between domains: set data.condition=domains; "
            f"given was data.condition={spec.condition}"
        )
    count = len(spec.classes)
    if most is not None and count != most:
        raise ValueError(
            f"this method translates between {most} domains, but the data have {count} "
            f"({', '.join(spec.classes)}); combogan takes any number"
        )
    return count


def forward_batches(network: nn.Module, *batches: Tensor) -> Iterator[Tensor]:
    """What a network makes of each batch, from one pass over all of them where that is the same thing."""
    if uses_batch_statistics(network):
        return (padded_forward(network, batch) for batch in batches)
    whole = padded_forward(network, torch.cat(batches))
    return iter(whole.split([len(batch) for batch in batches]))
