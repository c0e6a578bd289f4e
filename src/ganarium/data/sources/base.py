"""What a source of samples is, what is reported of it, and the part shared by all files of pictures."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.image import (
    Array,
    ArrayFormat,
)
from ganarium.data.modalities.palette import Palette
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.attribute_tables import TABLES

UNLABELED = frozenset({"unlabelled", "unlabeled"})
"""Names of a sub-folder whose pictures are of any class."""


DOMAINS = "domains"
"""The `data.condition` that takes the classes for domains."""


PAIR, MAP = "pair", "map"
"""The values of `data.condition` that take files, or the world, for pairs."""


class Source(ABC):
    """Samples by number, and what is known of each."""

    kind: str
    """What was recognised, in words."""
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
    gives_images: bool = True
    companions: tuple[str, ...] = ()
    """Pictures that the source knows to belong to a sample."""
    has_test: bool = False
    """Whether some of the samples are held back from training (`data.split=test`)."""
    test_hint: str = "a part of its own for tests"
    """What would have been held back."""
    sizes: Mapping[int, tuple[int, int]] = MappingProxyType({})
    """Height and width as stored of the samples whose headers were read by `form`."""
    broken: frozenset[int] = frozenset()
    """Samples found to be broken by `form`."""

    @abstractmethod
    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What a sample is called in a message."""
        return f"number {index}"

    @abstractmethod
    def form(self, data: Data, report: Report) -> ArrayFormat:
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

    def shown_form(self, condition: str) -> ArrayFormat:
        """The form of what `shown` gives."""
        one = self.condition_images(condition, np.zeros(1, dtype=np.int64))
        return ArrayFormat(one.shape[1:], one.dtype)

    def condition_images(self, condition: str, indices: NDArray[np.int64]) -> Array:
        """The exact pictures, one of `companions`, that belong to these samples: `[N, C, H, W]`.

        Of label maps these are int32, all else is as samples are.

        Raises:
            BrokenPictureError: one of them cannot be read.
            ValueError: the source knows no such picture.
        """
        raise ValueError(f"data.condition={condition}: {self.kind} know no exact picture of that kind")
