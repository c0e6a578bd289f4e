import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ganarium.metrics import kernel_distance

torch.set_num_threads(1)
PARITY = Path(os.environ.get("GANARIUM_PARITY", Path(__file__).parents[3] / "shared/parity"))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.skipif(not (PARITY / "metrics_features.json").exists(), reason=f"no fixtures in {PARITY}")
def test_official_value():
    values = json.loads((PARITY / "metrics_features.json").read_text())["values_float64"]
    tensors = load_file(PARITY / "metrics_features.safetensors")
    distance = kernel_distance(tensors["in/real"], tensors["in/gen"])
    assert distance.mean == pytest.approx(values["kid_full_float64"], rel=1e-9)
    assert distance.mean == pytest.approx(values["kid_full"], rel=1e-4)
    assert distance.std == 0


def test_by_hand():
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [3.0]])
    within_a, within_b, across = 1**3, 7**3, (1 + 1 + 3**3 + 4**3) / 4
    assert kernel_distance(a, b).mean == pytest.approx(within_a + within_b - 2 * across)


@pytest.mark.parametrize(("num_a", "num_b", "dimension"), [(7, 12, 3), (15, 4, 40), (6, 6, 1)])
def test_equals_the_papers_formula(num_a, num_b, dimension):
    a, b = normal(num_a, dimension, seed=num_a), normal(num_b, dimension, seed=num_b + 50) + 0.2

    def kernel(x, y):
        return ((x @ y).item() / dimension + 1) ** 3

    def among(x):
        pairs = [kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]
        return sum(pairs) / len(pairs)

    count = min(num_a, num_b)
    draws = kernel_distance(a, b, subset=count, subsets=400)
    across = sum(kernel(x, y) for x in a for y in b) / (num_a * num_b)
    # The mean over all draws is the estimate over all samples.
    error = 4 * draws.std / 20
    assert draws.mean == pytest.approx(among(a) + among(b) - 2 * across, rel=1e-9, abs=error + 1e-12)


def test_equal_distributions_are_about_zero_whatever_the_count():
    for count in (20, 400):
        estimates = [
            kernel_distance(normal(count, 8, seed=2 * s), normal(count, 8, seed=2 * s + 1)).mean
            for s in range(40)
        ]
        estimates = torch.tensor(estimates)
        error = estimates.std() / len(estimates) ** 0.5
        assert estimates.mean().abs() < 3 * error
        assert (estimates < 0).any()


def test_different_distributions_are_far():
    a, b, c = normal(500, 8), normal(400, 8, seed=1), normal(400, 8, seed=2) + 0.5
    same, other = kernel_distance(a, b, subset=100, subsets=20), kernel_distance(a, c, subset=100, subsets=20)
    assert abs(same.mean) < 0.1 < 0.2 < other.mean
    assert other.std > 0


def test_draws_are_a_function_of_the_seed():
    a, b = normal(300, 4), normal(300, 4, seed=1)
    draw = lambda seed: kernel_distance(a, b, subset=50, subsets=3, seed=seed)  # noqa: E731
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_bad_features_are_named():
    a = normal(5, 3)
    with pytest.raises(ValueError, match="are not finite"):
        kernel_distance(a, a / 0)
    with pytest.raises(ValueError, match="at least 2 sample"):
        kernel_distance(a, a[:1])
    with pytest.raises(ValueError, match="given: 1 and 100"):
        kernel_distance(a, a, subset=1)
