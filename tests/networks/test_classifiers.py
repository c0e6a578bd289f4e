import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from ganarium.networks.classifiers import BasicBlock, CifarResNet, LeNet, SqueezeNet

torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("network", "shape", "dimension", "classes"),
    [
        (LeNet(), (1, 32, 32), 84, 10),
        (LeNet(channels=3, classes=7), (3, 32, 32), 84, 7),
        (CifarResNet(depth=20, classes=100), (3, 32, 32), 64, 100),
        (CifarResNet(depth=8), (3, 33, 47), 64, 10),
        (SqueezeNet(classes=5), (3, 61, 75), 512, 5),
    ],
)
def test_shapes_and_gradients(network, shape, dimension, classes):
    images = torch.randn(4, *shape)
    assert network.penultimate(images).shape == (4, dimension)
    logits = network(images)
    assert logits.shape == (4, classes)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_parameters_as_the_papers_count_them():
    def count(network):
        return sum(p.numel() for p in network.parameters())

    assert count(CifarResNet(depth=20)) == 269_722
    assert count(CifarResNet(depth=110)) == 1_727_962
    assert count(SqueezeNet()) == 1_248_424
    assert count(LeNet()) == 61_706


def test_logits_are_the_last_layer_on_the_features():
    images = torch.randn(3, 1, 32, 32)
    lenet = LeNet()
    assert lenet(images).allclose(lenet.fc["f7"](lenet.penultimate(images)))
    assert (lenet.penultimate(images) >= 0).all()


def test_shortcut_has_no_parameters_and_pads_channels_with_zeros():
    block = BasicBlock(2, 6, stride=2).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.randn(1, 2, 8, 8)
    out = block(x)
    assert out[:, 2:4].equal(F.relu(x[:, :, ::2, ::2]))
    assert out[:, :2].eq(0).all()
    assert out[:, 4:].eq(0).all()


def test_impossible_depth_is_named():
    with pytest.raises(ValueError, match=r"depth=21.*6n \+ 2"):
        CifarResNet(depth=21)
