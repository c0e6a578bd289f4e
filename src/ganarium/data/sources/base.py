"""Source: samples by number, and everything that is known of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.base import Array, ArrayFormat, Modality
from ganarium.data.modalities.image import Image
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.attribute_tables import TABLES

UNLABELED = frozenset({"unlabelled", "unlabeled"})
"""Names of a sub-folder with samples of unknown class."""


class Source(ABC):
    """Samples by number, with the columns and companions that conditions ask for.

    Attributes:
        kind: kind of the source in words, for messages.
        modality: modality of the samples.
        classes: names of the classes, in the order of the labels.
        labels: class of each sample, `[N]`, -1 if unknown; None without labels.
        labels_hint: place where labels were looked for, in words.
        attributes: names of the attributes.
        vectors: attributes of each sample, `[N, A]` in {0, 1}, NaN if unknown; None without attributes.
        attributes_hint: place where attributes were looked for, in words.
        mirrored_attributes: names of the attributes whose value is inverted in a mirror image.
        gives_conditions: True if samples may come with conditions.
        companions: names of other samples that belong to each sample.
        has_test: True if some samples are held back from training (`data.split=test`).
        test_hint: place where samples for tests were looked for, in words.
        sizes: size as stored, by number, of the samples whose headers `array_format` read.
        broken: numbers of the samples that `array_format` found to be broken.
    """

    kind: str
    modality: Modality = Image()
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None
    labels_hint: str = "a sub-folder for each class"
    attributes: tuple[str, ...] = ()
    vectors: NDArray[np.float32] | None = None
    attributes_hint: str = f"{TABLES} beside the images"
    mirrored_attributes: tuple[str, ...] = ()
    gives_conditions: bool = True
    companions: tuple[str, ...] = ()
    has_test: bool = False
    test_hint: str = "a part of its own for tests"
    sizes: Mapping[int, tuple[int, ...]] = MappingProxyType({})
    broken: frozenset[int] = frozenset()

    @abstractmethod
    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """Return the name of a sample for messages."""
        return f"number {index}"

    @abstractmethod
    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """Return the format to which all samples are converted: that of `data`, else that of most samples.

        Raises:
            ValueError: the samples cannot have this format, or every sample is broken.
        """

    @abstractmethod
    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """Return samples, `[N, *form.shape]`; safe to call from several threads.

        Raises:
            BrokenSampleError: one of them cannot be read.
        """

    def in_memory(self, form: ArrayFormat) -> bool:
        """Return True if the samples are already in memory in this format."""
        return False

    @property
    def intact(self) -> NDArray[np.bool_]:
        """True for samples that are not known to be broken, `[N]`."""
        intact = np.ones(len(self), dtype=bool)
        intact[sorted(self.broken)] = False
        return intact

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Values that the source knows of all samples, by name; conditions ask for them."""
        known = {"label": self.labels, "vector": self.vectors}
        return {name: values for name, values in known.items() if values is not None}

    @property
    def hints(self) -> Mapping[str, str]:
        """Places where each column was looked for, in words."""
        return {"label": self.labels_hint, "vector": self.attributes_hint}

    def companion_modality(self, name: str) -> Modality:
        """Return the modality of one of `companions`."""
        return Image()

    def companion_format(self, name: str) -> ArrayFormat:
        """Return the format of the results of `companion_samples`."""
        one = self.companion_samples(name, np.zeros(1, dtype=np.int64))
        return ArrayFormat(one.shape[1:], one.dtype)

    def companion_samples(self, name: str, indices: NDArray[np.int64]) -> Array:
        """Return one of `companions` of each of these samples, `[N, ...]`; safe to call from several threads.

        Raises:
            BrokenSampleError: one of them cannot be read.
            ValueError: the source has no such companion.
        """
        raise ValueError(f"data.condition={name}: {self.kind} has no such samples")
