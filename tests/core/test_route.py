"""How a picture goes through a model: in which batches."""

import torch

from ganarium.inference.reading import WEIGHTS_PER_PIXEL, Route
from ganarium.models.network import NetworkModel, Origin
from ganarium.networks.resnet_translator import ResNetTranslator


def test_a_heavier_network_takes_more_pixels_at_once():
    def pixels(width, device="cpu"):
        settings = {"inputs": 3, "outputs": 3, "width": width, "blocks": 1}
        with torch.device(device):
            network = ResNetTranslator(**settings)
        weights = sum(each.numel() for each in network.parameters())
        lone = NetworkModel("translator", "resnet", settings, network, Origin("owner/name", "MIT"))
        return weights, Route(lone, None, None, "float32").pixels_at_once

    for width in (4, 8):
        weights, most = pixels(width)
        assert most == weights / WEIGHTS_PER_PIXEL
    assert pixels(4, "meta")[1] == float("inf")  # as on a GPU
