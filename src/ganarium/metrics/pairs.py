"""Pictures and label maps beside their truth, pair by pair and pixel by pixel."""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from ganarium.data.modalities.palette import MOST_COLORS
from ganarium.metrics.features import checked_images

STUDIO_LUMA = (65.481, 128.553, 24.966)
"""Y of RGB in 0..1, in 8-bit levels above 16: ITU-R BT.601, as papers on super-resolution measure it."""

MOST_PSNR = 100.0
"""What equal pictures count as in a mean, in decibels; two that differ in 8 bits get less."""


@torch.no_grad()
def psnr(a: Tensor, b: Tensor, *, border: int = 0, luma: bool = False) -> Tensor:
    """Peak signal-to-noise ratio of pairs of pictures, float64 `[N]`, in decibels; infinite for equal ones.

    Args:
        a: float `[N, C, H, W]` in [-1, 1].
        b: the same shape.
        border: pixels left out at each side, as is usual in super-resolution.
        luma: of the brightness alone (Y of ITU-R BT.601 in 16..235, against a peak of 255).

    Raises:
        ValueError: shapes that differ, values that are not finite or out of range, a border that leaves
            nothing, or `luma` of pictures that are not RGB.
    """
    a, b = (framed(x, border=border, luma=luma) for x in checked_pairs(a, b))
    return -10 * ((a - b) / 2).square().mean((1, 2, 3)).log10().cpu()


@torch.no_grad()
def absolute_error(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of pairs of pictures, float64 `[N]`, in 0..2 as values are in [-1, 1].

    Of pictures and what they become there and back again this is the cycle error; of pictures that already
    are as a translator would have them, and what it makes of them, the identity error (Zhu et al. 2017,
    sections 3.2 and 5.2).

    Args:
        a: float `[N, C, H, W]` in [-1, 1].
        b: the same shape.

    Raises:
        ValueError: shapes that differ, or values that are not finite or out of range.
    """
    a, b = checked_pairs(a, b)
    return (a.double() - b.double()).abs().mean((1, 2, 3)).cpu()


class MapAgreement(NamedTuple):
    """How far label maps agree with their truth over all pixels of all maps (Long et al. 2015, section 5)."""

    pixel_accuracy: float
    """The share of pixels with the right class."""
    mean_iou: float
    """The mean of `iou`."""
    iou: dict[int, float]
    """Intersection over union of each class that one or the other map shows."""

    @classmethod
    def of(cls, confusion: Tensor, *, ignore: int | None = None) -> Self:
        """The agreement that a confusion matrix `[true, found]` tells.

        Raises:
            ValueError: it counts no pixel.
        """
        right, pixels = confusion.diagonal(), int(confusion.sum())
        if not pixels:
            raise ValueError("no pixel of the label maps is left to compare: all hold the ignored class")
        union = confusion.sum(0) + confusion.sum(1) - right
        iou = {i: int(right[i]) / n for i, n in enumerate(union.tolist()) if n and i != ignore}
        return cls(int(right.sum()) / pixels, sum(iou.values()) / len(iou), iou)


def map_agreement(found: Tensor, truth: Tensor, *, classes: int, ignore: int | None = None) -> MapAgreement:
    """Pixel accuracy and mean intersection over union of label maps.

    Args:
        found: integers `[N, ..., H, W]` below `classes`.
        truth: the same shape; may hold `ignore`, too.
        classes: how many there are.
        ignore: pixels whose truth this is do not count: one of the classes, or a number of its own, as 255.

    Raises:
        ValueError: shapes or types that do not fit, ids out of range, or no pixel that counts.
    """
    counts = confusions(found, truth, classes=classes, ignore=ignore)
    return MapAgreement.of(counts.sum(0), ignore=ignore)


def confusions(found: Tensor, truth: Tensor, *, classes: int, ignore: int | None = None) -> Tensor:
    """How many pixels of each map are of one class and found to be of another: int64 `[N, true, found]`.

    Arguments and errors are those of `map_agreement`.
    """
    for maps in (found, truth):
        if maps.shape != found.shape or maps.ndim < 3 or maps.is_floating_point():
            raise ValueError(
                f"label maps are integers [N, ..., H, W], found and true ones of one shape; given: "
                f"{found.dtype} {list(found.shape)} and {truth.dtype} {list(truth.shape)}"
            )
    found, truth = (maps.flatten(1).long().cpu() for maps in (found, truth))
    counted = torch.ones_like(truth, dtype=torch.bool) if ignore is None else truth != ignore
    for maps, name in ((found, "found"), (truth, "true")):
        wrong = maps[counted & ((maps < 0) | (maps >= classes))].unique().tolist()
        if wrong:
            raise ValueError(
                f"the {name} label maps hold {wrong[:5]}; with classes={classes} ids are 0 to {classes - 1}"
                + ("" if ignore is None else f" (and {ignore}, which is ignored)")
            )
    number = torch.arange(len(truth))[:, None].expand_as(truth)
    cell = (number * classes + truth) * classes + found
    counts = cell[counted].bincount(minlength=len(truth) * classes**2)
    return counts.view(len(truth), classes, classes)


def palette_of(pictures: Tensor) -> Tensor | None:
    """The colours of pictures that are label maps: `[K, C]` in [-1, 1]; None of any other pictures.

    Taken for maps are pictures that show at most 64 colours, all together, and more than one.

    Args:
        pictures: float `[N, C, H, W]` in [-1, 1].
    """
    levels = torch.tensor([256**channel for channel in range(pictures.shape[1])])
    found = torch.empty(0, dtype=torch.int64)
    for picture in pictures:
        pixels = ((picture + 1) * 127.5).round().long().flatten(1)
        found = torch.cat([found, (pixels * levels[:, None]).sum(0)]).unique()
        if len(found) > MOST_COLORS:
            return None
    if len(found) < 2:
        return None
    return (found[:, None] // levels % 256) / 127.5 - 1


def nearest_colors(pictures: Tensor, palette: Tensor) -> Tensor:
    """The number of the nearest colour of a palette `[K, C]` for each pixel: int64 `[N, 1, H, W]`."""
    ids = [torch.cdist(x.flatten(1).T, palette).argmin(1).view(1, *x.shape[1:]) for x in pictures.float()]
    return torch.stack(ids)


def checked_pairs(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Two batches of pictures, known to be comparable.

    Raises:
        ValueError: shapes that differ, or values that are not finite or out of range.
    """
    for x in (a, b):
        checked_images(x)
    if a.shape != b.shape:
        raise ValueError(f"pairs are of one shape; given: {list(a.shape)} and {list(b.shape)}")
    return a, b


def framed(images: Tensor, *, border: int = 0, luma: bool = False) -> Tensor:
    """Pictures `[N, C, H, W]` in [-1, 1] in float64, without a border, or their brightness `[N, 1, H, W]`.

    Raises:
        ValueError: the border leaves nothing, or brightness is asked of pictures that are not RGB.
    """
    height, width = images.shape[-2:]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"border={border} leaves nothing of pictures of {height} x {width}; at least 0")
    images = images[..., border : height - border, border : width - border].double()
    if not luma:
        return images
    if images.shape[1] != 3:
        raise ValueError(f"luma is that of RGB pictures; these have {images.shape[1]} channel(s)")
    weights = images.new_tensor(STUDIO_LUMA).view(3, 1, 1) / 255
    brightness = ((images + 1) / 2 * weights).sum(1, keepdim=True) + 16 / 255
    return 2 * brightness - 1
