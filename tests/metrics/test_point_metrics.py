import math

import pytest
import torch

from ganarium.data.sources.densities import POINTS
from ganarium.metrics import (
    covered_modes,
    mode_widths,
    modes_covered,
    share_of_good_samples,
    sliced_wasserstein,
)

torch.set_num_threads(1)


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_true_samples_cover_every_mode_and_are_good(points):
    samples = points.sample(5000)
    assert modes_covered(samples, points) == len(points.centers)
    assert share_of_good_samples(samples, points) > 0.999


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_noise_is_not_good(points):
    noise = 6 * torch.rand(2000, 2, generator=torch.Generator().manual_seed(0)) - 3
    area = min(1, len(points.centers) * math.pi * (4 * points.deviation) ** 2 / 36)
    assert share_of_good_samples(noise, points) < 1.3 * area + 0.01


def test_a_mode_counts_above_a_quarter_of_its_fair_share():
    ring = POINTS["ring"]
    # Of 800 samples a fair share is 100: two modes have 26 or more, one has 25, one is hit only from afar.
    counts = torch.tensor([700, 26, 25, 0, 0, 0, 0, 0])
    near = ring.centers.repeat_interleave(counts, 0)
    far = ring.centers[7:].expand(49, 2) + 4.1 * ring.deviation
    samples = torch.cat([near, far])
    assert modes_covered(samples, ring) == 2
    assert share_of_good_samples(samples, ring) == pytest.approx(751 / 800)


def test_radius_is_in_standard_deviations():
    ring = POINTS["ring"]
    samples = ring.centers + torch.tensor([3.5 * ring.deviation, 0])
    assert share_of_good_samples(samples, ring) == 1
    assert share_of_good_samples(samples, ring, deviations=3) == 0
    assert modes_covered(samples, ring, deviations=3) == 0


def test_distance_of_a_shift_is_its_mean_projection():
    a = POINTS["grid"].sample(400)
    shift = torch.tensor([0.3, -0.4])
    assert sliced_wasserstein(a, a + shift) == pytest.approx(2 / math.pi * 0.5, rel=1e-3)
    assert sliced_wasserstein(a, a[torch.randperm(400)]) == 0


def test_distance_of_a_scaling_is_proportional():
    a, b = POINTS["ring"].sample(300, seed=1), POINTS["grid"].sample(300, seed=2)
    assert sliced_wasserstein(5 * a, 5 * b) == pytest.approx(5 * sliced_wasserstein(a, b), rel=1e-5)
    assert sliced_wasserstein(a, b) == pytest.approx(sliced_wasserstein(b, a), rel=1e-9)


def test_unequal_counts_are_exact():
    a, b = POINTS["ring"].sample(60, seed=1), POINTS["spiral"].sample(84, seed=2)
    # A set repeated is the same distribution, and sets of 420 points each are simply sorted.
    same = sliced_wasserstein(a.repeat(7, 1), b.repeat(5, 1))
    assert sliced_wasserstein(a, b) == pytest.approx(same, rel=1e-9)
    one, two = torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    assert sliced_wasserstein(one, two) == pytest.approx(1 / math.pi, rel=1e-3)


def test_lost_modes_are_seen():
    ring = POINTS["ring"]
    floor = sliced_wasserstein(ring.sample(2000, seed=1), ring.sample(2000, seed=2))
    half = ring.sample(4000, seed=3)
    half = half[half[:, 0] > 0]
    assert sliced_wasserstein(half, ring.sample(2000, seed=2)) > 10 * floor
    assert modes_covered(half, ring) < 7


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (torch.zeros(0, 2), r"\[0, 2\]"),
        (torch.zeros(5, 3), r"\[5, 3\]"),
        (torch.tensor([[0.0, math.nan], [0.0, 0.0]]), "1 of 2 points are not finite"),
    ],
)
def test_bad_samples_are_named(samples, message):
    ring = POINTS["ring"]
    for measure in (
        lambda: modes_covered(samples, ring),
        lambda: sliced_wasserstein(ring.sample(5), samples),
    ):
        with pytest.raises(ValueError, match=message):
            measure()


def test_the_width_of_modes():
    ring = POINTS["ring"]
    data = ring.sample(8000)
    torch.testing.assert_close(mode_widths(data, ring), torch.ones(8).double(), rtol=0, atol=0.05)
    centers = ring.centers[torch.arange(800) % 8]
    assert mode_widths(centers, ring).max() < 1e-6
    half = centers + 0.5 * ring.deviation * torch.randn(800, 2, generator=torch.Generator().manual_seed(0))
    assert mode_widths(half, ring).mean() == pytest.approx(0.5, abs=0.03)


def test_modes_that_are_not_covered_have_no_width():
    ring = POINTS["ring"]
    samples = ring.centers[:3].repeat(10, 1)
    assert covered_modes(samples, ring).tolist() == [True] * 3 + [False] * 5
    assert mode_widths(samples, ring).isnan().tolist() == [False] * 3 + [True] * 5
