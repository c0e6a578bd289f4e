"""Images: `[C, H, W]` in [-1, 1], from files of 8 or 16 bits."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import torch
from PIL import Image as PILImage
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganarium.common import grids
from ganarium.data.kinds import Shape
from ganarium.data.modalities import pixels
from ganarium.data.modalities.base import Array, ArrayFormat, BrokenSampleError, Headers, Modality
from ganarium.data.modalities.pixels import CHANNELS, ImageHeader
from ganarium.data.report import Report
from ganarium.data.settings import Data

COARSE = 64
"""Longest side, in pixels, at which images are compared."""


@dataclass(frozen=True)
class Image(Modality):
    """Image of any number of channels; 1 is gray, 3 RGB, 4 RGBA."""

    name, axes, windowed = "image", ("C", "H", "W"), ("H", "W")
    suffixes, suffix, vector_space = pixels.SUFFIXES, ".png", False

    def example_code(self, shape: Shape, count: int) -> str:
        """See `Kind.example_code`."""
        channels, *size = shape
        if channels not in CHANNELS:
            return super().example_code(shape, count)
        resized = f".resize({tuple(size[::-1])})" if all(isinstance(side, int) for side in size) else ""
        axes = "[None, None]" if channels == 1 else ".transpose(2, 0, 1)[None]"
        mode = CHANNELS[channels]
        one = f'np.float32(Image.open(sys.argv[1]).convert("{mode}"){resized}){axes} / 127.5 - 1'
        return one if count == 1 else f"np.repeat({one}, {count}, 0)"

    def example_result_code(self, name: str, shape: Shape, count: int) -> str:
        """Write a grid of the images as a PNG file."""
        if shape[0] not in CHANNELS:
            return super().example_result_code(name, shape, count)
        gray = ".squeeze(2)" if shape[0] == 1 else ""
        return (
            f"pixels = (({name} + 1) * 127.5).round().astype(np.uint8).transpose(0, 2, 3, 1)\n"
            f'Image.fromarray({grid_code("pixels", count)}{gray}).save("{name}.png")\n'
        )

    def read_header(self, stream: BinaryIO) -> ImageHeader:
        """See `Modality.read_header`."""
        return pixels.read_header(stream)

    def array_format(self, headers: Headers, settings: Data, report: Report) -> ArrayFormat:
        """Return uint8, or uint16 if gray images have more than 8 bits, in the size of `fitted_size`."""
        known = cast(dict[int, ImageHeader], headers)
        height, width = pixels.fitted_size([each.size for each in known.values()], settings, report)
        channels = _channels(known, headers.read, settings, report)
        deep = channels == 1 and any(each.deep for each in known.values())
        return ArrayFormat((channels, height, width), np.dtype(np.uint16 if deep else np.uint8))

    def decode(self, stream: BinaryIO, format: ArrayFormat) -> Array:
        """See `Modality.decode`; resized to cover the format and cut at the center."""
        return pixels.picture(stream, format)

    def decode_whole(self, stream: BinaryIO, channels: int) -> tuple[Tensor, Any]:
        """Return uint8, or float in [-1, 1] for 16 bits; and the alpha channel, unless `channels` is 4."""
        header = pixels.read_header(stream)
        stream.seek(0)
        own = 4 if header.alpha else 3 if header.color else 1
        dtype = np.dtype(np.uint16 if header.deep and own == 1 else np.uint8)
        levels = pixels.picture(stream, ArrayFormat((own, *header.size), dtype))
        alpha = PILImage.fromarray(levels[3]) if header.alpha and channels != 4 else None
        if channels == 4 and own != 4:
            levels = pixels.recolored(levels[None], 3)[0]
            levels = np.concatenate([levels, np.full_like(levels[:1], np.iinfo(levels.dtype).max)])
        levels = pixels.recolored(levels[None], channels)[0]
        return torch.from_numpy(self.normalize(levels) if dtype == np.uint16 else np.array(levels)), alpha

    def encodes(self, shape: Shape) -> bool:
        """See `Modality.encodes`."""
        return shape[0] in CHANNELS

    def encode(self, sample: Tensor, stream: BinaryIO, like: Any = None) -> None:
        """Write a PNG of 8 bits, with the alpha channel `like` if it is given."""
        image = _with_alpha(to_image(sample), like)
        # Level 3 of zlib takes less than half the time of Pillow's default 6, for at most a tenth more bytes
        # of a photograph.
        image.save(stream, format="PNG", compress_level=3)

    def reason(self, error: Exception) -> str:
        """See `Modality.reason`."""
        return pixels.reason(error)

    def mirror(self, samples: Array) -> Array:
        """Return images flipped left to right."""
        return samples[..., ::-1]

    def coarse(self, samples: Tensor) -> Tensor:
        """Return images as vectors; large ones are downsampled to `COARSE` pixels."""
        if max(samples.shape[2:]) > COARSE:
            shrink = COARSE / max(samples.shape[2:])
            height, width = (max(1, round(side * shrink)) for side in samples.shape[2:])
            samples = adaptive_avg_pool2d(samples, (height, width))
        return super().coarse(samples)

    def reduced(self, sample: Tensor, side: int) -> Tensor:
        """See `Modality.reduced`; rounded to levels of 8 bits."""
        levels = np.array(self.thumbnail(sample, side))
        planes = levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1)
        return self.to_tensor(planes)

    def thumbnail(self, sample: Tensor, side: int, like: Any = None) -> PILImage.Image:
        """Return the image, reduced to `side` if it is larger."""
        image = _with_alpha(to_image(sample), like)
        return image if max(image.size) <= side else grids.contained(image, side)

    def grid(self, samples: Tensor, *, columns: int | None = None, side: int = 128) -> PILImage.Image:
        """Return the images side by side at their own size; `side` has no effect."""
        return grids.tiled([to_image(sample) for sample in samples], columns=columns)


def to_image(sample: Tensor) -> PILImage.Image:
    """Return a sample `[C, H, W]` in [-1, 1] as RGB or RGBA of 8 bits, else its first channel as gray."""
    data = ((sample.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    if data.shape[0] in (3, 4):
        return PILImage.fromarray(data.permute(1, 2, 0).contiguous().numpy())
    return PILImage.fromarray(data[0].contiguous().numpy())


def _with_alpha(image: PILImage.Image, alpha: PILImage.Image | None) -> PILImage.Image:
    if alpha is not None:
        image.putalpha(alpha)
    return image


def grid_code(name: str, count: int) -> str:
    """Return an expression of numpy: the images `name` as a grid; `count`, a square, divides theirs."""
    rows = math.isqrt(count)
    return (
        f"np.hstack({name})"
        if rows == 1
        else f"np.vstack([np.hstack(row) for row in np.split({name}, {rows})])"
    )


def _channels(
    headers: dict[int, ImageHeader], read: Callable[..., Any] | None, settings: Data, report: Report
) -> int:
    """Return `data.channels`, by default the smallest number that keeps all colors and transparency."""
    transparent = [index for index, each in headers.items() if each.alpha]
    if settings.channels is not None:
        if settings.channels not in CHANNELS:
            raise ValueError(
                f"data.channels={settings.channels}: image files give 1 (gray), 3 (RGB) or 4 (RGBA)"
            )
        channels = settings.channels
    elif len(transparent) == len(headers) and read and not _all_opaque(transparent[:16], read):
        channels = 4
    else:
        channels = 3 if any(each.color for each in headers.values()) else 1
    if transparent and channels != 4:
        report.note(
            f"{len(transparent):,} of {len(headers):,} images have an alpha channel and are laid on white; "
            "set data.channels=4 to keep it"
        )
    return channels


def _all_opaque(indices: Iterable[int], read: Callable[..., Any]) -> bool:
    try:
        return all(read(index, pixels.opaque) for index in indices)
    except BrokenSampleError:
        return False


@dataclass(frozen=True)
class HalfImage(Image):
    """Image that is the left (0) or the right (1) half of its file."""

    half: int = 0

    def of(self, headers: Headers) -> Modality:
        """Return the modality of the halves: images."""
        return Image()

    def read_header(self, stream: BinaryIO) -> ImageHeader:
        """See `Modality.read_header`."""
        return pixels.read_header(stream, halved=True)

    def decode(self, stream: BinaryIO, format: ArrayFormat) -> Array:
        """See `Modality.decode`."""
        return pixels.picture(stream, format, half=self.half)
