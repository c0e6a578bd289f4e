"""The built-in world as a source of pictures: drawn when asked for, everything about them known."""

import numpy as np
from numpy.typing import NDArray

from ganarium import recipe
from ganarium.data.images import Array, Form
from ganarium.data.sources.base import Report, Source
from ganarium.data.world import Scenes, World

_SIZE = 32
_COUNT = 20_000
_CHUNK = 1024


class DrawnWorld(Source):
    """`data.count` (20,000) scenes of the world at `data.size` (32)."""

    kind = "the built-in world"
    mirrored_attributes = ("left",)
    exact_conditions = ("semantic", "edges", "style", "mask")

    def __init__(self, data: recipe.Data, seed: int):
        self.world = World(data.size or _SIZE, seed=seed, channels=data.channels or 3)
        self.classes = self.world.classes
        self.attributes = self.world.attributes
        self.count = data.count or _COUNT
        parts = [self.world.scenes(part) for part in _chunks(np.arange(self.count))]
        self.labels = np.concatenate([scenes.labels for scenes in parts])
        self.vectors = np.concatenate([scenes.attributes for scenes in parts])

    def __len__(self) -> int:
        return self.count

    def form(self, data: recipe.Data, report: Report) -> Form:
        """See `Source.form`."""
        canvas = self.world.canvas
        return Form((canvas.channels, canvas.height, canvas.width), np.dtype(np.uint8))

    def samples(self, indices: NDArray[np.int64], form: Form) -> Array:
        """See `Source.samples`."""
        return _channels_first(self.world.scenes(indices).images())

    def shown(self, condition: str, indices: NDArray[np.int64]) -> Array:
        """See `Source.shown`; of `semantic`, black is the background and white the last class."""
        return _channels_first(_picture(self.world.scenes(indices), condition))


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
