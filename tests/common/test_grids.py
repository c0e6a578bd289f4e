"""Grids of samples."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.common import grids
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.modalities.image import to_image
from ganarium.data.modalities.points import Points


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGBA"), (5, "L")])
def test_a_sample_is_an_image(channels, mode):
    image = to_image(torch.linspace(-1, 1, channels * 6 * 4).view(channels, 6, 4))
    assert (image.mode, image.size) == (mode, (4, 6))


def test_the_range_is_the_whole_range():
    values = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 5)
    assert np.asarray(to_image(values)).tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 3), (64, 8)])
def test_samples_stand_side_by_side(count, columns):
    samples = torch.zeros(count, 3, 6, 4)
    grid = ImageModality().grid(samples)
    rows = -(-count // columns)
    assert grid.size == (columns * 6 + 2, rows * 8 + 2)
    images = [to_image(sample) for sample in samples]
    assert grids.tiled(images, columns=count, scale=3).size == (count * 14 + 2, 22)


def test_every_sample_is_in_its_place():
    samples = torch.stack([torch.full((1, 3, 3), i / 10) for i in range(6)])
    grid = np.asarray(ImageModality().grid(samples, columns=3))[..., 0]
    shown = [grid[2 + 5 * row + 1, 2 + 5 * column + 1] for row in range(2) for column in range(3)]
    assert shown == [round((i / 10 + 1) * 127.5) for i in range(6)]


def test_a_transparent_image_shows_the_background():
    clear = torch.ones(1, 4, 3, 3)
    clear[:, 3] = -1
    assert ImageModality().grid(clear).getpixel((3, 3)) == (0x20, 0x20, 0x20)


def test_points_are_dots():
    grid = Points().grid(torch.tensor([[0.0, 0.0], [2.0, 2.0]]))
    assert grid.size == (400, 400)
    blue = (np.asarray(grid)[..., 0] < 128).nonzero()
    assert {(int(y) // 40, int(x) // 40) for y, x in zip(*blue, strict=True)} >= {(1, 8)}


def test_a_grid_is_saved_whole(tmp_path):
    grids.save(ImageModality().grid(torch.zeros(4, 3, 8, 8)), tmp_path / "samples" / "a.png")
    assert Image.open(tmp_path / "samples" / "a.png").size == (22, 22)
