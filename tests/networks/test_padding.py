"""Networks on images of any height and width."""

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

from ganarium.networks.layers.padding import pad_replicate, padded_forward

SIZES = [(8, 12), (7, 13), (1, 2), (9, 8)]


class Scaled(nn.Module):
    """Enlarges, or reduces, images whose sides are multiples of four."""

    multiple = 4

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, images):
        assert all(side % self.multiple == 0 for side in images.shape[2:])
        if self.scale >= 1:
            return interpolate(images, scale_factor=self.scale)
        return avg_pool2d(images, round(1 / self.scale))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_output_of_a_network_that_enlarges_has_the_scaled_size(scale, size):
    images = torch.rand(2, 3, *size)
    made = padded_forward(Scaled(scale), images)
    assert made.shape == (2, 3, *(scale * side for side in size))
    assert torch.equal(made, interpolate(images, scale_factor=scale))


def test_a_scale_that_is_no_whole_number():
    images = torch.rand(1, 1, 6, 10)
    assert padded_forward(Scaled(1.5), images).shape == (1, 1, 9, 15)


@pytest.mark.parametrize("size", [(8, 12), (7, 13), (9, 8)])
@pytest.mark.parametrize("scale", [0.5, 0.25])
def test_smaller_maps_are_not_cropped(scale, size):
    images = torch.rand(2, 3, *size)
    wanted = avg_pool2d(pad_replicate(images, 4), round(1 / scale))
    assert torch.equal(padded_forward(Scaled(scale), images), wanted)


def test_conditions_are_passed_on():
    class Added(Scaled):
        def forward(self, images, condition):
            return super().forward(images) + condition[:, :, None, None]

    images, condition = torch.rand(2, 3, 5, 6), torch.rand(2, 3)
    wanted = interpolate(images, scale_factor=2) + condition[:, :, None, None]
    assert torch.equal(padded_forward(Added(2), images, condition), wanted)
