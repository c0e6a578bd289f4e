"""Modality: kind of sample, and how its files become arrays and its arrays files."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PILImage
from torch import Tensor

from ganarium.common import grids
from ganarium.data.kinds import Kind, Shape
from ganarium.data.report import Report
from ganarium.data.settings import Data, lengths

Array = NDArray[Any]
Read = TypeVar("Read")


class BrokenSampleError(ValueError):
    """A sample that cannot be decoded: its number in the source, its name and the reason."""

    def __init__(self, index: int, name: str, reason: str):
        super().__init__(f"{name}: {reason}")
        self.index, self.name, self.reason = index, name, reason


class ArrayFormat(NamedTuple):
    """Shape and dtype of one sample in memory: `uint8` and `uint16` cover black to white, `float32` is as
    it is.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Bytes of one sample."""
        return int(np.prod(self.shape)) * self.dtype.itemsize


@dataclass(frozen=True)
class Header:
    """What the head of a file says of its sample, before anything is decoded."""

    size: tuple[int, ...]
    """Length along each windowed axis of the modality."""
    mode: str = ""
    """Coding in words, for the report."""


class Headers(dict[int, Header]):
    """Headers of some samples by number.

    Attributes:
        read: `read(number, reader)` opens the sample's file and returns `reader(stream)`.
    """

    def __init__(
        self, headers: Mapping[int, Any], read: Callable[[int, Callable[[BinaryIO], Any]], Any] | None = None
    ):
        super().__init__(headers)
        self.read = read


@dataclass(frozen=True)
class Modality(Kind):
    """Kind of sample.

    A modality of your own sets `name`, `axes`, `windowed` and `suffixes`, and writes `read_header`,
    `decode` and `encode`; every other method has a default.

    Attributes:
        axes: names of the axes of one sample, channels first.
        windowed: the last axes, those along which a long sample may be cut; sizes in recipes are along these.
        low: least valid value; None where values are unbounded.
        high: greatest valid value.
        suffixes: endings of the names of its files, `.png` say.
        suffix: ending of the files that `encode` writes; empty where samples have no files of their own.
        vector_space: True if distances between samples as vectors are meaningful, as they hardly are for
            images.
        grid_count: how many samples a grid shows during training.
    """

    axes: ClassVar[tuple[str, ...]]
    windowed: ClassVar[tuple[str, ...]] = ()
    low: ClassVar[float | None] = -1.0
    high: ClassVar[float | None] = 1.0
    suffixes: ClassVar[frozenset[str]] = frozenset()
    suffix: ClassVar[str] = ""
    vector_space: ClassVar[bool] = True
    grid_count: ClassVar[int] = 64

    # --- values ---

    def open(self, channels: int) -> Shape:
        """Return the axes of a sample of any size."""
        return (channels, *self.axes[1:])

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return uniform values between `low` and `high`; normal ones where values are unbounded."""
        if self.low is None or self.high is None:
            return torch.randn(count, *shape, generator=generator)
        return torch.rand(count, *shape, generator=generator) * (self.high - self.low) + self.low

    def finish(self, values: Tensor) -> Tensor:
        """Return float values within `low` and `high`."""
        return values.float() if self.low is None else values.float().clamp(self.low, self.high)

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        return f"{self.name}s" if self.low is None else f"{self.name}s in [{self.low:g}, {self.high:g}]"

    # --- files ---

    def of(self, headers: Headers) -> "Modality":
        """Return the modality with what the headers of its files say, such as a sample rate; here itself."""
        return self

    def read_header(self, stream: BinaryIO) -> Header:
        """Return the header of a file.

        Raises:
            Exception: the file is no sample of this modality.
        """
        raise ValueError(f"files of {self.name}s cannot be read")

    def array_format(self, headers: Headers, settings: Data, report: Report) -> ArrayFormat:
        """Return the format that all samples are brought into.

        Here: float32 of one channel, of `data.size`, else of the size that all samples share.

        Raises:
            ValueError: sizes differ and `data.size` is not set, or settings do not fit.
        """
        sizes = {header.size for header in headers.values()}
        if settings.size is not None:
            size = lengths(settings.size, self.windowed, self.name)
        elif len(sizes) == 1:
            (size,) = sizes
        else:
            raise ValueError(
                f"{settings.place}: {self.name}s of {len(sizes)} sizes; set data.size to the length along "
                f"{', '.join(self.windowed)}"
            )
        return ArrayFormat((settings.channels or 1, *size), np.dtype(np.float32))

    @abstractmethod
    def decode(self, stream: BinaryIO, format: ArrayFormat) -> Array:
        """Return a file's sample, `[*format.shape]` of `format.dtype`.

        Raises:
            Exception: the file cannot be decoded.
        """

    def decode_whole(self, stream: BinaryIO, channels: int) -> tuple[Tensor, Any]:
        """Return a file's sample at its own size, `[channels, ...]`, and what `encode` needs for a file
        like it.
        """
        header = self.read_header(stream)
        stream.seek(0)
        return torch.from_numpy(
            self.normalize(self.decode(stream, ArrayFormat((channels, *header.size), np.dtype(np.float32))))
        ), None

    def encodes(self, shape: Sequence[int]) -> bool:
        """Return True if samples of this shape can be written by `encode`."""
        return bool(self.suffix)

    def encode(self, sample: Tensor, stream: BinaryIO, like: Any = None) -> None:
        """Write a sample `[C, ...]` as a file; `like` is what `decode_whole` returned of the input file."""
        raise ValueError(f"{self.name}s have no file format of their own")

    def reason(self, error: Exception) -> str:
        """Return in words why a file could not be read."""
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        return str(error) or type(error).__name__

    # --- arrays of samples, `[N, C, ...]` ---

    def normalize(self, samples: Array) -> NDArray[np.float32]:
        """Return stored levels as float32 values of the modality."""
        if samples.dtype == np.float32:
            return samples
        if samples.dtype.kind != "u":
            return samples.astype(np.float32)
        scaled: NDArray[np.float32] = np.multiply(samples, 2 / np.iinfo(samples.dtype).max, dtype=np.float32)
        scaled -= 1
        return scaled

    def to_tensor(self, samples: Array) -> Tensor:
        """Return stored samples as a tensor of the modality's values."""
        # Not with torch: its threads, one team for each thread that calls, would get into the engine's way.
        return torch.from_numpy(self.normalize(samples))

    def coarse(self, samples: Tensor) -> Tensor:
        """Return samples as float64 vectors `[N, D]` for comparisons by distance."""
        return samples.flatten(1).double()

    def mirror(self, samples: Array) -> Array:
        """Return mirror images of samples.

        Raises:
            ValueError: samples of this modality have none.
        """
        raise ValueError(f"{self.name}s have no mirror image: set data.flip=false")

    def crop(self, samples: Array, size: Sequence[int], corners: NDArray[np.float64] | None) -> Array:
        """Return `[N, C, *size]` parts of samples.

        Args:
            samples: `[N, C, ...]`.
            size: lengths along the windowed axes.
            corners: where each part begins, `[N, A]` in [0, 1) of the room along each axis; in the middle
                if None.
        """
        axes = len(self.windowed)
        places = np.full((len(samples), axes), 0.5) if corners is None else corners[:, :axes]
        room = np.array([have - want + 1 for have, want in zip(samples.shape[-axes:], size, strict=True)])
        starts = (places * room).astype(np.int64)
        return np.stack(
            [
                each[(..., *(slice(at, at + length) for at, length in zip(start, size, strict=True)))]
                for each, start in zip(samples, starts, strict=True)
            ]
        )

    # --- pictures of samples ---

    def thumbnail(self, sample: Tensor, side: int) -> PILImage.Image:
        """Return an image of one sample that fits into `side` pixels.

        Here: its values in shades, the last axis across, all others down.
        """
        values = (
            sample.detach().float().cpu().reshape(-1, sample.shape[-1]) if sample.ndim else sample.view(1, 1)
        )
        low, high = (self.low, self.high) if self.low is not None else (values.min(), values.max())
        shades = ((values - low) / max(float(high - low), 1e-12)).clamp(0, 1) * 255  # type: ignore[operator]
        image = PILImage.fromarray(shades.round().to(torch.uint8).numpy())
        height = max(image.height, side // 4) if image.height < side // 4 else min(image.height, side)
        return image.resize((side, height), PILImage.Resampling.NEAREST)

    def grid(self, samples: Tensor, *, columns: int | None = None, side: int = 128) -> PILImage.Image:
        """Return an image of samples `[N, C, ...]` side by side."""
        return grids.tiled([self.thumbnail(sample, side) for sample in samples], columns=columns)
