"""Metrics of samples and label maps whose truth is known, pair by pair and value by value."""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from ganarium.data.modalities.palette import MOST_COLORS
from ganarium.metrics.features import checked_images

STUDIO_LUMA = (65.481, 128.553, 24.966)
"""Weights of RGB in Y, in 8-bit levels above 16: ITU-R BT.601, as in papers on super-resolution."""

MOST_PSNR = 100.0
"""Value of equal images in a mean, in decibels; images that differ in 8 bits have less."""


@torch.no_grad()
def psnr(a: Tensor, b: Tensor, *, border: int = 0, luma: bool = False) -> Tensor:
    """Compute the peak signal-to-noise ratio of pairs of samples in decibels, float64 `[N]`, inf if equal.

    Args:
        a: float `[N, C, ...]` in [-1, 1]: images, signals `[N, C, T]`, clips `[N, C, T, H, W]`.
        b: the same shape.
        border: number of pixels cropped at each side of images, as is usual in super-resolution.
        luma: compare the brightness of images alone (Y of ITU-R BT.601 in 16..235, against a peak of 255).

    Raises:
        ValueError: different shapes, values that are not finite or out of range, a border that leaves no
            pixel, or `luma` for images that are not RGB.
    """
    framing = bool(border or luma)
    a, b = checked_pairs(a, b, images=framing)
    if framing:
        a, b = (framed(x, border=border, luma=luma) for x in (a, b))
    return -10 * ((a.double() - b.double()) / 2).square().mean(tuple(range(1, a.ndim))).log10().cpu()


@torch.no_grad()
def absolute_error(a: Tensor, b: Tensor) -> Tensor:
    """Compute the mean absolute difference of pairs of samples, float64 `[N]`, in 0..2 for values in [-1, 1].

    For samples and their reconstructions by translation in both directions, this is the cycle error. For
    samples of the target domain and their translations into that domain, it is the identity error (Zhu et al.
    2017, sections 3.2 and 5.2).

    Args:
        a: float `[N, C, ...]` in [-1, 1].
        b: the same shape.

    Raises:
        ValueError: different shapes, or values that are not finite or out of range.
    """
    a, b = checked_pairs(a, b, images=False)
    return (a.double() - b.double()).abs().mean(tuple(range(1, a.ndim))).cpu()


class MapAgreement(NamedTuple):
    """Agreement of label maps with their truth, over all pixels of all maps (Long et al. 2015, section 5)."""

    pixel_accuracy: float
    """Share of the pixels with the right class."""
    mean_iou: float
    """Mean of `iou`."""
    iou: dict[int, float]
    """Intersection over union of each class that occurs in the found or the true maps."""

    @classmethod
    def of(cls, confusion: Tensor, *, ignore: int | None = None) -> Self:
        """Compute the agreement from a confusion matrix `[true, found]`.

        Raises:
            ValueError: the matrix counts no pixel.
        """
        right, pixels = confusion.diagonal(), int(confusion.sum())
        if not pixels:
            raise ValueError("the label maps have no pixel to compare: all pixels have the ignored class")
        union = confusion.sum(0) + confusion.sum(1) - right
        iou = {i: int(right[i]) / n for i, n in enumerate(union.tolist()) if n and i != ignore}
        return cls(int(right.sum()) / pixels, sum(iou.values()) / len(iou), iou)


def map_agreement(found: Tensor, truth: Tensor, *, classes: int, ignore: int | None = None) -> MapAgreement:
    """Compute pixel accuracy and mean intersection over union of label maps.

    Args:
        found: integers `[N, ..., H, W]` below `classes`.
        truth: the same shape; may contain `ignore`, too.
        classes: number of classes.
        ignore: true class of pixels that do not count: one of the classes, or another number, such as 255.

    Raises:
        ValueError: wrong shapes or dtypes, ids out of range, or no pixel that counts.
    """
    counts = confusions(found, truth, classes=classes, ignore=ignore)
    return MapAgreement.of(counts.sum(0), ignore=ignore)


def confusions(found: Tensor, truth: Tensor, *, classes: int, ignore: int | None = None) -> Tensor:
    """Count the pixels of each map by their true and their found class: int64 `[N, true, found]`.

    Arguments and errors are those of `map_agreement`.
    """
    for maps in (found, truth):
        if maps.shape != found.shape or maps.ndim < 3 or maps.is_floating_point():
            raise ValueError(
                f"label maps must be integers [N, ..., H, W], found and true of one shape; given: "
                f"{found.dtype} {list(found.shape)} and {truth.dtype} {list(truth.shape)}"
            )
    found, truth = (maps.flatten(1).long().cpu() for maps in (found, truth))
    counted = torch.ones_like(truth, dtype=torch.bool) if ignore is None else truth != ignore
    for maps, name in ((found, "found"), (truth, "true")):
        wrong = maps[counted & ((maps < 0) | (maps >= classes))].unique().tolist()
        if wrong:
            raise ValueError(
                f"the {name} label maps have {wrong[:5]}; with classes={classes} ids are 0 to {classes - 1}"
                + ("" if ignore is None else f" (and {ignore}, which is ignored)")
            )
    number = torch.arange(len(truth))[:, None].expand_as(truth)
    cell = (number * classes + truth) * classes + found
    counts = cell[counted].bincount(minlength=len(truth) * classes**2)
    return counts.view(len(truth), classes, classes)


def palette_of(images: Tensor) -> Tensor | None:
    """Return the colours of images that are label maps, `[K, C]` in [-1, 1]; None for other images.

    Images count as label maps if all of them together have 2 to 64 colours.

    Args:
        images: float `[N, C, H, W]` in [-1, 1].
    """
    levels = torch.tensor([256**channel for channel in range(images.shape[1])])
    found = torch.empty(0, dtype=torch.int64)
    for image in images:
        pixels = ((image + 1) * 127.5).round().long().flatten(1)
        found = torch.cat([found, (pixels * levels[:, None]).sum(0)]).unique()
        if len(found) > MOST_COLORS:
            return None
    if len(found) < 2:
        return None
    return (found[:, None] // levels % 256) / 127.5 - 1


def nearest_colors(images: Tensor, palette: Tensor) -> Tensor:
    """Return the index of the nearest colour in a palette `[K, C]` for each pixel: int64 `[N, 1, H, W]`."""
    ids = [torch.cdist(x.flatten(1).T, palette).argmin(1).view(1, *x.shape[1:]) for x in images.float()]
    return torch.stack(ids)


def checked_pairs(a: Tensor, b: Tensor, *, images: bool = True) -> tuple[Tensor, Tensor]:
    """Return two batches of comparable images, or samples, in their own dtype; raise for others.

    Raises:
        ValueError: different shapes, or values that are not finite or out of range.
    """
    for x in (a, b):
        if images:
            checked_images(x)
        elif x.ndim < 3 or not x.is_floating_point() or (len(x) and not x.abs().amax() <= 1.01):
            raise ValueError(
                f"samples must be float [N, C, ...] in [-1, 1]; given: {x.dtype} {list(x.shape)}"
            )
    if a.shape != b.shape:
        raise ValueError(f"pairs must have one shape; given: {list(a.shape)} and {list(b.shape)}")
    return a, b


def framed(images: Tensor, *, border: int = 0, luma: bool = False) -> Tensor:
    """Crop images `[N, C, H, W]` in [-1, 1], in float64; with `luma` return their brightness `[N, 1, H, W]`.

    Raises:
        ValueError: the border leaves no pixel, or `luma` is set for images that are not RGB.
    """
    height, width = images.shape[-2:]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(
            f"border={border}: give 0 to {(min(height, width) - 1) // 2} for images of {height} x {width}"
        )
    images = images[..., border : height - border, border : width - border].double()
    if not luma:
        return images
    if images.shape[1] != 3:
        raise ValueError(f"luma needs RGB images; these have {images.shape[1]} channel(s)")
    weights = images.new_tensor(STUDIO_LUMA).view(3, 1, 1) / 255
    brightness = ((images + 1) / 2 * weights).sum(1, keepdim=True) + 16 / 255
    return 2 * brightness - 1
