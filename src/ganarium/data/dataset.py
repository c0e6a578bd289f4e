"""Samples of any source as batches, in one form, with what they are conditioned on."""

import threading
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium.data.batches import Conditioned, Unpaired, real_samples
from ganarium.data.cache import SampleCache
from ganarium.data.conditions.derived import CONDITIONS
from ganarium.data.modalities.image import Array, ArrayFormat, BrokenImageError, normalized
from ganarium.data.order import Indices
from ganarium.data.report import Report
from ganarium.data.selection import ATTRIBUTES, LABEL, check_condition, chosen, labeled
from ganarium.data.settings import Data
from ganarium.data.sources.base import DOMAINS, MAP, PAIR, Source
from ganarium.data.sources.recognize import recognized
from ganarium.data.sources.world import DrawnWorld
from ganarium.data.spec import DataSpec
from ganarium.data.world import Scenes

_GIB = 2**30


Corners = NDArray[np.float64]


def open_data(data: Data, *, seed: int = 0, cache_share: float = 1.0) -> "Dataset":
    """Recognises what `data.source` is.

    Args:
        data: which samples, and in which form.
        seed: of the sources that are drawn, the world and points; and of which labels are kept.
        cache_share: the part of `data.cache_gib` that this process may fill, in 0..1.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: it holds nothing to use, or not what `data` asks for.
    """
    return Dataset(recognized(_as_loaded(data), seed), data, seed=seed, cache_share=cache_share)


class Dataset:
    """A finite set of samples, read when asked for, kept where all of them fit into memory.

    With `data.condition=domains` its length is that of the largest domain.

    A file found to be broken is reported, and the next whole one stands in for it, on every process alike.
    """

    spec: DataSpec
    report: Report
    labels: Indices
    """Every sample's, `[N]`; -1 where nothing is known."""

    def __init__(self, source: Source, data: Data, *, seed: int = 0, cache_share: float = 1.0):
        check_condition(source, data)
        self.report = Report(data.place, source.kind)
        self._source = source
        self._condition = data.condition
        self._form = source.form(_as_loaded(data), self.report)
        self._size = _wanted_size(data, self._form)
        self._chosen = chosen(source, data, self.report)
        self._whole = np.ones(len(self._chosen), dtype=bool)
        self._stand_ins: Indices = np.arange(len(self._chosen))
        self._mending = threading.Lock()
        unknown = np.full(len(self._chosen), -1)
        self.labels = unknown if source.labels is None else source.labels[self._chosen]
        kinds = range(len(source.classes)) if data.condition == DOMAINS else ()
        self._domains: tuple[Indices, ...] = tuple(np.flatnonzero(self.labels == kind) for kind in kinds)
        self._labeled = labeled(source, self._chosen, data, seed, self.report)
        room = int(data.cache_gib * cache_share * _GIB)
        kept = 0 if source.in_memory(self._form) else self._form.size
        self._samples = SampleCache(
            self._read, len(self._chosen), self._form, room if kept else 0, in_memory=not kept
        )
        self._condition_images: SampleCache | None = None
        if data.condition in source.companions:
            form = source.shown_form(str(data.condition))
            self._condition_images = SampleCache(
                self._make_condition_images, len(self._chosen), form, room - kept * len(self._chosen)
            )
        self.spec = self._facts()
        self._complete_report()

    def __len__(self) -> int:
        return max(self.domain_sizes, default=len(self._chosen))

    def name(self, index: int) -> str:
        """What a sample is called: its file, where it has one."""
        return self._source.name(int(self._chosen[index]))

    @property
    def labeled(self) -> int:
        """How many samples keep their labels, where `data.labeled_samples` asks for some; else 0."""
        return len(self._labeled)

    @property
    def domain_sizes(self) -> tuple[int, ...]:
        """How many samples each domain has, where `data.condition=domains`; else none."""
        return tuple(map(len, self._domains))

    @property
    def has_test(self) -> bool:
        """Whether `data.split=test` would give samples that are held back from training."""
        return self._source.has_test

    @property
    def in_memory(self) -> bool:
        """Whether every sample is decoded, so that a batch takes no time worth speaking of."""
        return self._samples.complete and (self._condition_images is None or self._condition_images.complete)

    def batch(
        self,
        indices: Sequence[int] | Indices,
        *,
        mirrored: Sequence[bool] | NDArray[np.bool_] | None = None,
        corners: Corners | None = None,
    ) -> Tensor | Conditioned | Unpaired:
        """These samples, and their condition if `data.condition` asks for one; callable from several threads.

        Args:
            indices: numbers below `len(self)`, in any order; a smaller domain begins anew after its last.
            mirrored: which of them are turned left to right, and their condition with them.
            corners: with `data.load_size`, where each is cut out, `[N, 2]` in [0, 1): down and across, from
                the upper left to the lower right; in the middle if it is not said.

        Returns:
            float32 pictures `[N, C, H, W]` in [-1, 1] or points `[N, 2]`, on the CPU.

        Raises:
            ValueError: no sample is whole; or points are to be mirrored.
        """
        if self._domains:
            each = range(len(self._domains))
            return Unpaired(
                tuple(self.domain_batch(i, indices, mirrored=mirrored, corners=corners) for i in each)
            )
        flags = self._flags(mirrored, len(indices))
        positions, samples, condition_images = self._standing(np.asarray(indices, dtype=np.int64))
        real = self._seen(samples, flags, corners)
        if condition_images is not None:
            return Conditioned(real, self._seen(condition_images, flags, corners))
        return real if self._condition is None else Conditioned(real, self._told(real, positions, flags))

    def labeled_batch(
        self,
        indices: Sequence[int] | Indices,
        *,
        mirrored: Sequence[bool] | NDArray[np.bool_] | None = None,
        corners: Corners | None = None,
    ) -> Conditioned:
        """These of the samples that keep their labels, and the labels.

        Args:
            indices: numbers below `labelled`, in any order.
            mirrored: as in `batch`.
            corners: as in `batch`.

        Raises:
            ValueError: as in `batch`.
        """
        flags, wanted = self._flags(mirrored, len(indices)), np.asarray(indices, dtype=np.int64)
        positions, samples, _ = self._standing(self._labeled[wanted], among=self._labeled)
        return Conditioned(self._seen(samples, flags, corners), torch.from_numpy(self.labels[positions]))

    def domain_batch(
        self,
        domain: int,
        indices: Sequence[int] | Indices,
        *,
        mirrored: Sequence[bool] | NDArray[np.bool_] | None = None,
        corners: Corners | None = None,
    ) -> Tensor:
        """These samples of one domain.

        Args:
            domain: its number among the classes.
            indices: numbers of its samples, in any order; after the last it begins anew.
            mirrored: as in `batch`.
            corners: as in `batch`.

        Raises:
            ValueError: as in `batch`.
        """
        members = self._domains[domain]
        wanted = members[np.asarray(indices, dtype=np.int64) % len(members)]
        flags = self._flags(mirrored, len(wanted))
        return self._seen(self._standing(wanted, among=members)[1], flags, corners)

    def scenes(self, indices: Sequence[int] | Indices, *, domain: int | None = None) -> Scenes | None:
        """What the built-in world draws as these samples, of all or of one domain; None of other data."""
        if not isinstance(self._source, DrawnWorld):
            return None
        members = np.arange(len(self._chosen)) if domain is None else self._domains[domain]
        wanted = members[np.asarray(indices, dtype=np.int64) % len(members)]
        return self._source.scenes(self._chosen[wanted])

    def _flags(self, mirrored: Sequence[bool] | NDArray[np.bool_] | None, count: int) -> NDArray[np.bool_]:
        flags = np.zeros(count, bool) if mirrored is None else np.asarray(mirrored, bool)
        if flags.any() and len(self._form.shape) != 3:
            raise ValueError("only pictures have a mirror image: set data.flip=false")
        return flags

    def _seen(self, samples: Array, mirrored: NDArray[np.bool_], corners: Corners | None) -> Tensor:
        """Samples, or what is shown with them, cut and turned as they are seen."""
        if self._size is not None:
            samples = _cut(samples, *self._size, corners)
        return _tensor(samples, mirrored)

    def _told(self, real: Tensor, positions: Indices, mirrored: NDArray[np.bool_]) -> Tensor:
        if self._condition == LABEL:
            return torch.from_numpy(self.labels[positions])
        if self._condition == ATTRIBUTES and self._source.vectors is not None:
            vectors = self._source.vectors[self._chosen[positions]]
            sided = np.isin(self._source.attributes, self._source.mirrored_attributes)
            return torch.from_numpy(np.where(np.outer(mirrored, sided), 1 - vectors, vectors))
        return CONDITIONS[str(self._condition)](real)

    def _standing(
        self, positions: Indices, among: Indices | None = None
    ) -> tuple[Indices, Array, Array | None]:
        """The samples that stand at these positions once no broken one is among them, and their pixels.

        The third are those of what the source shows with them.

        Some of the samples, ascending positions `among` all, stand in for one another only.
        """
        while True:
            if among is None:
                standing = self._stand_ins[positions]
            else:
                standing = self._following(among[self._whole[among]], positions)
            try:
                condition_images = (
                    None if self._condition_images is None else self._condition_images(standing)
                )
                return standing, self._samples(standing), condition_images
            except BrokenImageError as broken:
                self._replace(broken)

    def _replace(self, broken: BrokenImageError) -> None:
        with self._mending:
            self.report.broken[broken.name] = broken.reason
            self._whole[np.searchsorted(self._chosen, broken.index)] = False
            self._stand_ins = self._following(np.flatnonzero(self._whole), np.arange(len(self._whole)))

    def _following(self, whole: Indices, positions: Indices) -> Indices:
        """For each position the next one that is whole."""
        if not len(whole):
            name, why = list(self.report.broken.items())[-1]
            raise ValueError(
                f"data.source={self.report.source}: not one sample is whole; the last: {name}: {why}"
            )
        return whole[np.searchsorted(whole, positions) % len(whole)]

    def _read(self, positions: Indices) -> Array:
        return self._source.samples(self._chosen[positions], self._form)

    def _make_condition_images(self, positions: Indices) -> Array:
        return self._source.condition_images(str(self._condition), self._chosen[positions])

    def _facts(self) -> DataSpec:
        first = self.batch([0])
        told = first.condition if isinstance(first, Conditioned) else None
        # Turned round, it is the picture that the map is to be painted from.
        is_reversed = self._condition == MAP and told is not None and told.is_floating_point()
        palette = None if is_reversed else self._source.palette
        return DataSpec(
            tuple(real_samples(first).shape[1:]),
            self._source.classes,
            self._source.attributes,
            PAIR if is_reversed else self._condition,
            () if told is None else tuple(told.shape[1:]),
            self.labeled,
            () if palette is None else palette.painted_in,
            () if palette is None or not palette.indexed else tuple(palette.values.tolist()),
        )

    def _complete_report(self) -> None:
        self.report.samples = len(self._chosen)
        self.report.shape = self.spec.shape
        if self._size is not None:
            height, width = self._form.shape[1:]
            self.report.note(f"resized to {height}x{width}, of which each time another part is seen")
        self.report.attributes = self._source.attributes
        if self._source.labels is not None:
            counts = np.bincount(self.labels[self.labels >= 0], minlength=len(self._source.classes))
            self.report.classes = dict(zip(self._source.classes, counts.tolist(), strict=True))


def _as_loaded(data: Data) -> Data:
    """The data in the size from which what is seen is cut out."""
    return data if data.load_size is None else data.model_copy(update={"size": data.load_size})


def _wanted_size(data: Data, loaded: ArrayFormat) -> tuple[int, int] | None:
    """Height and width to cut out; None where samples are seen as they are loaded."""
    if data.load_size is None:
        return None
    if data.size is None:
        raise ValueError(f"data.load_size={data.load_size} is to be cut to data.size: set it, too")
    height, width = (data.size, data.size) if isinstance(data.size, int) else data.size
    if not (0 < height <= loaded.shape[1] and 0 < width <= loaded.shape[2]):
        raise ValueError(
            f"data.size={data.size} cannot be cut out of data.load_size={data.load_size}: make that larger"
        )
    return height, width


def _cut(pixels: Array, height: int, width: int, corners: Corners | None) -> Array:
    """`[N, C, height, width]` of these, at corners `[N, 2]` in [0, 1)."""
    places = np.full((len(pixels), 2), 0.5) if corners is None else corners
    room = np.array([pixels.shape[2] - height + 1, pixels.shape[3] - width + 1])
    parts = zip(pixels, (places * room).astype(np.int64), strict=True)
    return np.stack([each[:, top : top + height, left : left + width] for each, (top, left) in parts])


def _tensor(samples: Array, mirrored: NDArray[np.bool_]) -> Tensor:
    if mirrored.any():
        samples[mirrored] = samples[mirrored][..., ::-1]
    if samples.dtype == np.int32:  # ids
        return torch.from_numpy(samples.astype(np.int64))
    # Not with torch: its threads, one team for each thread that calls, would get into the engine's way.
    return torch.from_numpy(normalized(samples))
