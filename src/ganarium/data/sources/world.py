"""The built-in world as a source of pictures: drawn when asked for, everything about them known."""

import numpy as np
from numpy.typing import NDArray

from ganarium.data.modalities.image import Array, ArrayFormat
from ganarium.data.modalities.palette import spectrum
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.base import DOMAINS, MAP, Source
from ganarium.data.world import Scenes, World

_SIZE = 32
_COUNT = 20_000
_CHUNK = 1024
_TEST = 2**40  # the first of the scenes that training never shows
_DOMAINS = ("plain", "inked")
_COLORS = spectrum(1 + len(World.classes))


class DrawnWorld(Source):
    """`data.count` (20,000) scenes of the world at `data.size` (32); as domains, so many of each.

    Domains have no scene in common: the even ones are drawn as they are, the odd ones inked.
    """

    kind = "the built-in world"
    mirrored_attributes = ("left",)
    has_test = True
    labels: NDArray[np.int64]
    companions = ("semantic", MAP, "outline", "style", "silhouette")

    def __init__(self, data: Data, seed: int):
        self.world = World(data.size or _SIZE, seed=seed, channels=data.channels or 3)
        self.classes = self.world.classes
        self.attributes = self.world.attributes
        self.first = _TEST if data.split == "test" else 0
        self.is_reversed = data.condition if data.direction == "b-to-a" else None
        self.inks = data.condition == DOMAINS
        count = (data.count or _COUNT) * (len(_DOMAINS) if self.inks else 1)
        numbers = np.arange(count)
        parts = [self.scenes(part) for part in _chunks(numbers)]
        self.labels = np.concatenate([scenes.labels for scenes in parts])
        self.vectors = np.concatenate([scenes.attributes for scenes in parts])
        if self.inks:
            self.labels, self.classes = numbers % len(_DOMAINS), _DOMAINS
        if data.condition == MAP:
            self.labels, self.classes = self.labels + 1, ("background", *self.classes)

    def __len__(self) -> int:
        return len(self.labels)

    def form(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.form`."""
        one = self._drawn(self.is_reversed, np.zeros(1, dtype=np.int64))
        return ArrayFormat(one.shape[1:], one.dtype)

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        if not self.inks:
            return self._drawn(self.is_reversed, indices)
        pictures = np.empty((len(indices), *form.shape), form.dtype)
        inked = indices % len(_DOMAINS) == _DOMAINS.index("inked")
        pictures[~inked] = _channels_first(self.scenes(indices[~inked]).images())
        pictures[inked] = _channels_first(self.scenes(indices[inked]).styled())
        return pictures

    def condition_images(self, condition: str, indices: NDArray[np.int64]) -> Array:
        """See `Source.shown`; of `semantic`, black is the background and white the last class."""
        return self._drawn(None if self.is_reversed else condition, indices)

    def _drawn(self, condition: str | None, indices: NDArray[np.int64]) -> Array:
        """The scenes as they are, or as `condition` shows them."""
        scenes = self.scenes(indices)
        if condition == MAP and self.is_reversed:
            return np.ascontiguousarray(_COLORS[scenes.semantic()].transpose(0, 3, 1, 2))
        return _channels_first(_picture(scenes, condition))

    def scenes(self, indices: NDArray[np.int64]) -> Scenes:
        """What is drawn as these samples."""
        return self.world.scenes(self.first + indices)


def _picture(scenes: Scenes, condition: str | None) -> Array:
    match condition:
        case None:
            return scenes.images()
        case "map":  # the one object is number 1
            return np.stack([scenes.semantic(), scenes.masks()], axis=3).astype(np.int32)
        case "semantic":
            return scenes.semantic() * np.uint8(255 // len(World.classes))
        case "outline":
            return scenes.outlines()
        case "style":
            return scenes.styled()
        case _:
            return scenes.masks() * np.uint8(255)


def _channels_first(pictures: Array) -> Array:
    """`[N, H, W]` or `[N, H, W, C]` as `[N, C, H, W]`."""
    return pictures[:, None] if pictures.ndim == 3 else np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))


def _chunks(indices: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.split(indices, range(_CHUNK, len(indices), _CHUNK))
