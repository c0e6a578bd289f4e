"""Label maps as networks see them."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot


def one_hot_planes(ids: Tensor, classes: int) -> Tensor:
    """A plane in {0, 1} a class, and one with the outlines of instances where these are known.

    Args:
        ids: integers `[N, 1, H, W]`, classes; or `[N, 2, H, W]`, classes and instances.
        classes: how many there are.

    Returns:
        Float `[N, classes, H, W]`, or `[N, classes + 1, H, W]`.
    """
    shown = one_hot(ids[:, 0], classes).movedim(-1, 1).float()
    return shown if ids.shape[1] == 1 else torch.cat([shown, outlines(ids[:, 1:])], 1)


def outlines(instances: Tensor) -> Tensor:
    """Where one of a pixel's four neighbours belongs to another instance (Wang et al. 2018, sec. 3.3).

    `[N, 1, H, W]` to float `[N, 1, H, W]` in {0, 1}.
    """
    found = torch.zeros_like(instances, dtype=torch.bool)
    across = instances[..., 1:] != instances[..., :-1]
    down = instances[..., 1:, :] != instances[..., :-1, :]
    found[..., 1:] |= across
    found[..., :-1] |= across
    found[..., 1:, :] |= down
    found[..., :-1, :] |= down
    return found.float()
