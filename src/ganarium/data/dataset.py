"""Samples of any source as batches, in one form, with what they are conditioned on."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium import recipe
from ganarium.data.batches import Conditioned, Facts, Unpaired
from ganarium.data.choice import ATTRIBUTES, LABEL, Positions, check_condition, chosen, labelled
from ganarium.data.conditions import CONDITIONS
from ganarium.data.images import Array, BrokenPictureError, Form, normalised
from ganarium.data.sources.base import DOMAINS, Report, Source
from ganarium.data.sources.recognise import recognised

_GIB = 2**30


def open_data(data: recipe.Data, *, seed: int = 0, cache_share: float = 1.0) -> "Dataset":
    """Recognises what `data.source` is.

    Args:
        data: which samples, and in which form.
        seed: of the sources that are drawn, the world and points; and of which labels are kept.
        cache_share: the part of `data.cache_gib` that this process may fill, in 0..1.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: it holds nothing to use, or not what `data` asks for.
    """
    return Dataset(recognised(data, seed), data, seed=seed, cache_share=cache_share)


class Dataset:
    """A finite set of samples, read when asked for, kept where all of them fit into memory.

    With `data.condition=domains` its length is that of the largest domain.

    A file found to be broken is reported, and the next whole one stands in for it, on every process alike.
    """

    facts: Facts
    report: Report
    labels: Positions
    """Every sample's, `[N]`; -1 where nothing is known."""

    def __init__(self, source: Source, data: recipe.Data, *, seed: int = 0, cache_share: float = 1.0):
        check_condition(source, data)
        self.report = Report(data.source, source.kind)
        self._source = source
        self._condition = data.condition
        self._form = source.form(data, self.report)
        self._chosen = chosen(source, data, self.report)
        self._whole = np.ones(len(self._chosen), dtype=bool)
        self._stand_ins: Positions = np.arange(len(self._chosen))
        self._mending = threading.Lock()
        unknown = np.full(len(self._chosen), -1)
        self.labels = unknown if source.labels is None else source.labels[self._chosen]
        kinds = range(len(source.classes)) if data.condition == DOMAINS else ()
        self._domains: tuple[Positions, ...] = tuple(np.flatnonzero(self.labels == kind) for kind in kinds)
        self._labelled = labelled(source, self._chosen, data, seed, self.report)
        room = int(data.cache_gib * cache_share * _GIB)
        kept = 0 if source.instant(self._form) else self._form.size
        self._samples = _Shelf(
            self._read, len(self._chosen), self._form, room if kept else 0, instant=not kept
        )
        self._shown: _Shelf | None = None
        if data.condition in source.exact_conditions:
            one = self._show(np.zeros(1, dtype=np.int64))
            form = Form(one.shape[1:], one.dtype)
            self._shown = _Shelf(self._show, len(self._chosen), form, room - kept * len(self._chosen))
        self.facts = self._facts()
        self._complete_report()

    def __len__(self) -> int:
        return max(self.domain_sizes, default=len(self._chosen))

    def name(self, index: int) -> str:
        """What a sample is called: its file, where it has one."""
        return self._source.name(int(self._chosen[index]))

    @property
    def labelled(self) -> int:
        """How many samples keep their labels, where `data.labels` asks for some; else 0."""
        return len(self._labelled)

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
        return self._samples.complete and (self._shown is None or self._shown.complete)

    def batch(
        self,
        indices: Sequence[int] | Positions,
        *,
        mirrored: Sequence[bool] | NDArray[np.bool_] | None = None,
    ) -> Tensor | Conditioned | Unpaired:
        """These samples, and their condition if `data.condition` asks for one; callable from several threads.

        Args:
            indices: numbers below `len(self)`, in any order; a smaller domain begins anew after its last.
            mirrored: which of them are turned left to right, and their condition with them.

        Returns:
            float32 pictures `[N, C, H, W]` in [-1, 1] or points `[N, 2]`, on the CPU.

        Raises:
            ValueError: no sample is whole; or points are to be mirrored.
        """
        if self._domains:
            some = [self.domain_batch(i, indices, mirrored=mirrored) for i in range(len(self._domains))]
            return Unpaired(tuple(some))
        flags = self._flags(mirrored, len(indices))
        positions, samples = self._standing(np.asarray(indices, dtype=np.int64))
        real = _tensor(samples, flags)
        if self._condition is None:
            return real
        return Conditioned(real, self._condition_of(real, positions, flags))

    def labelled_batch(
        self,
        indices: Sequence[int] | Positions,
        *,
        mirrored: Sequence[bool] | NDArray[np.bool_] | None = None,
    ) -> Conditioned:
        """These of the samples that keep their labels, and the labels.

        Args:
            indices: numbers below `labelled`, in any order.
            mirrored: as in `batch`.

        Raises:
            ValueError: as in `batch`.
        """
        flags, wanted = self._flags(mirrored, len(indices)), np.asarray(indices, dtype=np.int64)
        positions, samples = self._standing(self._labelled[wanted], among=self._labelled)
        return Conditioned(_tensor(samples, flags), torch.from_numpy(self.labels[positions]))

    def domain_batch(
        self,
        domain: int,
        indices: Sequence[int] | Positions,
        *,
        mirrored: Sequence[bool] | NDArray[np.bool_] | None = None,
    ) -> Tensor:
        """These samples of one domain.

        Args:
            domain: its number among the classes.
            indices: numbers of its samples, in any order; after the last it begins anew.
            mirrored: as in `batch`.

        Raises:
            ValueError: as in `batch`.
        """
        members = self._domains[domain]
        wanted = members[np.asarray(indices, dtype=np.int64) % len(members)]
        return _tensor(self._standing(wanted, among=members)[1], self._flags(mirrored, len(wanted)))

    def _flags(self, mirrored: Sequence[bool] | NDArray[np.bool_] | None, count: int) -> NDArray[np.bool_]:
        flags = np.zeros(count, bool) if mirrored is None else np.asarray(mirrored, bool)
        if flags.any() and len(self._form.shape) != 3:
            raise ValueError("only pictures have a mirror image: set data.flip=false")
        return flags

    def _condition_of(self, real: Tensor, positions: Positions, mirrored: NDArray[np.bool_]) -> Tensor:
        if self._shown is not None:
            return _tensor(self._shown(positions), mirrored)
        if self._condition == LABEL:
            return torch.from_numpy(self.labels[positions])
        if self._condition == ATTRIBUTES and self._source.vectors is not None:
            vectors = self._source.vectors[self._chosen[positions]]
            sided = np.isin(self._source.attributes, self._source.mirrored_attributes)
            return torch.from_numpy(np.where(np.outer(mirrored, sided), 1 - vectors, vectors))
        return CONDITIONS[str(self._condition)](real)

    def _standing(self, positions: Positions, among: Positions | None = None) -> tuple[Positions, Array]:
        """The samples that stand at these positions once no broken one is among them, and their pixels.

        Some of the samples, ascending positions `among` all, stand in for one another only.
        """
        while True:
            if among is None:
                standing = self._stand_ins[positions]
            else:
                standing = self._following(among[self._whole[among]], positions)
            try:
                return standing, self._samples(standing)
            except BrokenPictureError as broken:
                self._replace(broken)

    def _replace(self, broken: BrokenPictureError) -> None:
        with self._mending:
            self.report.broken[broken.name] = broken.reason
            self._whole[np.searchsorted(self._chosen, broken.index)] = False
            self._stand_ins = self._following(np.flatnonzero(self._whole), np.arange(len(self._whole)))

    def _following(self, whole: Positions, positions: Positions) -> Positions:
        """For each position the next one that is whole."""
        if not len(whole):
            name, why = list(self.report.broken.items())[-1]
            raise ValueError(
                f"data.source={self.report.source}: not one sample is whole; the last: {name}: {why}"
            )
        return whole[np.searchsorted(whole, positions) % len(whole)]

    def _read(self, positions: Positions) -> Array:
        return self._source.samples(self._chosen[positions], self._form)

    def _show(self, positions: Positions) -> Array:
        return self._source.shown(str(self._condition), self._chosen[positions])

    def _facts(self) -> Facts:
        first = self.batch([0])
        return Facts(
            self._form.shape,
            self._source.classes,
            self._source.attributes,
            self._condition,
            tuple(first.condition.shape[1:]) if isinstance(first, Conditioned) else (),
            self.labelled,
        )

    def _complete_report(self) -> None:
        self.report.samples = len(self._chosen)
        self.report.shape = self._form.shape
        self.report.attributes = self._source.attributes
        if self._source.labels is not None:
            counts = np.bincount(self.labels[self.labels >= 0], minlength=len(self._source.classes))
            self.report.classes = dict(zip(self._source.classes, counts.tolist(), strict=True))


class _Shelf:
    """Samples by position, each made once if all of them fit into `room` bytes, else whenever asked for.

    `complete` when none has to be made any more, or making one takes no time (`instant`).
    """

    def __init__(
        self,
        make: Callable[[Positions], Array],
        length: int,
        form: Form,
        room: int,
        *,
        instant: bool = False,
    ):
        self._make = make
        self.complete = instant
        self._present = np.zeros(length, dtype=bool)
        self._kept = np.empty((length, *form.shape), form.dtype) if 0 < length * form.size <= room else None

    def __call__(self, positions: Positions) -> Array:
        if self._kept is None:
            return self._make(positions)
        missing = np.unique(positions[~self._present[positions]])
        if len(missing):
            self._kept[missing] = self._make(missing)
            self._present[missing] = True
            self.complete = bool(self._present.all())
        return np.take(self._kept, positions, axis=0)


def _tensor(samples: Array, mirrored: NDArray[np.bool_]) -> Tensor:
    if mirrored.any():
        samples[mirrored] = samples[mirrored][..., ::-1]
    # Not with torch: its threads, one team for each thread that calls, would get into the engine's way.
    return torch.from_numpy(normalised(samples))
