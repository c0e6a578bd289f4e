"""Structural similarity of images: SSIM, MS-SSIM, and diversity by MS-SSIM."""

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
"""Constants K1 and K2 of the same section."""
CHUNK = 2**20
"""Number of values compared at a time: 8 MiB in float64; intermediate results take about ten times that."""


class Diversity(NamedTuple):
    """Mean MS-SSIM of pairs of images: 1 if all images are equal; lower is more diverse."""

    overall: float
    """Mean over pairs of any classes."""
    by_class: dict[int, float]
    """Mean over pairs within each class, in order; empty without labels."""
    scales: int
    """Number of scales that the images are large enough for."""


def ms_ssim_diversity(
    images: Tensor, labels: Tensor | None = None, *, pairs: int = 100, seed: int = 0
) -> Diversity:
    """Compute the mean MS-SSIM over random pairs of each class, and of all (Odena et al. 2017, section 4.2).

    Compare with the value of real images: a class far above its real value has collapsed; a value far below
    it indicates noise, which resembles nothing.

    Args:
        images: float `[N, C, H, W]` in [-1, 1], sides of at least 11 pixels.
        labels: integers `[N]`; a class needs at least two images.
        pairs: number of random pairs of two different images, in each class and overall.
        seed: seed of the pairs.

    Raises:
        ValueError: other shapes or dtypes, too few images, values that are not finite or out of range.
    """
    values, by_class = similarities_of_pairs(images, labels, pairs=pairs, seed=seed)
    means = {label: of_class.mean().item() for label, of_class in by_class.items()}
    return Diversity(values.mean().item(), means, num_scales(images.shape[-2:]))


def similarities_of_pairs(
    images: Tensor, labels: Tensor | None = None, *, pairs: int = 100, seed: int = 0
) -> tuple[Tensor, dict[int, Tensor]]:
    """Compute MS-SSIM of the pairs of `ms_ssim_diversity`, float64 `[pairs]`: of all, and of each class."""
    _check_images(images)
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1; given: {pairs}")
    rows = {} if labels is None else _rows_by_class(labels, len(images))
    few = [label for label, members in rows.items() if len(members) < 2]
    if len(images) < 2 or few:
        where = f"class(es) {few} have one" if few else f"given: {len(images)}"
        raise ValueError(f"a pair needs two images, also in each class; {where}")
    rng = torch.Generator().manual_seed(seed)

    def pairs_of(members: Tensor) -> Tensor:
        first = torch.randint(len(members), (pairs,), generator=rng)
        step = torch.randint(1, len(members), (pairs,), generator=rng)
        return ms_ssim(images[members[first]], images[members[(first + step) % len(members)]])

    overall = pairs_of(torch.arange(len(images)))
    return overall, {label: pairs_of(members) for label, members in rows.items()}


@torch.no_grad()
def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Compute the multi-scale structural similarity of pairs of images, float64 `[N]`, at most 1.

    Wang et al. 2003, eq. 7, averaged over channels. If images are too small for five scales, the exponents of
    the remaining finer ones are divided by their sum: 5 scales from 176 pixels, 4 from 88, 3 from 44, 2 from
    22 (MNIST, CIFAR), and 1, which is plain SSIM, from 11. A negative contrast or structure, as of an image
    and its negative, counts as 0, since its power is not real.

    Args:
        a: float `[N, C, H, W]` in [-1, 1].
        b: the same shape.

    Raises:
        ValueError: different shapes, sides below 11 pixels, or values that are not finite or out of range.
    """
    return _of_pairs(_ms_ssim, a, b)


@torch.no_grad()
def ssim(a: Tensor, b: Tensor, *, border: int = 0, luma: bool = False) -> Tensor:
    """Compute the structural similarity of pairs of images, float64 `[N]`, at most 1.

    Wang et al. 2004, eq. 13, averaged over channels and over all places of the window.

    Args:
        a: float `[N, C, H, W]` in [-1, 1].
        b: the same shape.
        border: number of pixels cropped at each side, as is usual in super-resolution; 11 must remain.
        luma: compare the brightness alone, as in `ganarium.metrics.psnr`.

    Raises:
        ValueError: as `ms_ssim`; also if `luma` is set for images that are not RGB.
    """
    a, b = (framed(x, border=border, luma=luma) for x in checked_pairs(a, b))
    return _of_pairs(_ssim, a, b)


def num_scales(size: tuple[int, ...] | torch.Size) -> int:
    """Return the number of scales, 5 at most, for images of this height and width."""
    return sum(min(size) >> scale >= WINDOW for scale in range(len(EXPONENTS)))


def _of_pairs(similarity: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    """Apply `similarity`, which takes images in 0..1, to images in [-1, 1], in chunks: float64 `[N]`."""
    a, b = checked_pairs(a, b)
    for x in (a, b):
        _check_images(x)
    step = max(1, CHUNK // max(1, a.shape[1:].numel()))
    pairs = zip(a.split(step), b.split(step), strict=True)
    return torch.cat([similarity((x.double() + 1) / 2, (y.double() + 1) / 2) for x, y in pairs]).cpu()


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    """Return SSIM of images in 0..1."""
    luminance, contrast_structure = _terms(a, b)
    return (luminance * contrast_structure).mean((1, 2, 3))


def _ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Return MS-SSIM of images in 0..1."""
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
    """Return luminance, and contrast times structure (Wang et al. 2003, eq. 1 to 3), at all places."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    variances = _blurred(a * a) - mean_a**2 + _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    c1, c2 = (k**2 for k in STABILITY)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)


def _blurred(x: Tensor) -> Tensor:
    """Return local means under the Gaussian window, unpadded; products are faster than convolutions."""
    rows, columns = (_window(side, x) for side in x.shape[-2:])
    return rows.mT @ x @ columns


def _window(side: int, like: Tensor) -> Tensor:
    """Return the window in one dimension, `[side, side - 10]`: one column for each of its places."""
    places = torch.arange(side, device=like.device, dtype=like.dtype)
    distances = places[:, None] - places[: side - WINDOW + 1] - WINDOW // 2
    weights = (-(distances**2) / (2 * DEVIATION**2)).exp() * (distances.abs() <= WINDOW // 2)
    return weights / weights.sum(0)


def _rows_by_class(labels: Tensor, count: int) -> dict[int, Tensor]:
    if labels.shape != (count,) or labels.is_floating_point() or labels.is_complex():
        raise ValueError(
            f"labels must be integers [{count}], one per image; given: {labels.dtype} {list(labels.shape)}"
        )
    labels = labels.cpu()
    return {int(label): (labels == label).nonzero()[:, 0] for label in labels.unique()}


def _check_images(images: Tensor) -> None:
    checked_images(images)
    if min(images.shape[-2:]) < WINDOW:
        raise ValueError(f"images need sides of at least {WINDOW} pixels; given: {list(images.shape)}")
