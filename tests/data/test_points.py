import math

import pytest
import torch

from ganarium.data.sources.densities import POINTS, grid, ring, spiral

torch.set_num_threads(1)


def test_named_distributions():
    assert list(POINTS) == ["ring", "grid", "spiral"]
    assert [len(p.centers) for p in POINTS.values()] == [8, 25, 64]


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_density_integrates_to_one(points):
    step = points.deviation / 3
    ticks = torch.arange(-3, 3, step)
    plane = torch.cartesian_prod(ticks, ticks)
    mass = sum(points.log_density(part).double().exp().sum().item() for part in plane.split(20_000)) * step**2
    assert mass == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_samples_follow_the_density(points):
    """The entropy by samples equals the entropy by integration only if samples and density agree."""
    step = points.deviation / 3
    ticks = torch.arange(-3, 3, step)
    logs = torch.cat(
        [points.log_density(p).double() for p in torch.cartesian_prod(ticks, ticks).split(20_000)]
    )
    integral = -(logs.exp() * logs).sum().item() * step**2
    by_samples = -points.log_density(points.sample(20_000)).mean().item()
    assert by_samples == pytest.approx(integral, abs=0.03)


def test_density_of_one_gaussian_in_closed_form():
    points = ring(modes=1, radius=0.0, deviation=0.5)
    at_one_deviation = points.log_density(torch.tensor([0.5, 0.0])).item()
    assert at_one_deviation == pytest.approx(-0.5 - math.log(2 * math.pi * 0.25))


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_samples_are_a_function_of_the_seed(points):
    assert points.sample(100, seed=3).equal(points.sample(100, seed=3))
    assert not points.sample(100, seed=3).equal(points.sample(100, seed=4))
    assert points.sample(7).shape == (7, 2)
    assert points.sample(7).dtype == torch.float32


def test_centres_lie_where_they_are_said_to():
    assert ring().centers.norm(dim=1).allclose(torch.tensor(2.0))
    assert ring().centers.mean(0).abs().max() < 1e-6
    assert grid().centers.aminmax() == (-2, 2)
    assert torch.pdist(grid().centers).min() == 1


def test_the_spiral_is_level_along_its_arm():
    points = spiral()
    steps = points.centers.diff(dim=0).norm(dim=1)
    assert steps.min() > 0.97 * steps.max()
    between = (points.centers[1:] + points.centers[:-1]) / 2
    ripple = points.log_density(between)[5:-5] - points.log_density(points.centers[:-1])[5:-5]
    assert ripple.abs().max() < 0.05
    assert points.centers[[0, -1]].norm(dim=1).tolist() == pytest.approx([0.3, 2.0], abs=0.05)
