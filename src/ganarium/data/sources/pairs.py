"""Pairs of samples, input and target, and label maps."""

import numpy as np
from numpy.typing import NDArray

from ganarium.common.text import listed
from ganarium.data.modalities.base import Array, ArrayFormat, Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.modalities.palette import Palette
from ganarium.data.modalities.pixels import fitted_size, values
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source
from ganarium.data.sources.sample_files import SampleFiles


class Pairs(Source):
    """Two sources in the same order: samples are the targets, and their companions the inputs.

    A pair is omitted if one half of it is broken.
    """

    def __init__(
        self, kind: str, condition: str, input_image: Source, target_image: Source, remark: str = ""
    ):
        self.kind, self.input_image, self.target_image = kind, input_image, target_image
        self.companions = (condition,)
        self.modality = target_image.modality
        self.has_test = input_image.has_test and target_image.has_test
        self.test_hint = target_image.test_hint
        self._remark = remark

    def __len__(self) -> int:
        return len(self.target_image)

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self.target_image.name(index)

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """Return the format of the targets; inputs have the same height and width, and channels of their own.

        Raises:
            ValueError: as `Source.array_format`, or the two halves of a pair differ in size as stored.
        """
        form = self.target_image.array_format(data, report)
        self.modality = self.target_image.modality  # known since its headers were read
        found = Report(report.source)
        input_data = data.model_copy(update={"size": form.shape[1:], "channels": None})
        self._input_format = self.input_image.array_format(input_data, found)
        self._check_sizes()
        self.broken = self.input_image.broken | self.target_image.broken
        report.broken.update(found.broken)
        shape = " x ".join(map(str, self._input_format.shape))
        report.note(f"input: {self.input_image.kind}, {shape}; target: {self.target_image.kind}")
        for remark in filter(None, (self._remark, *found.notes)):
            report.note(remark)
        if self.broken:
            report.note(f"{len(self.broken):,} pairs are left out, since one half is broken")
        return form

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        return self.target_image.samples(indices, form)

    def companion_modality(self, name: str) -> Modality:
        """See `Source.companion_modality`."""
        return self.input_image.modality

    def companion_format(self, name: str) -> ArrayFormat:
        """See `Source.companion_format`."""
        return self._input_format

    def companion_samples(self, name: str, indices: NDArray[np.int64]) -> Array:
        """See `Source.companion_samples`."""
        return self.input_image.samples(indices, self._input_format)

    def _check_sizes(self) -> None:
        sides = (self.input_image, self.target_image)
        both = sorted(sides[0].sizes.keys() & sides[1].sizes.keys())
        unlike = [
            " and ".join(f"{each.name(i)} {'x'.join(map(str, each.sizes[i]))}" for each in sides)
            for i in both
            if sides[0].sizes[i] != sides[1].sizes[i]
        ]
        if unlike:
            raise ValueError(
                f"{len(unlike):,} of {len(both):,} pairs differ in size, so that their pixels do not "
                f"correspond: {listed(unlike, 3)}; crop or resize them to the same height and width"
            )


class LabelMaps(Source):
    """Label maps as ids `[1, H, W]`, or `[2, H, W]` with numbers of objects; resized to the nearest pixel."""

    def __init__(self, maps: SampleFiles, palette: Palette, instances: SampleFiles | None = None):
        self.maps, self.palette, self.instances = maps, palette, instances
        self.kind = maps.kind
        self.modality = LabelMap(
            palette.names, palette.painted_in, tuple(palette.values.tolist()) if palette.indexed else ()
        )
        self.has_test, self.test_hint = maps.has_test, maps.test_hint

    def __len__(self) -> int:
        return len(self.maps)

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self.maps.name(index)

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.array_format`."""
        self.maps.headers(data, report)
        self.sizes, self.broken = self.maps.sizes, self.maps.broken
        height, width = fitted_size(list(self.sizes.values()), data, Report(report.source))
        return ArrayFormat((1 if self.instances is None else 2, height, width), np.dtype(np.int32))

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
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


class PaintedMaps(LabelMaps):
    """Label maps as images, with each class in its color: uint8 RGB."""

    def __init__(self, maps: SampleFiles, palette: Palette):
        super().__init__(maps, palette)
        self.kind = f"{maps.kind}, painted"
        self.modality = Image()

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.array_format`."""
        if data.channels not in (None, 3):
            raise ValueError(f"data.channels={data.channels}, but maps are painted in RGB: leave the key out")
        size = super().array_format(data, report).shape[1:]
        return ArrayFormat((3, *size), np.dtype(np.uint8))

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        return self.palette.painted(super().samples(indices, form)[:, 0])
