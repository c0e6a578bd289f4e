"""Random changes of what a discriminator sees, which leave what a picture shows as it is."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

LARGEST_TURN = 0.26
"""Radians, some 15 degrees."""
LARGEST_SLANT = 0.3
"""Columns a row."""
LARGEST_GROWTH = 0.15
"""Logarithm of a side's factor."""
LARGEST_SHIFT = 0.075
"""Of a side."""


def warped(images: Tensor, amount: float) -> Tensor:
    """Pictures `[N, C, H, W]`, each turned, slanted, stretched and shifted at random; gradients pass through.

    Each by a uniform draw up to `amount` times the largest of the constants above, either way; what comes
    in from outside repeats the border. Samples that are no pictures stay as they are.
    """
    if not amount or images.ndim != 4:
        return images
    shared_random = (amount * (2 * torch.rand(6, len(images), device=images.device) - 1)).unbind()
    turn, slant = LARGEST_TURN * shared_random[0], LARGEST_SLANT * shared_random[1]
    across, down = (LARGEST_GROWTH * shared_random[2]).exp(), (LARGEST_GROWTH * shared_random[3]).exp()
    shifts = [2 * LARGEST_SHIFT * shift for shift in shared_random[4:]]  # sides are two long, -1 to 1
    cos, sin = turn.cos(), turn.sin()
    rows = [
        torch.stack([across * cos, across * (slant * cos - sin), shifts[0]], 1),
        torch.stack([down * sin, down * (slant * sin + cos), shifts[1]], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return moved.to(images.dtype)
