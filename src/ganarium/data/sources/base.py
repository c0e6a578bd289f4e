"""What a source of samples is, what is reported of it, and the part shared by all files of pictures."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.base import Array, ArrayFormat, Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.palette import Palette
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.attribute_tables import TABLES

UNLABELED = frozenset({"unlabelled", "unlabeled"})
"""Names of a sub-folder whose pictures are of any class."""


class Source(ABC):
    """Samples by number, and what is known of each."""

    kind: str
    """What was recognized, in words."""
    modality: Modality = Image()
    """Modality of the samples."""
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None  # [N], -1 where nothing is known
    palette: Palette | None = None
    """Where the classes are those of label maps."""
    labels_hint: str = "a sub-folder for each class"
    """What would have given labels."""
    attributes: tuple[str, ...] = ()
    vectors: NDArray[np.float32] | None = None  # [N, A] in {0, 1}, NaN where nothing is known
    attributes_hint: str = f"{TABLES} beside the pictures"
    """What would have given attributes, and why it did not."""
    mirrored_attributes: tuple[str, ...] = ()
    """Those that a mirror turns into their opposite."""
    gives_conditions: bool = True
    """True if samples may come with conditions."""
    companions: tuple[str, ...] = ()
    """Names of other samples that the source knows to belong to a sample."""
    has_test: bool = False
    """Whether some of the samples are held back from training (`data.split=test`)."""
    test_hint: str = "a part of its own for tests"
    """What would have been held back."""
    sizes: Mapping[int, tuple[int, ...]] = MappingProxyType({})
    """Height and width as stored of the samples whose headers were read by `form`."""
    broken: frozenset[int] = frozenset()
    """Samples found to be broken by `form`."""

    @abstractmethod
    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What a sample is called in a message."""
        return f"number {index}"

    @abstractmethod
    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """The form all samples are brought into: as `data` says, else as most of them are.

        Raises:
            ValueError: the samples cannot take the form asked for, or none is whole.
        """

    @abstractmethod
    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """These samples, `[N, *form.shape]`; safe to call from several threads.

        Raises:
            BrokenPictureError: one of them cannot be read.
        """

    def in_memory(self, form: ArrayFormat) -> bool:
        """Whether the samples already lie in memory in this form."""
        return False

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Facts that the source knows of all samples, by name; conditions ask for them."""
        known = {"label": self.labels, "vector": self.vectors}
        return {name: values for name, values in known.items() if values is not None}

    @property
    def hints(self) -> Mapping[str, str]:
        """What was looked for to find each column, for messages."""
        return {"label": self.labels_hint, "vector": self.attributes_hint}

    def companion_modality(self, name: str) -> Modality:
        """Return the modality of one of `companions`."""
        return Image()

    def companion_format(self, name: str) -> ArrayFormat:
        """Return the format of what `companion_samples` gives."""
        one = self.companion_samples(name, np.zeros(1, dtype=np.int64))
        return ArrayFormat(one.shape[1:], one.dtype)

    def companion_samples(self, name: str, indices: NDArray[np.int64]) -> Array:
        """Return one of `companions` of each of these samples, `[N, ...]`; safe to call from several threads.

        Raises:
            BrokenSampleError: one of them cannot be read.
            ValueError: the source knows no such companion.
        """
        raise ValueError(f"data.condition={name}: {self.kind} know no sample of that kind")
