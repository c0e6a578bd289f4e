"""Several sources as one, each of them a class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.base import Array, ArrayFormat, BrokenSampleError, Modality
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source


class ConcatSource(Source):
    """Sources one after the other; the classes have the names of the sources.

    By default all samples get the smallest size and the largest number of channels among the sources.

    Raises:
        ValueError: the sources have different modalities.
    """

    labels: NDArray[np.int64]

    def __init__(self, names: Sequence[str], sources: Sequence[Source]):
        self.kind = "; ".join(f"{name}: {source.kind}" for name, source in zip(names, sources, strict=True))
        self.sources, self.classes = tuple(sources), tuple(names)
        lengths = [len(source) for source in sources]
        self.starts = np.cumsum([0, *lengths])
        self.labels = np.repeat(np.arange(len(sources)), lengths)
        self.gives_conditions = all(source.gives_conditions for source in sources)
        self.modality = self._shared_modality()
        self.has_test = all(source.has_test for source in sources)
        self.test_hint = next((source.test_hint for source in sources if not source.has_test), self.test_hint)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def name(self, index: int) -> str:
        """See `Source.name`."""
        which = int(self.labels[index])
        return f"{self.classes[which]}/{self.sources[which].name(index - int(self.starts[which]))}"

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.array_format`."""
        alone = [source.array_format(data, Report(data.place)) for source in self.sources]
        shared: dict[str, Any] = {}
        if self.modality.windowed:
            channels, *sizes = np.array([form.shape for form in alone]).T
            shared["size"] = data.size or tuple(int(each.min()) for each in sizes)
            shared["channels"] = data.channels or int(channels.max())
        reports = [Report(data.place) for _ in self.sources]
        self._forms = [
            source.array_format(data.model_copy(update=shared), each)
            for source, each in zip(self.sources, reports, strict=True)
        ]
        for name, each in zip(self.classes, reports, strict=True):
            report.surveyed += each.surveyed
            report.sizes.update(each.sizes)
            report.modes.update(each.modes)
            report.broken.update({f"{name}/{file}": why for file, why in each.broken.items()})
            for note in each.notes:
                report.note(f"{name}: {note}")
        self.broken = frozenset(
            int(start) + i
            for start, each in zip(self.starts, self.sources, strict=False)
            for i in each.broken
        )
        self.modality = self._shared_modality()
        types = {form.dtype for form in self._forms}
        return ArrayFormat(self._forms[0].shape, types.pop() if len(types) == 1 else np.dtype(np.float32))

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        samples = np.empty((len(indices), *form.shape), form.dtype)
        for which, own in enumerate(self._forms):
            here = self.labels[indices] == which
            inside = indices[here] - self.starts[which]
            if not len(inside):
                continue
            try:
                part = self.sources[which].samples(inside, own)
            except BrokenSampleError as broken:
                index = int(self.starts[which]) + broken.index
                raise BrokenSampleError(index, self.name(index), broken.reason) from broken
            samples[here] = part if own.dtype == form.dtype else self.modality.normalize(part)
        return samples

    def in_memory(self, form: ArrayFormat) -> bool:
        """See `Source.in_memory`."""
        return all(source.in_memory(form) for source in self.sources)

    def _shared_modality(self) -> Modality:
        modalities = {source.modality for source in self.sources}
        if len(modalities) > 1:
            kinds = ", ".join(source.kind for source in self.sources)
            raise ValueError(f"data.source names samples of several kinds: {kinds}")
        return modalities.pop()
