"""Random geometric augmentation of the images that a discriminator scores."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

LARGEST_TURN = 0.26
"""Largest rotation in radians, about 15 degrees."""
LARGEST_SLANT = 0.3
"""Largest shear in columns a row."""
LARGEST_GROWTH = 0.15
"""Largest logarithm of the factor of a side."""
LARGEST_SHIFT = 0.075
"""Largest shift as a share of a side."""


def warped(images: Tensor, amount: float) -> Tensor:
    """Rotate, shear, stretch and shift each of the images `[N, C, H, W]` at random; differentiable.

    Each change is uniform between plus and minus `amount` times its constant above. Pixels from outside
    the image repeat the border. Samples that are not images are returned unchanged.
    """
    if not amount or images.ndim != 4:
        return images
    uniform = (amount * (2 * torch.rand(6, len(images), device=images.device) - 1)).unbind()
    turn, slant = LARGEST_TURN * uniform[0], LARGEST_SLANT * uniform[1]
    across, down = (LARGEST_GROWTH * uniform[2]).exp(), (LARGEST_GROWTH * uniform[3]).exp()
    shifts = [2 * LARGEST_SHIFT * shift for shift in uniform[4:]]  # affine_grid's sides have length 2
    cos, sin = turn.cos(), turn.sin()
    rows = [
        torch.stack([across * cos, across * (slant * cos - sin), shifts[0]], 1),
        torch.stack([down * sin, down * (slant * sin + cos), shifts[1]], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return moved.to(images.dtype)
