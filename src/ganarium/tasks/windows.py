"""Windows: overlapping parts of a sample that is too large for memory, processed without visible seams."""

import contextlib
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

TILE, OVERLAP = 512, 64
"""Default length of a window of an image, and of the overlap of two windows, in pixels."""
PIECE, PIECES = 256, 3
"""Length of the pieces from which norms compute a sample's statistics, and their number along an axis."""

Run = Callable[..., Tensor]
Shared = Callable[[Callable[[], object]], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True)
class Sizes:
    """Sizes of inputs and outputs along the windowed axes: one number for all axes, or one for each.

    Attributes:
        multiple: number that input lengths are padded to multiples of; outputs are cropped accordingly.
        least: smallest length, to which inputs are padded.
        scale: length of the output over that of the input.
        fixed: the only allowed lengths; None if all are allowed.
        strict: True if the task does not pad its inputs itself: they must have multiples.
    """

    multiple: int | tuple[int, ...] = 1
    least: int | tuple[int, ...] = 1
    scale: Fraction | tuple[Fraction, ...] = Fraction(1)
    fixed: tuple[int, ...] | None = None
    strict: bool = False

    def along(self, axes: int) -> list[tuple[int, int, Fraction]]:
        """Return multiple, smallest length and scale of each axis.

        Raises:
            ValueError: a multiple times its scale is not an integer, so that windows would not meet.
        """
        each = [
            value if isinstance(value, tuple) else (value,) * axes
            for value in (self.multiple, self.least, self.scale)
        ]
        found = list(zip(*each, strict=True))
        for multiple, _, scale in found:
            if (Fraction(scale) * multiple).denominator != 1:
                raise ValueError(f"sizes in multiples of {multiple} cannot be scaled by {scale}")
        return [(int(multiple), int(least), Fraction(scale)) for multiple, least, scale in found]


def in_windows(
    run: Run,
    inputs: Sequence[Tensor],
    sizes: Sizes,
    *,
    axes: int,
    window: int = TILE,
    overlap: int = OVERLAP,
    cut: Sequence[bool] | None = None,
    shared: Shared | None = None,
    progress: Callable[[float], object] = lambda share: None,
) -> Tensor:
    """Run a network over one sample window by window; windows fade into each other.

    In the outer quarter of an overlap the network lacks context, so these outputs are dropped; over the
    middle half one window fades into the next along a raised cosine. Windows begin at multiples of the
    network's stride.

    Args:
        run: maps batches `[N, C, *window]` of every input to `[N, C', *window * scale]`.
        inputs: `[C, *spatial]` each, of any dtype; all that are cut have the same last `axes` axes.
        sizes: sizes of the task.
        axes: number of last axes along which inputs are cut.
        window: length of a window along each axis, rounded up to the multiple.
        overlap: smallest overlap of two windows along each axis.
        cut: True for each input that is cut (a sample, its mask); others are passed whole (a style). All are
            cut if None.
        shared: context in which norms use the statistics of the call that is its argument, so that all
            windows are normalized alike; see `ganarium.networks.layers.norms.shared_statistics`.
        progress: function that is called with the finished share of the sample.

    Returns:
        Float `[C', *spatial * scale]`.

    Raises:
        ValueError: windows overlap by more than half, or would not meet.
    """
    check_windows(window, overlap)
    cut = cut or [True] * len(inputs)
    each = sizes.along(axes)
    lengths = next(x for x, yes in zip(inputs, cut, strict=True) if yes).shape[-axes:]
    whole = [max(side + -side % m, least) for side, (m, least, _) in zip(lengths, each, strict=True)]
    padded = [pad_replicate(x, whole) if yes else x for x, yes in zip(inputs, cut, strict=True)]
    plans = [
        plan(side, max(window, least), overlap, m) for side, (m, least, _) in zip(whole, each, strict=True)
    ]
    weights = [
        fades([int(at * scale) for at in starts], int(length * scale), int(side * scale))
        for (starts, length), side, (_, _, scale) in zip(plans, whole, each, strict=True)
    ]

    def at(places: Sequence[tuple[int, int]]) -> list[Tensor]:
        area: Any = (..., *(slice(start, start + length) for start, length in places))
        return [(x[area] if yes else x)[None] for x, yes in zip(padded, cut, strict=True)]

    result: Tensor | None = None
    area: Any
    context = shared(lambda: run(*_pieces(padded, cut, whole, each))) if shared else contextlib.nullcontext()
    total = math.prod(len(starts) for starts, _ in plans)
    with context:
        numbers = itertools.product(*(range(len(starts)) for starts, _ in plans))
        for done, number in enumerate(numbers, 1):
            places = [(starts[i], length) for i, (starts, length) in zip(number, plans, strict=True)]
            part = run(*at(places))[0]
            if result is None:
                ends = [int(side * scale) for side, (_, _, scale) in zip(whole, each, strict=True)]
                result = torch.zeros(*part.shape[: part.ndim - axes], *ends)
            slices, weight = [], torch.ones(())
            for i, (start, length), (_, _, scale), fade in zip(number, places, each, weights, strict=True):
                slices.append(slice(int(start * scale), int((start + length) * scale)))
                weight = weight[..., None] * fade[i]
            area = (..., *slices)
            result[area] += part * weight.to(part)
            progress(done / total)
    assert result is not None
    area = (..., *(slice(0, int(n * scale)) for n, (_, _, scale) in zip(lengths, each, strict=True)))
    return result[area]


def check_windows(window: int, overlap: int) -> None:
    """Raise ValueError if the overlap is negative or more than half a window."""
    if not 0 <= 2 * overlap <= window:
        raise ValueError(f"overlap={overlap}, but with window={window} at most {window // 2} is allowed")


def plan(side: int, window: int, overlap: int, step: int) -> tuple[list[int], int]:
    """Return the starts of windows along an axis, multiples of `step`, and the length of a window."""
    window = math.ceil(max(window, overlap + step) / step) * step
    if side <= window:
        return [0], side
    stride = (window - overlap) // step * step
    return [*range(0, side - window, stride), side - window], window


def fades(starts: Sequence[int], window: int, side: int) -> list[Tensor]:
    """Return the weights of each window along an axis; they add up to 1 everywhere."""
    weights = torch.ones(len(starts), window)
    for i, (here, after) in enumerate(itertools.pairwise(starts)):
        overlap = here + window - after
        rising = _rising(overlap)
        weights[i + 1, :overlap] *= rising
        weights[i, window - overlap :] *= rising.flip(0)
    total = torch.zeros(side)
    for start, each in zip(starts, weights, strict=True):
        total[start : start + window] += each
    return [each / total[start : start + window] for start, each in zip(starts, weights, strict=True)]


def pad_replicate(sample: Tensor, lengths: Sequence[int]) -> Tensor:
    """Pad the last axes of a sample of any dtype to at least these lengths, by repeating the last values."""
    for axis, length in enumerate(lengths, -len(lengths)):
        if (missing := length - sample.shape[axis]) > 0:
            last = sample.narrow(axis, sample.shape[axis] - 1, 1)
            sample = torch.cat([sample, *[last] * missing], axis)
    return sample


def _rising(length: int) -> Tensor:
    """Return weights from 0 to 1: constant in the first and last quarter, half a cosine between."""
    flat = length // 4
    middle = length - 2 * flat
    wave = (1 - torch.cos(math.pi * (torch.arange(middle) + 0.5) / middle)) / 2
    return torch.cat([torch.zeros(flat), wave, torch.ones(flat)])


def _pieces(
    padded: Sequence[Tensor],
    cut: Sequence[bool],
    whole: Sequence[int],
    each: Sequence[tuple[int, int, Fraction]],
) -> list[Tensor]:
    """Return evenly spaced pieces of every input, `[N, C, ...]`."""
    lengths = [
        min(max(math.ceil(PIECE / m) * m, least), side)
        for side, (m, least, _) in zip(whole, each, strict=True)
    ]
    starts = [
        torch.linspace(0, side - length, PIECES).long().tolist()
        for side, length in zip(whole, lengths, strict=True)
    ]
    areas: list[Any] = [
        (..., *(slice(at, at + length) for at, length in zip(corner, lengths, strict=True)))
        for corner in itertools.product(*starts)
    ]
    return [
        torch.stack([x[area] if yes else x for area in areas]) for x, yes in zip(padded, cut, strict=True)
    ]
