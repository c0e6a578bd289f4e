"""Features and logits in one pass."""

import pytest
import torch

from ganarium.metrics.feature_networks import Convention
from ganarium.metrics.features import FeatureNetwork, features_and_logits, features_of
from ganarium.networks.classifiers import CifarResNet, LeNet, SqueezeNet

torch.set_num_threads(1)


def random(network, size, channels, classes):
    """A network of random weights that counts its passes."""
    torch.manual_seed(0)
    made = FeatureNetwork(
        network(classes=classes or 10),
        name=network.__name__,
        layer="last",
        convention=Convention((size, size), channels),
        dimension=None,
        classes=classes,
    )
    made.passes = 0

    def count(*_):
        made.passes += 1

    first = next(m for m in made.modules() if isinstance(m, torch.nn.Conv2d))
    first.register_forward_hook(count)
    return made


@pytest.mark.parametrize(
    ("network", "size", "channels", "dimension"),
    [(LeNet, 32, 1, 84), (CifarResNet, 32, 3, 64), (SqueezeNet, 64, 3, 512)],
)
def test_features_and_logits_come_of_one_pass(network, size, channels, dimension):
    made = random(network, size, channels, 7)
    images = 2 * torch.rand(3, channels, 20, 20) - 1
    outputs = features_and_logits(made, images)
    assert made.passes == 1
    assert outputs.logits.shape == (3, 7)
    assert outputs.features.shape == (3, dimension)
    with torch.no_grad():
        assert torch.equal(outputs.features, made(images))
        assert torch.equal(outputs.logits, made.classify(images))
    in_batches = features_of(made, [images[:1], images[1:]], batch_size=2)
    torch.testing.assert_close(in_batches, outputs.features, rtol=1e-4, atol=1e-5)


def test_a_network_without_classes_gives_features_alone():
    made = random(LeNet, 32, 1, 0)
    assert features_and_logits(made, torch.zeros(2, 1, 28, 28)).logits is None
