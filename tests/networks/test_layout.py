"""Networks lie in memory as they say, and say the same things."""

import torch
from torch import nn

from ganarium.models.network import NetworkModel, Origin
from ganarium.networks.layers.memory_format import apply_memory_format
from ganarium.networks.layers.norms import shared_statistics
from ganarium.networks.resnet_translator import ResNetTranslator
from ganarium.networks.unet import UNetTranslator


def nhwc(network):
    return all(
        module.weight.is_contiguous(memory_format=torch.channels_last)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    )


def translators():
    torch.manual_seed(0)
    networks = ResNetTranslator(3, 3, width=4, blocks=1), UNetTranslator(3, 3, width=4, downsamplings=2)
    return nn.ModuleList(networks).eval()


def test_each_part_lies_as_it_says():
    residual, unet = parts = translators()
    images = torch.rand(2, 3, 32, 32)
    before = residual(images)
    assert not nhwc(residual)
    assert apply_memory_format(parts) is parts
    assert nhwc(residual)
    assert not nhwc(unet)
    assert torch.allclose(residual(images), before, atol=1e-5)


def test_network_models_use_the_memory_format():
    residual, _ = translators()
    origin = Origin("owner/name", "MIT")
    assert nhwc(NetworkModel("translator", "resnet", {"inputs": 3, "outputs": 3}, residual, origin).network)


def test_shared_statistics_are_the_same_in_any_layout():
    residual, _ = translators()
    one, other = torch.rand(2, 1, 3, 32, 32)
    with torch.no_grad():
        with shared_statistics(residual, lambda: residual(one)):
            expected = residual(other)
        apply_memory_format(residual)
        with shared_statistics(residual, lambda: residual(one)):
            assert torch.allclose(residual(other), expected, atol=1e-5)
        assert not torch.allclose(residual(other), expected, atol=1e-3)
