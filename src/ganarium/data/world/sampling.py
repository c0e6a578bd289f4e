"""Parameters of the scene of an index: each is a hash of (seed, index, column), without any state."""

import math

import numpy as np

from ganarium.data.world.canvas import MARGIN, Canvas
from ganarium.data.world.scene import Scenes
from ganarium.data.world.shapes import SHAPES

_GAP = 0.02  # smallest distance of a centre from the middle, in sides: left and high must be visible
_TILT = math.radians(20)

Array = np.ndarray


def sampled(canvas: Canvas, seed: int, indices: Array) -> Scenes:
    """Return the scenes of `indices`, non-negative integers `[N]`, in the set of this seed."""
    kinds = _shuffled(seed, indices, len(SHAPES) * len(canvas.colors))
    u = _uniform(seed, indices, 20)  # [N, 20]
    small, large = canvas.sizes
    radius = np.where(u[:, 0] < 0.5, _within(*small, _rest(u[:, 0])), _within(*large, _rest(u[:, 0])))
    width, height = canvas.extent
    pace, course = _within(0.01, 0.03, u[:, 4]), 2 * math.pi * u[:, 5]
    return Scenes(
        canvas=canvas,
        labels=kinds % len(SHAPES),
        colors=kinds // len(SHAPES),
        x=_center(width, radius, canvas.jitter, u[:, 1]),
        y=_center(height, radius, canvas.jitter, u[:, 2]),
        radius=radius,
        angle=_within(-_TILT, _TILT, u[:, 3]),
        velocity=np.stack([pace * np.cos(course), pace * np.sin(course)], axis=1),
        spin=math.radians(8) * (2 * u[:, 6] - 1),
        ground=u[:, 8:],
    )


def _shuffled(seed: int, indices: Array, kinds: int) -> Array:
    """Return a kind for each index, int64 `[N]`; an aligned run of `kinds` indices is a permutation."""
    first = indices // kinds * kinds
    runs = (first[:, None] + np.arange(kinds)).ravel()
    keys = _uniform(~seed, runs, 1).reshape(-1, kinds)  # the inverted seed gives other numbers
    own = np.take_along_axis(keys, (indices - first)[:, None], axis=1)
    return (keys < own).sum(axis=1)


def _center(extent: float, radius: Array, jitter: float, u: Array) -> Array:
    """Return coordinates near the middle of `extent`, such that the shapes lie inside."""
    reach = np.minimum(extent / 2 - radius - MARGIN, jitter * extent)
    return extent / 2 + np.where(u < 0.5, -1, 1) * _within(_GAP, reach, _rest(u))


def _rest(u: Array) -> Array:
    """Return uniform numbers that are independent of the outcome of u < 0.5."""
    return 2 * u % 1


def _within(low: float, high: float | Array, u: Array) -> Array:
    return low + (high - low) * u


def _uniform(seed: int, indices: Array, columns: int) -> Array:
    """Return uniform numbers in 0..1, `[N, columns]`."""
    start = _mixed(np.array([seed % 2**64], dtype=np.uint64))
    rows = _mixed(start + indices.astype(np.uint64))
    bits = _mixed(rows[:, None] + np.arange(columns, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return (bits >> np.uint64(11)) * 2.0**-53


def _mixed(bits: Array) -> Array:
    """Mix 64 bits as SplitMix64 does (Steele, Lea and Flood 2014, figure 17)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
