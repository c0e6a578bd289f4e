"""Warps against pictures whose warp is known."""

import pytest
import torch

from ganarium.ops import augment
from ganarium.ops.augment import warped

CONSTANTS = ("LARGEST_TURN", "LARGEST_SLANT", "LARGEST_GROWTH", "LARGEST_SHIFT")


@pytest.fixture
def only(monkeypatch):
    """Leaves one kind of change, of the given size, drawn at its largest."""

    def choose(name, size):
        for constant in CONSTANTS:
            monkeypatch.setattr(augment, constant, size if constant == name else 0.0)
        monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.ones(shape))

    return choose


def square(height=16, width=16, rows=slice(6, 10), columns=slice(6, 10)):
    image = torch.full((1, 1, height, width), -1.0)
    image[..., rows, columns] = 1
    return image


def test_no_warp_and_no_picture_are_left_alone():
    image, points = square(), torch.randn(4, 2)
    assert warped(image, 0.0) is image
    assert warped(points, 1.0) is points


def test_a_shift_is_a_share_of_the_side(only):
    only("LARGEST_SHIFT", 1 / 8)
    oblong = square(24, 16, slice(6, 9), slice(6, 10))
    torch.testing.assert_close(warped(oblong, 1.0), oblong.roll((-3, -2), (2, 3)), atol=1e-4, rtol=0)
    only("LARGEST_SHIFT", 1 / 4)
    torch.testing.assert_close(warped(square(), 0.5), square().roll((-2, -2), (2, 3)), atol=1e-4, rtol=0)


def test_a_quarter_turn(only):
    only("LARGEST_TURN", torch.pi / 2)
    bar = square(rows=slice(7, 9), columns=slice(2, 14))
    torch.testing.assert_close(warped(bar, 1.0), bar.rot90(1, (2, 3)), atol=1e-4, rtol=0)


def test_growth_changes_the_area(only):
    only("LARGEST_GROWTH", torch.log(torch.tensor(2.0)).item())
    ink = (warped(square(), 1.0) + 1).sum() / (square() + 1).sum()
    assert ink == pytest.approx(0.25, rel=0.05)


def test_a_slant_moves_rows_against_each_other(only):
    only("LARGEST_SLANT", 1.0)
    slanted = warped(square(rows=slice(2, 14), columns=slice(7, 9)), 1.0)
    top, bottom = ((slanted[0, 0, row] + 1).argmax().item() for row in (3, 12))
    assert abs(top - bottom) == pytest.approx(9, abs=1)


def test_each_picture_is_warped_in_its_own_way_and_keeps_its_ink():
    torch.manual_seed(0)
    images = square().expand(64, -1, -1, -1)
    moved = warped(images, 1.0)
    assert moved.shape == images.shape
    assert len(moved.flatten(1).unique(dim=0)) == 64
    assert moved.min() >= -1
    assert moved.max() <= 1
    ink = (moved + 1).sum((1, 2, 3)) / (square() + 1).sum()
    assert 0.7 < ink.min() < ink.mean() < 1.2
    assert ink.mean() == pytest.approx(1, abs=0.1)


def test_gradients_pass_through_and_the_border_is_repeated():
    images = torch.rand(4, 3, 8, 8, dtype=torch.bfloat16, requires_grad=True)
    moved = warped(images, 1.0)
    assert moved.dtype == torch.bfloat16
    moved.float().sum().backward()
    assert (images.grad != 0).flatten(1).float().mean() > 0.9
    assert warped(torch.full((2, 1, 8, 8), 0.5), 3.0).allclose(torch.tensor(0.5))
