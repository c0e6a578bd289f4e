"""Samples that belong together: what goes in, and what should come out."""

import numpy as np
from numpy.typing import NDArray

from ganarium.common.text import listed
from ganarium.data.modalities.image import Array, Form, fitted_size, values
from ganarium.data.modalities.palette import Palette
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source
from ganarium.data.sources.image_files import Pictures


class Pairs(Source):
    """Two sources in the same order: `condition` shows what goes in, the samples are what should come out.

    A pair of which one half is broken is left out.
    """

    def __init__(self, kind: str, condition: str, given: Source, wished: Source, remark: str = ""):
        self.kind, self.given, self.wished = kind, given, wished
        self.exact_conditions = (condition,)
        self.has_test = given.has_test and wished.has_test
        self.no_test = wished.no_test
        self._remark = remark

    def __len__(self) -> int:
        return len(self.wished)

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self.wished.name(index)

    def form(self, data: Data, report: Report) -> Form:
        """See `Source.form`; both have one height and width, each its own channels.

        Raises:
            ValueError: as `Source.form`, or the two of a pair differ in size as stored.
        """
        form = self.wished.form(data, report)
        told = Report(report.source)
        form_only = {"size": form.shape[1:], "channels": None}
        self._given_form = self.given.form(data.model_copy(update=form_only), told)
        self._check_sizes()
        self.broken = self.given.broken | self.wished.broken
        report.broken.update(told.broken)
        shape = " x ".join(map(str, self._given_form.shape))
        report.note(f"goes in: {self.given.kind}, {shape}; comes out: {self.wished.kind}")
        for remark in filter(None, (self._remark, *told.notes)):
            report.note(remark)
        if self.broken:
            report.note(f"{len(self.broken):,} pairs are left out, since one half is broken")
        return form

    def samples(self, indices: NDArray[np.int64], form: Form) -> Array:
        """See `Source.samples`."""
        return self.wished.samples(indices, form)

    def shown_form(self, condition: str) -> Form:
        """See `Source.shown_form`."""
        return self._given_form

    def shown(self, condition: str, indices: NDArray[np.int64]) -> Array:
        """See `Source.shown`."""
        return self.given.samples(indices, self._given_form)

    def _check_sizes(self) -> None:
        both = sorted(self.given.sizes.keys() & self.wished.sizes.keys())
        unlike = [
            " and ".join(f"{each.name(i)} {_by(each.sizes[i])}" for each in (self.given, self.wished))
            for i in both
            if self.given.sizes[i] != self.wished.sizes[i]
        ]
        if unlike:
            raise ValueError(
                f"{len(unlike):,} of {len(both):,} pairs differ in size, so that nothing tells which places "
                f"belong together: {listed(unlike, 3)}; cut or resize them to the same height and width"
            )


class LabelMaps(Source):
    """Files whose pixels stand for classes, as ids `[2, H, W]` with numbers of objects, else `[1, H, W]`.

    Resizing takes the nearest pixel.
    """

    palette: Palette

    def __init__(self, maps: Pictures, palette: Palette, instances: Pictures | None = None):
        self.maps, self.palette, self.instances = maps, palette, instances
        self.kind = maps.kind
        self.has_test, self.no_test = maps.has_test, maps.no_test

    def __len__(self) -> int:
        return len(self.maps)

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self.maps.name(index)

    def form(self, data: Data, report: Report) -> Form:
        """See `Source.form`."""
        self.maps.looks(data, report)
        self.sizes, self.broken = self.maps.sizes, self.maps.broken
        height, width = fitted_size(list(self.sizes.values()), data, Report(report.source))
        return Form((1 if self.instances is None else 2, height, width), np.dtype(np.int32))

    def samples(self, indices: NDArray[np.int64], form: Form) -> Array:
        """See `Source.samples`."""
        return np.stack([self._ids(int(index), *form.shape[1:]) for index in indices])

    def _ids(self, index: int, height: int, width: int) -> Array:
        palette = self.palette
        ids = self.maps.read(
            index, lambda stream: palette.ids(values(stream, height, width, indexed=palette.indexed))
        )
        if self.instances is None:
            return ids[None]
        objects = self.instances.read(index, lambda stream: values(stream, height, width))
        return np.stack([ids, objects])


class PaintedMaps(Source):
    """Label maps as pictures, each class in its colour: uint8 RGB."""

    def __init__(self, maps: LabelMaps):
        self.maps = maps
        self.kind = f"{maps.kind}, painted"
        self.has_test, self.no_test = maps.has_test, maps.no_test

    def __len__(self) -> int:
        return len(self.maps)

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self.maps.name(index)

    def form(self, data: Data, report: Report) -> Form:
        """See `Source.form`."""
        if data.channels not in (None, 3):
            raise ValueError(f"data.channels={data.channels}, but maps are painted in RGB: leave the key out")
        size = self.maps.form(data, report).shape[1:]
        self.sizes, self.broken = self.maps.sizes, self.maps.broken
        return Form((3, *size), np.dtype(np.uint8))

    def samples(self, indices: NDArray[np.int64], form: Form) -> Array:
        """See `Source.samples`."""
        ids = self.maps.samples(indices, Form((1, *form.shape[1:]), np.dtype(np.int32)))
        return self.maps.palette.painted(ids[:, 0])


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
