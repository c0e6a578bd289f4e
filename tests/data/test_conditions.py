import numpy as np
import pytest
import torch

from ganarium.data.conditions.derived import Derived, blur, edges, gray, lowres, mask, mosaic
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.rows import Rows

torch.set_num_threads(1)


DERIVED = {name: each for name, each in CONDITIONS.items() if issubclass(each, Derived)}


@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("shape", [(2, 1, 20, 28), (2, 3, 32, 32), (2, 4, 3, 5), (2, 5, 1, 1)])
def test_pictures_of_the_same_size_in_range(name, shape):
    condition = DERIVED[name].from_source(None, None, shape[1:])
    real = torch.rand(shape) * 2 - 1
    made = condition.from_image(real)
    assert made.shape[1:] == condition.shape()
    batch = condition.batch(real, Rows(np.arange(2), np.arange(2)))
    assert torch.equal(batch.real, real)
    assert torch.equal(batch.condition, made)
    assert made.shape[0] == 2
    assert made.shape[2:] == shape[2:]
    assert made.min() >= -1
    assert made.max() <= 1 + 1e-6


def test_the_derived_conditions_are_these():
    assert list(DERIVED) == ["grey", "blur", "lowres", "mosaic", "edges", "mask"]


def test_grey_weighs_the_colours():
    colors = torch.eye(3)[:, :, None, None] * 2 - 1
    assert torch.allclose((gray(colors).flatten() + 1) / 2, torch.tensor([0.299, 0.587, 0.114]))


def test_blurring_keeps_flat_pictures_and_the_mean_and_takes_the_detail():
    flat = torch.full((1, 3, 24, 36), 0.3)
    assert torch.allclose(blur(flat), flat, atol=1e-6)
    spot = torch.zeros(1, 1, 33, 33)
    spot[..., 16, 16] = 1
    spread = blur(spot)
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    assert torch.allclose(spread, spread.flip(-1), atol=1e-7)
    assert torch.allclose(spread, spread.mT, atol=1e-7)
    variance = (spread[0, 0].sum(0) * (torch.arange(33) - 16) ** 2).sum()
    assert variance.sqrt().item() == pytest.approx(33 / 12, rel=0.05)


def test_low_holds_a_quarter_of_the_resolution():
    checks = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1
    assert lowres(checks[None, None]).abs().max() < 1e-6


def test_edges_are_where_the_brightness_steps():
    step = torch.full((1, 1, 8, 8), -1.0)
    step[..., 4:] = 1
    found = edges(step)[0, 0]
    assert (found[:, 3:5] == 1).all()
    assert (found[:, :3] == -1).all()
    assert (found[:, 5:] == -1).all()


def test_edges_between_colours_of_one_brightness():
    halves = torch.zeros(1, 3, 8, 8)
    halves[:, 0, :, 4:], halves[:, 1, :, 4:] = 0.587, -0.299
    assert gray(halves).abs().max() < 1e-6
    assert edges(halves)[0, 0, :, 3:5].min() > -0.9
    assert (edges(halves)[0, 0, :, :3] == -1).all()


def test_a_mosaic_is_blocks_of_their_mean():
    x = torch.rand(2, 3, 19, 24) * 2 - 1
    made = mosaic(x)  # blocks of 2
    for i in range(0, 19, 2):
        for j in range(0, 24, 2):
            block = (..., slice(i, i + 2), slice(j, j + 2))
            assert (made[block] - x[block].mean(dim=(2, 3), keepdim=True)).abs().max() < 1e-6


def test_a_mask_hides_the_middle_and_nothing_else():
    x = torch.rand(2, 3, 16, 24) + 0.1
    made = mask(x)
    assert (made[:, :, 4:12, 6:18] == 0).all()
    made[:, :, 4:12, 6:18] = x[:, :, 4:12, 6:18]
    assert torch.equal(made, x)
