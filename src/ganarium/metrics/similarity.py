"""How alike pictures look, without any features: SSIM, MS-SSIM, and diversity by it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ganarium.metrics.features import checked_images
from ganarium.metrics.pairs import checked_pairs, framed

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first: Wang et al. 2003, section 3.2."""
WINDOW = 11
DEVIATION = 1.5
"""Side and standard deviation of the Gaussian window, in pixels: Wang et al. 2004, section III.C."""
STABILITY = (0.01, 0.03)
"""K1 and K2 of the same section."""
CHUNK = 2**20
"""Numbers in the pictures compared at a time: 8 MiB in float64, and some ten times that on the way."""


class Diversity(NamedTuple):
    """Mean MS-SSIM of pairs of pictures: 1 where all are the same picture; lower is more diverse."""

    overall: float
    """Of pairs of any classes."""
    by_class: dict[int, float]
    """Of pairs within each class, in order; empty without labels."""
    scales: int
    """That the pictures were large enough for."""


def ms_ssim_diversity(
    images: Tensor, labels: Tensor | None = None, *, pairs: int = 100, seed: int = 0
) -> Diversity:
    """Mean MS-SSIM over random pairs within each class, and over all (Odena et al. 2017, section 4.2).

    To be held against the same measure of real pictures: a class far above its real one has collapsed; far
    below it there is noise, which resembles nothing.

    Args:
        images: float `[N, C, H, W]` in [-1, 1], sides of at least 11 pixels.
        labels: integers `[N]`; a class needs at least two pictures.
        pairs: random pairs of two different pictures, in each class and overall.
        seed: of the pairs.

    Raises:
        ValueError: other shapes or types, too few pictures, values that are not finite or out of range.
    """
    values, by_class = similarities_of_pairs(images, labels, pairs=pairs, seed=seed)
    means = {label: of_class.mean().item() for label, of_class in by_class.items()}
    return Diversity(values.mean().item(), means, num_scales(images.shape[-2:]))


def similarities_of_pairs(
    images: Tensor, labels: Tensor | None = None, *, pairs: int = 100, seed: int = 0
) -> tuple[Tensor, dict[int, Tensor]]:
    """MS-SSIM of each of the pairs of `ms_ssim_diversity`, float64 `[pairs]`: over all, and in each class."""
    _check_pictures(images)
    if pairs < 1:
        raise ValueError(f"pairs is at least 1; given: {pairs}")
    rows = {} if labels is None else _rows_by_class(labels, len(images))
    few = [label for label, members in rows.items() if len(members) < 2]
    if len(images) < 2 or few:
        where = f"class(es) {few} have one" if few else f"given: {len(images)}"
        raise ValueError(f"a pair needs two pictures, in each class, too; {where}")
    shared_random = torch.Generator().manual_seed(seed)

    def among(members: Tensor) -> Tensor:
        first = torch.randint(len(members), (pairs,), generator=shared_random)
        step = torch.randint(1, len(members), (pairs,), generator=shared_random)
        return ms_ssim(images[members[first]], images[members[(first + step) % len(members)]])

    overall = among(torch.arange(len(images)))
    return overall, {label: among(members) for label, members in rows.items()}


@torch.no_grad()
def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale structural similarity of pairs of pictures, float64 `[N]`, at most 1.

    Wang et al. 2003, eq. 7, averaged over channels. Where pictures are too small for five scales, the
    exponents of the finer ones that are left are divided by their sum: 5 scales from 176 pixels, 4 from 88,
    3 from 44, 2 from 22 (MNIST, CIFAR), 1, which is plain SSIM, from 11. A contrast or structure below zero,
    as of negatives, counts as 0, since its power is not real.

    Args:
        a: float `[N, C, H, W]` in [-1, 1].
        b: the same shape.

    Raises:
        ValueError: shapes that differ, sides below 11 pixels, or values that are not finite or out of range.
    """
    return _of_pairs(_ms_ssim, a, b)


@torch.no_grad()
def ssim(a: Tensor, b: Tensor, *, border: int = 0, luma: bool = False) -> Tensor:
    """Structural similarity of pairs of pictures, float64 `[N]`, at most 1 (Wang et al. 2004, eq. 13).

    Averaged over channels and wherever the window fits.

    Args:
        a: float `[N, C, H, W]` in [-1, 1].
        b: the same shape.
        border: pixels left out at each side, as is usual in super-resolution; 11 must be left.
        luma: of the brightness alone, as `ganarium.metrics.psnr` does.

    Raises:
        ValueError: as `ms_ssim`; also where `luma` is asked of pictures that are not RGB.
    """
    a, b = (framed(x, border=border, luma=luma) for x in checked_pairs(a, b))
    return _of_pairs(_ssim, a, b)


def num_scales(size: tuple[int, ...] | torch.Size) -> int:
    """How many scales, 5 at most, pictures of this height and width have room for."""
    return sum(min(size) >> scale >= WINDOW for scale in range(len(EXPONENTS)))


def _of_pairs(similarity: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    """What `similarity` says of pictures in 0..1, given such in [-1, 1]: `[N]` in float64, by the chunk."""
    a, b = checked_pairs(a, b)
    for x in (a, b):
        _check_pictures(x)
    step = max(1, CHUNK // max(1, a.shape[1:].numel()))
    pairs = zip(a.split(step), b.split(step), strict=True)
    return torch.cat([similarity((x.double() + 1) / 2, (y.double() + 1) / 2) for x, y in pairs]).cpu()


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    """Of pictures in 0..1."""
    luminance, contrast_structure = _terms(a, b)
    return (luminance * contrast_structure).mean((1, 2, 3))


def _ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Of pictures in 0..1."""
    exponents = a.new_tensor(EXPONENTS[: num_scales(a.shape[-2:])])
    factors = []
    for scale in range(len(exponents)):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        luminance, contrast_structure = _terms(a, b)
        coarsest = scale == len(exponents) - 1
        factor = luminance * contrast_structure if coarsest else contrast_structure
        factors.append(factor.mean((2, 3)).clamp(min=0))
    powers = torch.stack(factors, 2) ** (exponents / exponents.sum())  # [N, C, scales]
    return powers.prod(2).mean(1)


def _terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast times structure (Wang et al. 2003, eq. 1 to 3), where the window fits."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    variances = _blurred(a * a) - mean_a**2 + _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    c1, c2 = (k**2 for k in STABILITY)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)


def _blurred(x: Tensor) -> Tensor:
    """Local means under the Gaussian window, without padding; products are quicker than convolutions."""
    rows, columns = (_window(side, x) for side in x.shape[-2:])
    return rows.mT @ x @ columns


def _window(side: int, like: Tensor) -> Tensor:
    """The window in one dimension, `[side, side - 10]`: a column for each of its places."""
    places = torch.arange(side, device=like.device, dtype=like.dtype)
    distances = places[:, None] - places[: side - WINDOW + 1] - WINDOW // 2
    weights = (-(distances**2) / (2 * DEVIATION**2)).exp() * (distances.abs() <= WINDOW // 2)
    return weights / weights.sum(0)


def _rows_by_class(labels: Tensor, count: int) -> dict[int, Tensor]:
    if labels.shape != (count,) or labels.is_floating_point() or labels.is_complex():
        raise ValueError(
            f"labels are integers [{count}], one a picture; given: {labels.dtype} {list(labels.shape)}"
        )
    labels = labels.cpu()
    return {int(label): (labels == label).nonzero()[:, 0] for label in labels.unique()}


def _check_pictures(images: Tensor) -> None:
    checked_images(images)
    if min(images.shape[-2:]) < WINDOW:
        raise ValueError(f"the sides of pictures are at least {WINDOW} pixels; given: {list(images.shape)}")
