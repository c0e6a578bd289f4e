import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from ganarium.metrics import ms_ssim, ms_ssim_diversity


def random_images(*shape, seed=0):
    """Smooth random images in [-1, 1]."""
    noise = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    smooth = F.avg_pool2d(F.pad(noise, (2, 2, 2, 2), mode="reflect"), 5, stride=1)
    return (2 * smooth).tanh()


def by_the_paper(a, b):
    """Wang et al. 2003 in numpy, one window at a time; one channel in 0..1."""
    exponents = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    contrasts, similarity = [], 0
    while min(a.shape) >= 11 and len(contrasts) < 5:
        whole, structural = [], []
        for top in range(a.shape[0] - 10):
            for left in range(a.shape[1] - 10):
                x, y = a[top : top + 11, left : left + 11], b[top : top + 11, left : left + 11]
                mean_x, mean_y = (window * x).sum(), (window * y).sum()
                variance_x, variance_y = (
                    (window * (x - mean_x) ** 2).sum(),
                    (window * (y - mean_y) ** 2).sum(),
                )
                covariance = (window * (x - mean_x) * (y - mean_y)).sum()
                structural.append((2 * covariance + 0.03**2) / (variance_x + variance_y + 0.03**2))
                luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
                whole.append(luminance * structural[-1])
        contrasts.append(np.mean(structural))
        similarity = np.mean(whole)
        halves = [x[: x.shape[0] // 2 * 2, : x.shape[1] // 2 * 2] for x in (a, b)]
        a, b = (x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).mean((1, 3)) for x in halves)
    weights = exponents[: len(contrasts)] / exponents[: len(contrasts)].sum()
    return np.prod(np.maximum([*contrasts[:-1], similarity], 0) ** weights)


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (11, 15), (22, 40), (45, 47), (90, 88)])
def test_equals_the_papers_formula(size):
    a = random_images(2, 2, *size, seed=1)
    b = (0.7 * a + 0.5 * random_images(2, 2, *size, seed=2)).clamp(-1, 1)
    expected = [
        np.mean([by_the_paper(*((x[i, c].numpy() + 1) / 2 for x in (a, b))) for c in range(2)])
        for i in range(2)
    ]
    assert all(0.05 < value < 0.95 for value in expected)
    assert ms_ssim(a, b).tolist() == pytest.approx(expected, rel=1e-9)


def test_five_scales_from_176_pixels():
    sizes = {10 * 16: 4, 175: 4, 176: 5, 87: 3, 43: 2, 32: 2, 28: 2, 21: 1}
    for side, scales in sizes.items():
        assert ms_ssim_diversity(random_images(2, 1, side, side), pairs=1).scales == scales


def test_bounds_and_symmetry():
    a, b = random_images(5, 3, 32, 32), random_images(5, 3, 32, 32, seed=1)
    assert ms_ssim(a, a).tolist() == pytest.approx([1] * 5)
    assert ms_ssim(a, b).allclose(ms_ssim(b, a), rtol=1e-12)
    assert ms_ssim(a, b).max() < 0.6
    assert ms_ssim(a, -a).max() == 0
    assert ms_ssim(a.float(), b.float()).allclose(ms_ssim(a, b), atol=1e-5)
    little, much = (ms_ssim(a, (a + scale * (b - a))).mean() for scale in (0.1, 0.4))
    assert 1 > little > much


def test_a_collapsed_class_stands_out():
    images = random_images(300, 1, 28, 28)
    labels = torch.arange(300) % 3
    images[labels == 1] = (random_images(1, 1, 28, 28, seed=9) + 0.05 * images[labels == 1]).clamp(-1, 1)
    diversity = ms_ssim_diversity(images, labels, seed=1)
    assert list(diversity.by_class) == [0, 1, 2]
    assert diversity.by_class[1] > 0.9
    assert max(diversity.by_class[0], diversity.by_class[2]) < 0.2
    assert 0.05 < diversity.overall < 0.4
    assert diversity == ms_ssim_diversity(images, labels, seed=1)
    assert diversity != ms_ssim_diversity(images, labels, seed=2)


def test_the_mean_is_over_pairs_of_different_images():
    images = random_images(3, 1, 28, 28)
    expected = np.mean(
        [ms_ssim(images[i : i + 1], images[j : j + 1]).item() for i, j in ((0, 1), (0, 2), (1, 2))]
    )
    diversity = ms_ssim_diversity(images, torch.tensor([7, 7, 7]), pairs=3000)
    assert diversity.overall == pytest.approx(expected, abs=0.01)
    assert diversity.by_class[7] == pytest.approx(expected, abs=0.01)
    assert ms_ssim_diversity(images[:2], pairs=50).overall == pytest.approx(
        ms_ssim(images[:1], images[1:2]).item()
    )


def test_bad_images_are_named():
    good = random_images(4, 1, 28, 28)
    for images, message in (
        (good[:, :, :10], r"at least 11.*10, 28"),
        (good[0], r"\[1, 28, 28\]"),
        (good.to(torch.uint8), "uint8"),
        (good * 100, "given: -"),
        (good * torch.nan, "given: nan"),
        (good[:1], "two images"),
        (good[:0], "two images"),
    ):
        with pytest.raises(ValueError, match=message):
            ms_ssim_diversity(images)
    with pytest.raises(ValueError, match=r"\[2\] have one"):
        ms_ssim_diversity(good, torch.tensor([0, 0, 0, 2]))
    with pytest.raises(ValueError, match=r"integers \[4\]"):
        ms_ssim_diversity(good, torch.tensor([0, 0]))
    with pytest.raises(ValueError, match="given: 0"):
        ms_ssim_diversity(good, pairs=0)
    with pytest.raises(ValueError, match="one shape"):
        ms_ssim(good, good[:2])
