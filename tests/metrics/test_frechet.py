import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torchmetrics.image.fid import _compute_fid

from ganarium.metrics import frechet_distance

torch.set_num_threads(1)
PARITY = Path(os.environ.get("GANARIUM_PARITY", Path(__file__).parents[3] / "shared/parity"))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_moments(mean, root, count=500, seed=0):
    """Samples whose mean and covariance (root' root) are exact, not estimates."""
    x = normal(count, len(mean), seed=seed)
    x = x - x.mean(0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(x.T @ x / (count - 1)), x.T, upper=False).T
    return white @ root + mean


def test_of_gaussians_with_diagonal_covariances_in_closed_form():
    deviations_a, deviations_b = torch.tensor([1.0, 2, 3]).double(), torch.tensor([0.5, 2, 5]).double()
    a = with_moments(torch.zeros(3), deviations_a.diag(), seed=1)
    b = with_moments(torch.tensor([1.0, -2, 0.5]), deviations_b.diag(), count=300, seed=2)
    expected = 1 + 4 + 0.25 + (deviations_a - deviations_b).square().sum().item()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_of_one_dimension_is_mean_and_deviation():
    a, b = with_moments(torch.tensor([3.0]), torch.tensor([[2.0]]).double()), torch.tensor([[1.0], [-1.0]])
    assert frechet_distance(a, b) == pytest.approx(9 + (2 - math.sqrt(2)) ** 2, rel=1e-9)


def test_of_correlated_gaussians_equals_the_general_formula():
    a, b = normal(400, 12) @ normal(12, 12, seed=1), 1 + normal(350, 12, seed=2) @ normal(12, 12, seed=3)
    expected = _compute_fid(a.mean(0), a.T.cov(), b.mean(0), b.T.cov()).item()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_of_a_set_with_itself_is_zero():
    a = 100 + normal(200, 16)
    assert 0 <= frechet_distance(a, a) < 1e-9
    assert 0 <= frechet_distance(a, a.flip(0)) < 1e-9


def test_scale_shift_and_symmetry():
    a, b = normal(200, 8), 2 * normal(300, 8, seed=1) + 1
    distance = frechet_distance(a, b)
    assert frechet_distance(3 * a, 3 * b) == pytest.approx(9 * distance, rel=1e-9)
    assert frechet_distance(a + 50, b + 50) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(a, a + 2) == pytest.approx(8 * 4, rel=1e-9)
    turn = torch.linalg.qr(normal(8, 8, seed=2)).Q
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(distance, rel=1e-9)


def test_fewer_samples_than_dimensions():
    a, b = normal(20, 64), normal(30, 64, seed=1)
    padded = lambda x: torch.cat([x, torch.zeros(len(x), 64)], 1)  # noqa: E731
    assert frechet_distance(a, a) < 1e-9
    assert frechet_distance(a, a + 1) == pytest.approx(64, rel=1e-9)
    assert frechet_distance(padded(a), padded(b)) == pytest.approx(frechet_distance(a, b), rel=1e-9)
    # Orthogonal subspaces share nothing: the traces add up.
    x, y = normal(10, 5), normal(10, 5, seed=1)
    apart = frechet_distance(torch.cat([x, 0 * x], 1), torch.cat([0 * y, y], 1))
    means = x.mean(0).square().sum() + y.mean(0).square().sum()
    assert apart == pytest.approx((x.var(0).sum() + y.var(0).sum() + means).item(), rel=1e-9)


@pytest.mark.skipif(not (PARITY / "metrics_features.json").exists(), reason=f"no fixtures in {PARITY}")
@pytest.mark.parametrize(("biased", "key"), [(True, "fid"), (False, "fid_unbiased_cov")])
def test_official_values(biased, key):
    values = json.loads((PARITY / "metrics_features.json").read_text())["values_float64"]
    tensors = load_file(PARITY / "metrics_features.safetensors")
    distance = frechet_distance(tensors["in/real"], tensors["in/gen"], biased=biased)
    assert distance == pytest.approx(values[key], rel=1e-7)


def test_bad_features_are_named():
    good, broken = normal(5, 3), normal(5, 3)
    broken[1, 2] = broken[3, 0] = math.nan
    with pytest.raises(ValueError, match="2 of 5 samples are not finite"):
        frechet_distance(good, broken)
    with pytest.raises(ValueError, match=r"\[5, 3\] and \[5, 4\]"):
        frechet_distance(good, normal(5, 4))
    with pytest.raises(ValueError, match="at least 2 sample"):
        frechet_distance(good, good[:1])
