"""Samples of any source as batches, in one form, with what they are conditioned on."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium import recipe
from ganarium.data.batches import Conditioned, Facts
from ganarium.data.conditions import CONDITIONS
from ganarium.data.images import Array, BrokenPictureError, Form, normalised
from ganarium.data.sources.base import Report, Source, listed, spread
from ganarium.data.sources.recognise import recognised

Positions = NDArray[np.int64]

LABEL, ATTRIBUTES = "label", "attributes"
_GIB = 2**30


def open_data(data: recipe.Data, *, seed: int = 0, cache_share: float = 1.0) -> "Dataset":
    """Recognises what `data.source` is.

    Args:
        data: which samples, and in which form.
        seed: of the sources that are drawn: the world, and points.
        cache_share: the part of `data.cache_gib` that this process may fill, in 0..1.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: it holds nothing to use, or not what `data` asks for.
    """
    return Dataset(recognised(data, seed), data, cache_share=cache_share)


class Dataset:
    """A finite set of samples, read when asked for, kept where all of them fit into memory.

    A file found to be broken is reported, and the next whole one stands in for it, on every process alike.
    """

    facts: Facts
    report: Report

    def __init__(self, source: Source, data: recipe.Data, *, cache_share: float = 1.0):
        _check_condition(source, data)
        self.report = Report(data.source, source.kind)
        self._source = source
        self._condition = data.condition
        self._form = source.form(data, self.report)
        self._chosen = _chosen(source, data, self.report)
        self._whole = np.ones(len(self), dtype=bool)
        self._stand_ins: Positions = np.arange(len(self))
        self._mending = threading.Lock()
        room = int(data.cache_gib * cache_share * _GIB)
        kept = 0 if source.instant(self._form) else self._form.size
        self._samples = _Shelf(self._read, len(self), self._form, room if kept else 0, instant=not kept)
        self._shown: _Shelf | None = None
        if data.condition in source.exact_conditions:
            one = self._show(np.zeros(1, dtype=np.int64))
            form = Form(one.shape[1:], one.dtype)
            self._shown = _Shelf(self._show, len(self), form, room - kept * len(self))
        self.facts = self._facts()
        self._complete_report()

    def __len__(self) -> int:
        return len(self._chosen)

    @property
    def in_memory(self) -> bool:
        """Whether every sample is decoded, so that a batch takes no time worth speaking of."""
        return self._samples.complete and (self._shown is None or self._shown.complete)

    def batch(
        self,
        indices: Sequence[int] | Positions,
        *,
        mirrored: Sequence[bool] | NDArray[np.bool_] | None = None,
    ) -> Tensor | Conditioned:
        """These samples, and their condition if `data.condition` asks for one; callable from several threads.

        Args:
            indices: numbers below `len(self)`, in any order.
            mirrored: which of them are turned left to right, and their condition with them.

        Returns:
            float32 pictures `[N, C, H, W]` in [-1, 1] or points `[N, 2]`, on the CPU.

        Raises:
            ValueError: no sample is whole; or points are to be mirrored.
        """
        flags = np.zeros(len(indices), bool) if mirrored is None else np.asarray(mirrored, bool)
        if flags.any() and len(self._form.shape) != 3:
            raise ValueError("only pictures have a mirror image: set data.flip=false")
        positions, samples = self._standing(np.asarray(indices, dtype=np.int64))
        real = _tensor(samples, flags)
        if self._condition is None:
            return real
        return Conditioned(real, self._condition_of(real, positions, flags))

    def _condition_of(self, real: Tensor, positions: Positions, mirrored: NDArray[np.bool_]) -> Tensor:
        if self._shown is not None:
            return _tensor(self._shown(positions), mirrored)
        if self._condition == LABEL and self._source.labels is not None:
            return torch.from_numpy(self._source.labels[self._chosen[positions]])
        if self._condition == ATTRIBUTES and self._source.vectors is not None:
            vectors = self._source.vectors[self._chosen[positions]]
            sided = np.isin(self._source.attributes, self._source.mirrored_attributes)
            return torch.from_numpy(np.where(np.outer(mirrored, sided), 1 - vectors, vectors))
        return CONDITIONS[str(self._condition)](real)

    def _standing(self, positions: Positions) -> tuple[Positions, Array]:
        """The samples that stand at these positions once no broken one is among them, and their pixels."""
        while True:
            standing = self._stand_ins[positions]
            try:
                return standing, self._samples(standing)
            except BrokenPictureError as broken:
                self._replace(broken)

    def _replace(self, broken: BrokenPictureError) -> None:
        with self._mending:
            self.report.broken[broken.name] = broken.reason
            self._whole[np.searchsorted(self._chosen, broken.index)] = False
            whole = np.flatnonzero(self._whole)
            if not len(whole):
                raise ValueError(
                    f"data.source={self.report.source}: not one sample is whole; the last: {broken}"
                )
            following = np.searchsorted(whole, np.arange(len(self))) % len(whole)
            self._stand_ins = whole[following]

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
        )

    def _complete_report(self) -> None:
        self.report.samples = len(self)
        self.report.shape = self._form.shape
        self.report.attributes = self._source.attributes
        if self._source.labels is not None:
            counts = np.bincount(self._source.labels[self._chosen], minlength=len(self._source.classes))
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


def _check_condition(source: Source, data: recipe.Data) -> None:
    if data.condition is not None and not source.gives_pictures:
        raise ValueError(
            f"data.condition={data.condition}: {source.kind} come without one; leave the key out"
        )
    allowed = dict.fromkeys((LABEL, ATTRIBUTES, *source.exact_conditions, *CONDITIONS))
    if data.condition is not None and data.condition not in allowed:
        raise ValueError(f"data.condition={data.condition} is unknown here; choose from {', '.join(allowed)}")
    if data.condition == LABEL and source.labels is None:
        raise ValueError(
            f"data.condition=label, but {data.source} ({source.kind}) has none: looked for {source.no_labels}"
        )
    if data.condition == ATTRIBUTES and source.vectors is None:
        raise ValueError(
            f"data.condition=attributes, but {data.source} ({source.kind}) has none: "
            f"looked for {source.no_attributes}"
        )


def _chosen(source: Source, data: recipe.Data, report: Report) -> Positions:
    """The samples that are used, ascending: none known to be broken, none without the attributes it needs."""
    usable = np.ones(len(source), dtype=bool)
    usable[sorted(source.broken)] = False
    if data.condition == ATTRIBUTES and source.vectors is not None:
        known = ~np.isnan(source.vectors).any(axis=1)
        if unknown := [source.name(i) for i in np.flatnonzero(usable & ~known).tolist()]:
            report.note(
                f"{len(unknown):,} samples have no row of attributes and are left out: {listed(unknown)}"
            )
        usable &= known
    chosen = np.flatnonzero(usable)
    if data.count is not None and data.count > len(chosen):
        report.note(f"data.count={data.count:,}, but there are {len(chosen):,} samples: all of them are used")
    return chosen[spread(len(chosen), data.count or len(chosen))]
