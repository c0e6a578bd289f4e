"""A picture larger than memory, a tile at a time, so that no seam can be seen."""

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganarium.networks.layers.norms import shared_statistics

TILE, OVERLAP = 512, 64
"""Pixels."""
PIECE, PIECES = 256, 3
"""Height and width of the pieces that tell the statistics of a picture, and how many there are a side."""

Turn = Callable[[Tensor], Tensor]
"""From pictures `[N, C, H, W]` to pictures `[N, C', H, W]`."""


def tiled(
    turn: Turn,
    network: nn.Module,
    picture: Tensor,
    *,
    tile: int = TILE,
    overlap: int = OVERLAP,
    told: Callable[[float], object] = lambda share: None,
) -> Tensor:
    """What a network makes of a picture of any size, in the memory that some tiles need.

    Tiles overlap. In the outer quarter of an overlap a network has seen too little of what lies around, so
    this counts for nothing; over the middle half one tile fades into the next along a raised cosine. Tiles
    begin at multiples of what the network halves: all are seen at one phase. Instance norms, by which tiles
    would differ as a whole, are told the statistics of pieces from all over the picture.

    Args:
        turn: what the network makes of tiles, which are cut out of `picture` as it is.
        network: all that `turn` calls.
        picture: `[C, H, W]` of any kind.
        tile: height and width of a tile, in pixels; rounded up to what the network halves.
        overlap: of neighbouring tiles, in pixels; the least.
        told: which share of the picture is done.

    Returns:
        Float `[C', H, W]`.

    Raises:
        ValueError: tiles that overlap by more than half.
    """
    check_tiles(tile, overlap)
    step = math.lcm(*(int(getattr(module, "multiple", 1)) for module in network.modules()))
    height, width = picture.shape[1:]
    picture = widened(picture, height + -height % step, width + -width % step)
    down, across = (windows(side, tile, overlap, step) for side in picture.shape[1:])
    made = torch.zeros(0)
    with shared_statistics(network, lambda: turn(_pieces(picture, step))):
        for i, ((top, rows), (left, columns)) in enumerate(itertools.product(down, across), 1):
            area = slice(top, top + len(rows)), slice(left, left + len(columns))
            part = turn(picture[None, :, *area])[0]
            made = made if len(made) else torch.zeros(len(part), *picture.shape[1:])
            made[:, *area] += part * (rows[:, None] * columns)
            told(i / (len(down) * len(across)))
    return made[:, :height, :width]


def check_tiles(tile: int, overlap: int) -> None:
    """Whether there can be such tiles.

    Raises:
        ValueError: there cannot.
    """
    if not 0 <= 2 * overlap <= tile:
        raise ValueError(f"tiles of {tile} pixels cannot overlap by {overlap}: half a tile is the most")


def windows(side: int, tile: int, overlap: int, step: int) -> list[tuple[int, Tensor]]:
    """Where tiles begin along a side, a multiple of `step`, and what each pixel of them counts; 1 in all."""
    tile = math.ceil(max(tile, overlap + step) / step) * step
    if side <= tile:
        return [(0, torch.ones(side))]
    stride = (tile - overlap) // step * step
    starts = [*range(0, side - tile, stride), side - tile]
    weights = torch.ones(len(starts), tile)
    for i, (here, after) in enumerate(itertools.pairwise(starts)):
        shared = here + tile - after
        rising = _rising(shared)
        weights[i + 1, :shared] *= rising
        weights[i, tile - shared :] *= rising.flip(0)
    total = torch.zeros(side)
    for start, each in zip(starts, weights, strict=True):
        total[start : start + tile] += each
    return [(start, each / total[start : start + tile]) for start, each in zip(starts, weights, strict=True)]


def widened(picture: Tensor, height: int, width: int) -> Tensor:
    """`[C, h, w]` of any kind to `[C, height, width]`: the last row and column are repeated."""
    for dim, side in ((1, height), (2, width)):
        if (missing := side - picture.shape[dim]) > 0:
            last = picture.narrow(dim, picture.shape[dim] - 1, 1)
            picture = torch.cat([picture, *[last] * missing], dim)
    return picture


def _rising(length: int) -> Tensor:
    """From 0 to 1: flat at both ends, over a quarter of the length each, half a cosine between."""
    flat = length // 4
    middle = length - 2 * flat
    wave = (1 - torch.cos(math.pi * (torch.arange(middle) + 0.5) / middle)) / 2
    return torch.cat([torch.zeros(flat), wave, torch.ones(flat)])


def _pieces(picture: Tensor, step: int) -> Tensor:
    """Pieces evenly spread over a picture, `[N, C, h, w]`."""
    piece = math.ceil(PIECE / step) * step
    sides = [min(piece, side) for side in picture.shape[1:]]
    starts = [
        torch.linspace(0, whole - side, PIECES).long().tolist()
        for whole, side in zip(picture.shape[1:], sides, strict=True)
    ]
    return torch.stack(
        [picture[:, top : top + sides[0], left : left + sides[1]] for top, left in itertools.product(*starts)]
    )
