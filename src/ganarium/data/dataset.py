"""Data set: the samples of a source as batches, in one format, with their conditions."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganarium.data.batches import Batch, real_samples
from ganarium.data.cache import SampleCache
from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.table import check_condition
from ganarium.data.modalities.base import Array, ArrayFormat, BrokenSampleError, Modality
from ganarium.data.order import Indices
from ganarium.data.report import Report
from ganarium.data.rows import Rows, Stream
from ganarium.data.selection import chosen
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source
from ganarium.data.sources.recognize import recognized
from ganarium.data.sources.world import DrawnWorld
from ganarium.data.spec import DataSpec
from ganarium.data.world import Scenes

_GIB = 2**30

Flags = Sequence[bool] | NDArray[np.bool_]
Corners = NDArray[np.float64]


def open_data(data: Data, *, seed: int = 0, cache_share: float = 1.0) -> "Dataset":
    """Open the data that `data.source` names.

    Args:
        data: settings of the samples and their format.
        seed: seed of generated sources (the world, points) and of the choice of labeled samples.
        cache_share: part of `data.cache_gib` that this process may fill, in 0..1.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: the source has no usable samples, or does not fit `data`.
    """
    return Dataset(recognized(_as_loaded(data), seed), data, seed=seed, cache_share=cache_share)


class Dataset:
    """Finite set of samples, decoded on demand and cached if all of them fit into memory.

    The length is that of the largest stream. A broken file is reported and replaced by the next one that is
    intact, in every process alike.

    Args:
        source: the source.
        data: settings of the samples and their format.
        seed: seed of the data.
        cache_share: part of `data.cache_gib` that this process may fill, in 0..1.

    Attributes:
        spec: modality, shape and condition of the samples.
        report: contents of the data.
        labels: label of every sample, `[N]`; -1 if it is unknown.
        streams: streams from which a batch takes its rows.
    """

    def __init__(self, source: Source, data: Data, *, seed: int = 0, cache_share: float = 1.0):
        condition_class = check_condition(source, data)
        self.report = Report(data.place, source.kind)
        self._source, self._seed = source, seed
        self._format = source.array_format(_as_loaded(data), self.report)
        self.modality: Modality = source.modality
        self._size = _cropped_size(data, self._format, self.modality)
        windowed = () if self._size is None else self._size
        shape = (*self._format.shape[: len(self._format.shape) - len(windowed)], *windowed)
        self.condition: Condition | None = None
        if condition_class is not None:
            self.condition = condition_class.from_source(source, data, shape)
        self._chosen = chosen(source, self.condition, data, self.report)
        unknown = np.full(len(self._chosen), -1)
        self.labels: Indices = unknown if source.labels is None else source.labels[self._chosen]
        self.streams: tuple[Stream, ...] = (Stream(np.arange(len(self._chosen))),)
        if self.condition is not None:
            self.streams = self.condition.streams(source, self._chosen, data, seed, self.report)
        self._intact = np.ones(len(self._chosen), dtype=bool)
        self._replacements: Indices = np.arange(len(self._chosen))
        self._lock = threading.Lock()
        self._columns = source.columns
        self._open_caches(int(data.cache_gib * cache_share * _GIB))
        self.spec = DataSpec(self.modality, tuple(real_samples(self.batch([0])).shape[1:]), self.condition)
        self._complete_report()

    def __len__(self) -> int:
        return max(map(len, self.streams))

    def name(self, index: int) -> str:
        """Return the name of a sample: its file, if it has one."""
        return self._source.name(int(self._chosen[index]))

    @property
    def source(self) -> Source:
        """Source of the samples."""
        return self._source

    @property
    def has_test(self) -> bool:
        """True if `data.split=test` selects samples that are held back from training."""
        return self._source.has_test

    @property
    def in_memory(self) -> bool:
        """True if every sample is decoded, so that batches take hardly any time."""
        return all(cache.complete for cache in (self._samples, *self._companions.values()))

    def batch(
        self,
        indices: Sequence[int] | Indices,
        *,
        mirrored: Flags | None = None,
        corners: Corners | None = None,
    ) -> Batch:
        """Return the samples of these numbers with their conditions; safe to call from several threads.

        Args:
            indices: numbers below `len(self)`, in any order, the same for every stream; a shorter stream
                starts again after its last sample.
            mirrored: True for rows that are mirrored together with their conditions, `[N]`.
            corners: places where rows are cut out if `data.load_size` is set, `[N, A]` in [0, 1) along the
                windowed axes; the middle if None.

        Returns:
            float32 samples on the CPU, in the type of batch of the condition.

        Raises:
            ValueError: every sample is broken, or samples to be mirrored have no mirror image.
        """
        streams = range(len(self.streams))
        return self.join([self.part(i, indices, mirrored=mirrored, corners=corners) for i in streams])

    def batch_and_rows(self, indices: Sequence[int] | Indices) -> tuple[Batch, Rows]:
        """Return the samples of these numbers as a batch, and the rows of the first stream."""
        parts = [self.part(stream, indices) for stream in range(len(self.streams))]
        return self.join(parts), parts[0][1]

    def join(self, parts: Sequence[tuple[Tensor, Rows]]) -> Batch:
        """Return the batch of the rows of every stream; see `part`."""
        return parts[0][0] if self.condition is None else self.condition.join(parts)

    def part(
        self,
        stream: int,
        indices: Sequence[int] | Indices,
        *,
        places: Indices | None = None,
        mirrored: Flags | None = None,
        corners: Corners | None = None,
    ) -> tuple[Tensor, Rows]:
        """Return samples of one stream, and their rows.

        Args:
            stream: number of the stream.
            indices: numbers of its samples, in any order; the stream starts again after its last sample.
            places: places of the rows in the endless stream; the positions of the samples if None.
            mirrored: as in `batch`.
            corners: as in `batch`.

        Raises:
            ValueError: as in `batch`.
        """
        members = self.streams[stream].members
        wanted = self._positions(stream, indices)
        flags = None if mirrored is None else np.asarray(mirrored, bool)
        positions, samples, companions = self._intact_samples(
            wanted, None if len(members) == len(self._chosen) else members
        )
        real = self._transformed(self.modality, samples, flags, corners)
        rows = Rows(
            self._chosen[positions],
            positions if places is None else places,
            self._seed,
            flags,
            corners,
            self._columns,
            {
                name: self._transformed(self._source.companion_modality(name), values, flags, corners)
                for name, values in companions.items()
            },
        )
        return real, rows

    def scenes(self, indices: Sequence[int] | Indices, *, stream: int = 0) -> Scenes | None:
        """Return the scenes of the built-in world that samples of a stream show; None for other data."""
        if not isinstance(self._source, DrawnWorld):
            return None
        return self._source.scenes(self._chosen[self._positions(stream, indices)])

    def style(self, stream: int = 0) -> str:
        """Return the style of the built-in world in which a stream is drawn; "" for other data."""
        if not isinstance(self._source, DrawnWorld):
            return ""
        return self._source.style(stream if len(self.streams) > 1 else None)

    def _positions(self, stream: int, indices: Sequence[int] | Indices) -> Indices:
        """Return the positions of samples of a stream, which starts again after its last sample."""
        members = self.streams[stream].members
        return members[np.asarray(indices, dtype=np.int64) % len(members)]

    def _open_caches(self, room: int) -> None:
        source, length = self._source, len(self._chosen)
        in_memory = source.in_memory(self._format)
        kept = 0 if in_memory else self._format.size
        self._samples = SampleCache(
            self._read, length, self._format, room if kept else 0, in_memory=in_memory
        )
        room -= kept * length
        self._companions: dict[str, SampleCache] = {}
        for name in () if self.condition is None else self.condition.companions:
            form = source.companion_format(name)
            self._companions[name] = SampleCache(self._reader(name), length, form, room)
            room -= form.size * length

    def _read(self, positions: Indices) -> Array:
        return self._source.samples(self._chosen[positions], self._format)

    def _reader(self, name: str) -> Callable[[Indices], Array]:
        return lambda positions: self._source.companion_samples(name, self._chosen[positions])

    def _transformed(
        self, modality: Modality, samples: Array, mirrored: NDArray[np.bool_] | None, corners: Corners | None
    ) -> Tensor:
        """Return stored samples cropped, mirrored and normalized."""
        if self._size is not None:
            samples = modality.crop(samples, self._size, corners)
        if mirrored is not None and mirrored.any():
            samples[mirrored] = modality.mirror(samples[mirrored])
        return modality.to_tensor(samples)

    def _intact_samples(
        self, positions: Indices, among: Indices | None
    ) -> tuple[Indices, Array, dict[str, Array]]:
        """Return positions, samples and companions, with broken samples replaced by the next intact ones.

        Args:
            positions: positions of the samples.
            among: ascending positions of the possible replacements; all samples if None.
        """
        while True:
            if among is None:
                found = self._replacements[positions]
            else:
                found = self._next_intact(among[self._intact[among]], positions)
            try:
                companions = {name: cache(found) for name, cache in self._companions.items()}
                return found, self._samples(found), companions
            except BrokenSampleError as broken:
                self._replace(broken)

    def _replace(self, broken: BrokenSampleError) -> None:
        with self._lock:
            self.report.broken[broken.name] = broken.reason
            self._intact[np.searchsorted(self._chosen, broken.index)] = False
            self._replacements = self._next_intact(np.flatnonzero(self._intact), np.arange(len(self._intact)))

    def _next_intact(self, intact: Indices, positions: Indices) -> Indices:
        """Return, for each position, the next one that is intact."""
        if not len(intact):
            name, why = list(self.report.broken.items())[-1]
            raise ValueError(
                f"data.source={self.report.source}: not one sample is whole; the last: {name}: {why}"
            )
        return intact[np.searchsorted(intact, positions) % len(intact)]

    def _complete_report(self) -> None:
        self.report.samples = len(self._chosen)
        self.report.shape = self.spec.shape
        if self._size is not None:
            loaded = "x".join(map(str, self._format.shape[-len(self._size) :]))
            self.report.note(f"resized to {loaded}, of which each time another part is seen")
        self.report.attributes = self._source.attributes
        if self._source.labels is not None:
            counts = np.bincount(self.labels[self.labels >= 0], minlength=len(self._source.classes))
            self.report.classes = dict(zip(self._source.classes, counts.tolist(), strict=True))


def _as_loaded(data: Data) -> Data:
    """Return the settings with the size of samples before they are cropped."""
    return data if data.load_size is None else data.model_copy(update={"size": data.load_size})


def _cropped_size(data: Data, loaded: ArrayFormat, modality: Modality) -> tuple[int, ...] | None:
    """Return the size after cropping along the windowed axes; None if samples are not cropped."""
    if data.load_size is None:
        return None
    if data.size is None:
        raise ValueError(f"data.load_size={data.load_size} is to be cut to data.size: set it, too")
    axes = len(modality.windowed)
    size = (data.size,) * axes if isinstance(data.size, int) else data.size
    if len(size) != axes or any(
        not 0 < want <= have for want, have in zip(size, loaded.shape[-axes:], strict=True)
    ):
        raise ValueError(
            f"data.size={data.size} cannot be cut out of data.load_size={data.load_size}: make that larger"
        )
    return tuple(size)
