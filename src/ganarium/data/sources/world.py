"""Built-in world as a source of images, drawn on demand, with known labels, attributes and maps."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ganarium.data.conditions.table import condition_class
from ganarium.data.modalities.base import Array, ArrayFormat, Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.modalities.palette import spectrum
from ganarium.data.report import Report
from ganarium.data.settings import Data, lengths
from ganarium.data.sources.base import Source
from ganarium.data.world import Scenes, World

_SIZE = 32
_COUNT = 20_000
_CHUNK = 1024
_TEST = 2**40  # number of the first scene that is held back from training
_DOMAINS = ("plain", "inked")
_COLORS = spectrum(1 + len(World.classes))


class DrawnWorld(Source):
    """Scenes of the world: `data.count` (20,000) of `data.size` (32), the same number for each domain.

    Domains have no scene in common: even scenes are drawn plain, odd ones inked.
    """

    kind = "the built-in world"
    mirrored_attributes = ("left",)
    has_test = True
    labels: NDArray[np.int64]
    companions = ("semantic", "map", "outline", "style", "silhouette")

    def __init__(self, data: Data, seed: int):
        self.world = World(_square(data.size or _SIZE), seed=seed, channels=data.channels or 3)
        self.classes = self.world.classes
        self.attributes = self.world.attributes
        self.first = _TEST if data.split == "test" else 0
        condition = condition_class(data)
        maps = condition is not None and condition.layout == "maps"
        self._inks = condition is not None and condition.separate
        self._reversed = data.direction == "b-to-a"
        self._drawing = "plain"
        if self._reversed:
            self._drawing = "painted" if maps else str(data.condition)
        self._gives_maps = maps and not self._reversed
        count = (data.count or _COUNT) * (len(_DOMAINS) if self._inks else 1)
        numbers = np.arange(count)
        parts = [self.scenes(part) for part in _chunks(numbers)]
        self.labels = np.concatenate([scenes.labels for scenes in parts])
        self.vectors = np.concatenate([scenes.attributes for scenes in parts])
        if self._inks:
            self.labels, self.classes = numbers % len(_DOMAINS), _DOMAINS
        if maps:
            self.labels, self.classes = self.labels + 1, ("background", *self.classes)

    def __len__(self) -> int:
        return len(self.labels)

    def array_format(self, data: Data, report: Report) -> ArrayFormat:
        """See `Source.array_format`."""
        one = self._drawn(self._drawing, np.zeros(1, dtype=np.int64))
        return ArrayFormat(one.shape[1:], one.dtype)

    def samples(self, indices: NDArray[np.int64], form: ArrayFormat) -> Array:
        """See `Source.samples`."""
        if not self._inks:
            return self._drawn(self._drawing, indices)
        images = np.empty((len(indices), *form.shape), form.dtype)
        inked = indices % len(_DOMAINS) == _DOMAINS.index("inked")
        images[~inked] = self._drawn("plain", indices[~inked])
        images[inked] = self._drawn("style", indices[inked])
        return images

    def companion_modality(self, name: str) -> Modality:
        """See `Source.companion_modality`."""
        return LabelMap(self.classes) if self._gives_maps else Image()

    def companion_samples(self, name: str, indices: NDArray[np.int64]) -> Array:
        """See `Source.companion_samples`; in `semantic`, black is the background and white the last class."""
        return self._drawn("plain" if self._reversed else name, indices)

    def style(self, label: int | None = None) -> str:
        """Return the world's style in which samples of a domain (or all) are drawn; "" if there is none."""
        if label is not None:
            return self.classes[label]
        return _STYLES.get(self._drawing, "")

    def scenes(self, indices: NDArray[np.int64]) -> Scenes:
        """Return the scenes that these samples show."""
        return self.world.scenes(self.first + indices)

    def _drawn(self, drawing: str, indices: NDArray[np.int64]) -> Array:
        return _channels_first(_DRAWINGS[drawing](self.scenes(indices)))


def _square(size: int | tuple[int, ...]) -> tuple[int, int]:
    height, width = lengths(size, ("H", "W"), "image")
    return height, width


def _map(scenes: Scenes) -> Array:
    """Return ids of classes, and numbers of objects: 1 for the only object."""
    return np.stack([scenes.semantic(), scenes.masks()], axis=3).astype(np.int32)


_DRAWINGS: dict[str, Callable[[Scenes], Array]] = {
    "plain": Scenes.images,
    "style": Scenes.styled,
    "map": _map,
    "painted": lambda scenes: _COLORS[scenes.semantic()],
    "semantic": lambda scenes: scenes.semantic() * np.uint8(255 // len(World.classes)),
    "outline": Scenes.outlines,
    "silhouette": lambda scenes: scenes.masks() * np.uint8(255),
}
_STYLES = {"plain": "plain", "style": "inked"}


def _channels_first(images: Array) -> Array:
    """Return `[N, H, W]` or `[N, H, W, C]` as `[N, C, H, W]`."""
    return images[:, None] if images.ndim == 3 else np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _chunks(indices: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.split(indices, range(_CHUNK, len(indices), _CHUNK))
