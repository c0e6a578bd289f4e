"""The built-in world as a source of pictures: drawn when asked for, everything about them known."""

import numpy as np
from numpy.typing import NDArray

from ganarium import recipe
from ganarium.data.images import Array, Form
from ganarium.data.sources.base import DOMAINS, Report, Source
from ganarium.data.world import Scenes, World

_SIZE = 32
_COUNT = 20_000
_CHUNK = 1024
_TEST = 2**40  # the first of the scenes that training never shows
_DOMAINS = ("plain", "inked")


class DrawnWorld(Source):
    """`data.count` (20,000) scenes of the world at `data.size` (32); as domains, so many of each.

    Domains have no scene in common: the even ones are drawn as they are, the odd ones inked.
    """

    kind = "the built-in world"
    mirrored_attributes = ("left",)
    has_test = True
    labels: NDArray[np.int64]
    exact_conditions = ("semantic", "edges", "style", "mask")

    def __init__(self, data: recipe.Data, seed: int):
        self.world = World(data.size or _SIZE, seed=seed, channels=data.channels or 3)
        self.classes = self.world.classes
        self.attributes = self.world.attributes
        self.first = _TEST if data.split == "test" else 0
        self.inks = data.condition == DOMAINS
        count = (data.count or _COUNT) * (len(_DOMAINS) if self.inks else 1)
        numbers = np.arange(count)
        parts = [self._scenes(part) for part in _chunks(numbers)]
        self.labels = np.concatenate([scenes.labels for scenes in parts])
        self.vectors = np.concatenate([scenes.attributes for scenes in parts])
        if self.inks:
            self.labels, self.classes = numbers % len(_DOMAINS), _DOMAINS

    def __len__(self) -> int:
        return len(self.labels)

    def form(self, data: recipe.Data, report: Report) -> Form:
        """See `Source.form`."""
        canvas = self.world.canvas
        return Form((canvas.channels, canvas.height, canvas.width), np.dtype(np.uint8))

    def samples(self, indices: NDArray[np.int64], form: Form) -> Array:
        """See `Source.samples`."""
        if not self.inks:
            return _channels_first(self._scenes(indices).images())
        pictures = np.empty((len(indices), *form.shape), form.dtype)
        inked = indices % len(_DOMAINS) == _DOMAINS.index("inked")
        pictures[~inked] = _channels_first(self._scenes(indices[~inked]).images())
        pictures[inked] = _channels_first(self._scenes(indices[inked]).styled())
        return pictures

    def shown(self, condition: str, indices: NDArray[np.int64]) -> Array:
        """See `Source.shown`; of `semantic`, black is the background and white the last class."""
        return _channels_first(_picture(self._scenes(indices), condition))

    def _scenes(self, indices: NDArray[np.int64]) -> Scenes:
        return self.world.scenes(self.first + indices)


def _picture(scenes: Scenes, condition: str) -> Array:
    match condition:
        case "semantic":
            return scenes.semantic() * np.uint8(255 // len(World.classes))
        case "edges":
            return scenes.edges()
        case "style":
            return scenes.styled()
        case _:
            return scenes.masks() * np.uint8(255)


def _channels_first(pictures: Array) -> Array:
    """`[N, H, W]` or `[N, H, W, C]` as `[N, C, H, W]`."""
    return pictures[:, None] if pictures.ndim == 3 else np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))


def _chunks(indices: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.split(indices, range(_CHUNK, len(indices), _CHUNK))
