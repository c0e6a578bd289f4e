"""Label maps: integers `[C, H, W]`, ids of classes and optionally numbers of objects in a second channel."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import Image as PILImage
from torch import Tensor

from ganarium.common import grids
from ganarium.data.kinds import Shape
from ganarium.data.modalities import pixels
from ganarium.data.modalities.base import Array, ArrayFormat, Header, Modality
from ganarium.data.modalities.image import grid_code, to_image
from ganarium.data.modalities.palette import readings
from ganarium.ops.label_maps import one_hot_planes


@dataclass(frozen=True)
class LabelMap(Modality):
    """Map of classes by id.

    Attributes:
        classes: names by id.
        colors: color of each class in the files, `#rrggbb`; empty if files hold no colors.
        numbers: number of each class in the files; empty if classes are known by their colors.
    """

    classes: tuple[str, ...]
    colors: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    name, axes, windowed = "label-map", ("C", "H", "W"), ("H", "W")
    low, high, suffixes, has_palette, vector_space = 0.0, None, pixels.SUFFIXES, True, False

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return random ids."""
        return torch.randint(len(self.classes), (count, *shape), generator=generator)

    def finish(self, values: Tensor) -> Tensor:
        """Return integers."""
        return values.long()

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        return "id of each pixel's class" + ", and number of its instance" * (shape[0] == 2)

    def example_code(self, shape: Shape, count: int) -> str:
        """See `Kind.example_code`."""
        if shape[0] != 1:
            return super().example_code(shape, count)
        one = "np.int64(Image.open(sys.argv[1]))[None, None]"
        return one if count == 1 else f"np.repeat({one}, {count}, 0)"

    def example_result_code(self, name: str, shape: Shape, count: int) -> str:
        """Write a grid of the maps as a PNG file of ids."""
        if shape[0] != 1 or len(self.classes) > 256:
            return super().example_result_code(name, shape, count)
        ids = grid_code(f"np.uint8({name}[:, 0])", count)
        return f'Image.fromarray({ids}).save("{name}.png")\n'

    def read_header(self, stream: BinaryIO) -> Header:
        """See `Modality.read_header`."""
        return pixels.read_header(stream)

    def decode(self, stream: BinaryIO, format: ArrayFormat) -> Array:
        """Return ids `[1, H, W]`, read by numbers, else by colors."""
        by_number, by_color = readings(self.classes, self.numbers, self.colors)
        height, width = format.shape[1:]
        data = stream.read()
        for palette in filter(None, (by_color if self.colors and not self.numbers else by_number, by_color)):
            found = pixels.values(io.BytesIO(data), height, width, indexed=palette.indexed)
            try:
                return palette.ids(found)[None]
            except ValueError:
                continue
        raise ValueError("holds values that stand for none of the classes")

    def normalize(self, samples: Array) -> Any:
        """Return ids as they are."""
        return samples

    def to_tensor(self, samples: Array) -> Tensor:
        """Return ids as int64."""
        return torch.from_numpy(samples.astype(np.int64))

    def mirror(self, samples: Array) -> Array:
        """Return maps flipped left to right."""
        return samples[..., ::-1]

    def as_image(self, maps: Tensor) -> Tensor:
        """Return maps `[..., C, H, W]` as gray images in [-1, 1], with ids as gray levels."""
        return maps[..., :1, :, :].float() / max(1, len(self.classes) - 1) * 2 - 1

    def thumbnail(self, sample: Tensor, side: int, like: Any = None) -> PILImage.Image:
        """Return the ids as gray levels."""
        image = to_image(self.as_image(sample))
        return image if max(image.size) <= side else grids.contained(image, side, nearest=True)

    def grid(self, samples: Tensor, *, columns: int | None = None, side: int = 128) -> PILImage.Image:
        """Return the ids of the maps as gray levels, side by side."""
        return grids.tiled([to_image(self.as_image(sample)) for sample in samples], columns=columns)


@dataclass(frozen=True)
class LabelPlanes(LabelMap):
    """Label map as planes `[K, H, W]` of 0 and 1, one for each class: the input of an imported network."""

    name = "label-planes"

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return planes of random ids."""
        return one_hot_planes(super().draw(count, (1, *shape[1:]), generator), len(self.classes))

    def finish(self, values: Tensor) -> Tensor:
        """Return float values."""
        return values.float()

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        return "1 where a pixel is of the class, else 0"

    def example_code(self, shape: Shape, count: int) -> str:
        """See `Kind.example_code`."""
        eye = f"np.eye({shape[0]}, dtype=np.float32)"
        one = f"{eye}[np.int64(Image.open(sys.argv[1]))].transpose(2, 0, 1)[None]"
        return one if count == 1 else f"np.repeat({one}, {count}, 0)"

    def to_tensor(self, samples: Array) -> Tensor:
        """Return ids `[N, 1, H, W]` as planes."""
        return one_hot_planes(super().to_tensor(samples), len(self.classes))

    def as_image(self, maps: Tensor) -> Tensor:
        """Return planes as gray images in [-1, 1]: ids in shades."""
        return super().as_image(maps.argmax(-3, keepdim=True))
