"""Modality: kind of sample, with conversions between its files, arrays and tensors."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, NamedTuple

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


class BrokenSampleError(ValueError):
    """Sample that cannot be decoded: its number in the source, its name and the reason."""

    def __init__(self, index: int, name: str, reason: str):
        super().__init__(f"{name}: {reason}")
        self.index, self.name, self.reason = index, name, reason


class ArrayFormat(NamedTuple):
    """Shape and dtype of one sample in memory.

    `uint8` and `uint16` cover the range from black to white; `float32` holds the values of the modality.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Bytes of one sample."""
        return int(np.prod(self.shape)) * self.dtype.itemsize


@dataclass(frozen=True)
class Header:
    """Properties of a file's sample that are known before it is decoded.

    Attributes:
        size: length along each windowed axis of the modality.
        mode: coding in words, for the report.
    """

    size: tuple[int, ...]
    mode: str = ""


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

    A modality of your own sets `name`, `axes`, `windowed` and `suffixes`, and defines `read_header`, `decode`
    and `encode`; every other method has a default.

    Attributes:
        axes: names of the axes of one sample, channels first.
        windowed: last axes, along which long samples may be cut; sizes in recipes are lengths along them.
        low: least valid value; None if values are unbounded.
        high: greatest valid value; None if values are unbounded.
        suffixes: endings of the names of its files, such as `.png`.
        suffix: ending of the files that `encode` writes; empty without a file format.
        has_palette: True if files may need a table of colors to be read.
        vector_space: True if distances between samples as vectors are meaningful; hardly so for images.
        grid_count: number of samples in a grid during training.
    """

    axes: ClassVar[tuple[str, ...]]
    windowed: ClassVar[tuple[str, ...]] = ()
    low: ClassVar[float | None] = -1.0
    high: ClassVar[float | None] = 1.0
    suffixes: ClassVar[frozenset[str]] = frozenset()
    suffix: ClassVar[str] = ""
    has_palette: ClassVar[bool] = False
    vector_space: ClassVar[bool] = True
    grid_count: ClassVar[int] = 64

    # --- values ---

    def open(self, channels: int) -> Shape:
        """Return the axes of a sample of any size."""
        return (channels, *self.axes[1:])

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return uniform values between `low` and `high`, or normal ones if values are unbounded."""
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
        """Return the modality with properties from headers of files, such as a sample rate; here itself."""
        return self

    def read_header(self, stream: BinaryIO) -> Header:
        """Return the header of a file.

        Raises:
            Exception: the file holds no sample of this modality.
        """
        raise ValueError(f"files of {self.name}s cannot be read")

    def array_format(self, headers: Headers, settings: Data, report: Report) -> ArrayFormat:
        """Return the format to which all samples are converted.

        Here: float32 with `data.channels` (1) channels and `data.size` (the size that all samples share).

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
        """Return a file's sample at its own size, and the argument `like` of `encode`.

        The sample is `[channels, ...]`, in levels from which `to_tensor` makes values.
        """
        header = self.read_header(stream)
        stream.seek(0)
        sample = self.decode(stream, ArrayFormat((channels, *header.size), np.dtype(np.float32)))
        return torch.from_numpy(self.normalize(sample)), None

    def encodes(self, shape: Shape) -> bool:
        """Return True if samples of this shape can be written by `encode`."""
        return bool(self.suffix)

    def columns(self, shape: Shape) -> tuple[str, ...]:
        """Return the columns of a table with one sample a row; none if samples make no table."""
        return ()

    def encode(self, sample: Tensor, stream: BinaryIO, like: Any = None) -> None:
        """Write a sample `[C, ...]` as a file; `like` is the second result of `decode_whole`."""
        raise ValueError(f"{self.name}s have no file format of their own")

    def reason(self, error: Exception) -> str:
        """Return the reason why a file could not be read, in words."""
        return reason_of(error)

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
        # NumPy does it, since torch would start a team of threads per calling thread and slow the engine.
        return torch.from_numpy(self.normalize(samples))

    def coarse(self, samples: Tensor) -> Tensor:
        """Return samples as float64 vectors `[N, D]`, to be compared by distance."""
        return samples.flatten(1).double()

    def mirror(self, samples: Array) -> Array:
        """Return mirror images of samples.

        Raises:
            ValueError: samples of this modality have no mirror image.
        """
        raise ValueError(f"{self.name}s have no mirror image: set data.flip=false")

    def crop(self, samples: Array, size: Sequence[int], corners: NDArray[np.float64] | None) -> Array:
        """Return `[N, C, *size]` parts of samples.

        Args:
            samples: `[N, C, ...]`.
            size: lengths along the windowed axes.
            corners: place of each part, `[N, A]` in [0, 1) from the first to the last possible one along
                each axis; the middle if None.
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

    # --- images of samples ---

    def reduced(self, sample: Tensor, side: int) -> Tensor:
        """Return a sample resized to fit into `side`, if the modality can be resized; here itself."""
        return sample

    def thumbnail(self, sample: Tensor, side: int, like: Any = None) -> PILImage.Image:
        """Return an image of one sample that fits into `side` pixels; `like` as in `encode`.

        Here: its values as gray levels, with the last axis horizontal and all others vertical.
        """
        values = (
            sample.detach().float().cpu().reshape(-1, sample.shape[-1]) if sample.ndim else sample.view(1, 1)
        )
        low, high = (self.low, self.high) if self.low is not None else (values.min(), values.max())
        shades = ((values - low) / max(float(high - low), 1e-12)).clamp(0, 1) * 255  # type: ignore[operator]
        image = PILImage.fromarray(shades.round().to(torch.uint8).numpy())
        height = min(max(image.height, side // 4), side)
        return image.resize((side, height), PILImage.Resampling.NEAREST)

    def grid(self, samples: Tensor, *, columns: int | None = None, side: int = 128) -> PILImage.Image:
        """Return an image of samples `[N, C, ...]` side by side."""
        return grids.tiled([self.thumbnail(sample, side) for sample in samples], columns=columns)


def reason_of(error: Exception) -> str:
    """Return the reason of an error in words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
