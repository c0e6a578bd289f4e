"""Pictures that are made from the sample itself and given to the players as its condition.

Each entry of `CONDITIONS` takes samples, float `[N, C, H, W]` in [-1, 1], and gives as many pictures of the
same height and width in [-1, 1].
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ganarium.data.images import LUMA


def grey(real: Tensor) -> Tensor:
    """Brightness, `[N, 1, H, W]`: ITU-R BT.601 of RGB (alpha aside), the mean of any other channels."""
    if real.shape[1] not in (3, 4):
        return real.mean(dim=1, keepdim=True)
    return (real[:, :3] * torch.from_numpy(LUMA)[:, None, None]).sum(dim=1, keepdim=True)


def blurred(real: Tensor) -> Tensor:
    """A Gaussian blur, `[N, C, H, W]`: layout and colours stay, shapes go.

    Its standard deviation is a twelfth of the shorter side.
    """
    sigma = min(real.shape[2:]) / 12
    reach = max(1, round(3 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    return _along_width(_along_width(real, weights).mT, weights).mT.contiguous()


def low(real: Tensor) -> Tensor:
    """A quarter of the resolution (area mean), enlarged again (bilinear): `[N, C, H, W]`."""
    height, width = real.shape[2:]
    small = F.adaptive_avg_pool2d(real, (max(1, height // 4), max(1, width // 4)))
    return F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)


def edges(real: Tensor) -> Tensor:
    """Sobel magnitude of the brightness, `[N, 1, H, W]`: -1 flat, 1 the steepest edge along an axis."""
    smooth, difference = torch.tensor([1.0, 2.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0])
    across = torch.outer(smooth, difference) / 4
    brightness = F.pad((grey(real) + 1) / 2, (1, 1, 1, 1), mode="replicate")
    slopes = F.conv2d(brightness, torch.stack([across, across.T])[:, None])
    return slopes.norm(dim=1, keepdim=True).clamp(max=1) * 2 - 1


CONDITIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "grey": grey,
    "blurred": blurred,
    "low": low,
    "edges": edges,
}


def _along_width(pictures: Tensor, weights: Tensor) -> Tensor:
    """Each row convolved with `weights`, their sum taken as one, borders repeated."""
    num, channels, height, width = pictures.shape
    rows = pictures.reshape(num * channels * height, 1, width)
    reach = len(weights) // 2
    padded = F.pad(rows, (reach, reach), mode="replicate")
    return F.conv1d(padded, (weights / weights.sum())[None, None]).reshape(num, channels, height, width)
