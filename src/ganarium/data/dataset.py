"""Data set: the samples of any source as batches, in one format, with their conditions."""

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
        data: which samples, and in which format.
        seed: of the sources that are generated (the world and points), and of which labels are kept.
        cache_share: part of `data.cache_gib` that this process may fill, in 0..1.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: it holds nothing to use, or not what `data` asks for.
    """
    return Dataset(recognized(_as_loaded(data), seed), data, seed=seed, cache_share=cache_share)


class Dataset:
    """Finite set of samples, read when asked for, cached where all of them fit into memory.

    Its length is that of its largest stream. A file that turns out to be broken is reported, and the next one
    that is not takes its place, on every process alike.

    Args:
        source: the source.
        data: which of its samples, and in which format.
        seed: seed of the data.
        cache_share: part of `data.cache_gib` that this process may fill, in 0..1.

    Attributes:
        spec: modality, shape and condition of the samples.
        report: what was found.
        labels: label of every sample, `[N]`; -1 where it is not known.
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
        self._stand_ins: Indices = np.arange(len(self._chosen))
        self._lock = threading.Lock()
        self._columns = source.columns
        self._open_caches(int(data.cache_gib * cache_share * _GIB))
        self.spec = DataSpec(self.modality, self._shape(), self.condition)
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
        """True if `data.split=test` gives samples that are held back from training."""
        return self._source.has_test

    @property
    def in_memory(self) -> bool:
        """True if every sample is decoded, so that a batch takes hardly any time."""
        return all(cache.complete for cache in (self._samples, *self._companions.values()))

    def batch(
        self,
        indices: Sequence[int] | Indices,
        *,
        mirrored: Flags | None = None,
        corners: Corners | None = None,
    ) -> Batch:
        """Return the samples of these numbers with their conditions; callable from several threads.

        Args:
            indices: numbers below `len(self)`, in any order, the same for every stream; a shorter stream
                begins
                again after its last.
            mirrored: which rows are mirrored, their conditions as well.
            corners: with `data.load_size`, where each row is cut out, `[N, A]` in [0, 1) along the
                windowed axes;
                in the middle if None.

        Returns:
            float32 samples on the CPU, in the batch that the condition makes of them.

        Raises:
            ValueError: every sample is broken; or samples without mirror images are to be mirrored.
        """
        parts = [
            self.part(number, indices, mirrored=mirrored, corners=corners)
            for number in range(len(self.streams))
        ]
        return self.join(parts)

    def batch_and_rows(self, indices: Sequence[int] | Indices) -> tuple[Batch, Rows]:
        """Return the samples of these numbers as a batch, and the rows of the first stream."""
        parts = [self.part(number, indices) for number in range(len(self.streams))]
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
            indices: numbers of its samples, in any order; after the last it begins again.
            places: places of the rows in the endless stream; the positions of the samples if None.
            mirrored: as in `batch`.
            corners: as in `batch`.

        Raises:
            ValueError: as in `batch`.
        """
        members = self.streams[stream].members
        wanted = members[np.asarray(indices, dtype=np.int64) % len(members)]
        flags = None if mirrored is None else np.asarray(mirrored, bool)
        positions, samples, companions = self._intact_samples(
            wanted, None if len(members) == len(self._chosen) else members
        )
        real = self._as_seen(self.modality, samples, flags, corners)
        rows = Rows(
            self._chosen[positions],
            positions if places is None else places,
            self._seed,
            flags,
            corners,
            self._columns,
            {
                name: self._as_seen(self._source.companion_modality(name), values, flags, corners)
                for name, values in companions.items()
            },
        )
        return real, rows

    def stream_samples(self, stream: int, indices: Sequence[int] | Indices) -> Tensor:
        """Return samples of one stream without their conditions."""
        return self.part(stream, indices)[0]

    def scenes(self, indices: Sequence[int] | Indices, *, stream: int = 0) -> Scenes | None:
        """Return the scenes of the built-in world that samples of a stream show; None for other data."""
        if not isinstance(self._source, DrawnWorld):
            return None
        members = self.streams[stream].members
        wanted = members[np.asarray(indices, dtype=np.int64) % len(members)]
        return self._source.scenes(self._chosen[wanted])

    def style(self, stream: int = 0) -> str:
        """Return in which of the built-in world's styles samples of a stream are drawn; "" for other data."""
        if not isinstance(self._source, DrawnWorld):
            return ""
        return self._source.style(stream if len(self.streams) > 1 else None)

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

    def _as_seen(
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
        """Replace broken samples; return the positions that stand in, their samples and their companions.

        Samples of a stream, ascending positions `among` all, are replaced by samples of the stream.
        """
        while True:
            if among is None:
                standing = self._stand_ins[positions]
            else:
                standing = self._following(among[self._intact[among]], positions)
            try:
                companions = {name: cache(standing) for name, cache in self._companions.items()}
                return standing, self._samples(standing), companions
            except BrokenSampleError as broken:
                self._replace(broken)

    def _replace(self, broken: BrokenSampleError) -> None:
        with self._lock:
            self.report.broken[broken.name] = broken.reason
            self._intact[np.searchsorted(self._chosen, broken.index)] = False
            self._stand_ins = self._following(np.flatnonzero(self._intact), np.arange(len(self._intact)))

    def _following(self, intact: Indices, positions: Indices) -> Indices:
        """Return for each position the next one that is intact."""
        if not len(intact):
            name, why = list(self.report.broken.items())[-1]
            raise ValueError(
                f"data.source={self.report.source}: not one sample is whole; the last: {name}: {why}"
            )
        return intact[np.searchsorted(intact, positions) % len(intact)]

    def _shape(self) -> tuple[int, ...]:
        return tuple(real_samples(self.batch([0])).shape[1:])

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
    """Return the settings with the size to which samples are resized before they are cropped."""
    return data if data.load_size is None else data.model_copy(update={"size": data.load_size})


def _cropped_size(data: Data, loaded: ArrayFormat, modality: Modality) -> tuple[int, ...] | None:
    """Return the size to crop to, along the windowed axes; None if samples are used as they are loaded."""
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
