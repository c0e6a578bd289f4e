"""Label maps as input of networks."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot


def one_hot_planes(ids: Tensor, classes: int) -> Tensor:
    """Encode a label map as one plane in {0, 1} a class, and one of instance outlines if instances are given.

    Args:
        ids: integers `[N, 1, H, W]` (class), or `[N, 2, H, W]` (class and instance).
        classes: number of classes.

    Returns:
        Float `[N, classes, H, W]`, or `[N, classes + 1, H, W]`.
    """
    planes = one_hot(ids[:, 0], classes).movedim(-1, 1).float()
    return planes if ids.shape[1] == 1 else torch.cat([planes, outlines(ids[:, 1:])], 1)


def outlines(instances: Tensor) -> Tensor:
    """Mark each pixel that has a neighbour, of four, in another instance (Wang et al. 2018, sec. 3.3).

    Integers `[N, 1, H, W]` to float `[N, 1, H, W]` in {0, 1}.
    """
    found = torch.zeros_like(instances, dtype=torch.bool)
    across = instances[..., 1:] != instances[..., :-1]
    down = instances[..., 1:, :] != instances[..., :-1, :]
    found[..., 1:] |= across
    found[..., :-1] |= across
    found[..., 1:, :] |= down
    found[..., :-1, :] |= down
    return found.float()
