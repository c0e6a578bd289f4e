"""AlexNet, VGG, SqueezeNet and Inception-v3 as torchvision's checkpoints need them."""

import pytest
import torch
from torch import nn

from ganarium.networks.alexnet_vgg import VGG, AlexNet
from ganarium.networks.classifiers import SqueezeNet
from ganarium.networks.inception import InceptionV3

BUILDERS = {
    "alexnet": AlexNet,
    "vgg11": lambda **keys: VGG(depth=11, **keys),
    "vgg13": lambda **keys: VGG(depth=13, **keys),
    "vgg16": VGG,
    "vgg19": lambda **keys: VGG(depth=19, **keys),
    "squeezenet1_0": SqueezeNet,
    "squeezenet1_1": lambda **keys: SqueezeNet(version="1.1", **keys),
    "inception_v3": InceptionV3,
    "inception_v3_without_auxiliary": lambda **keys: InceptionV3(auxiliary=False, **keys),
}


def unfilled(build, **keys):
    with torch.device("meta"):
        return build(**keys)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("alexnet", 61_100_840),
        ("vgg11", 132_863_336),
        ("vgg13", 133_047_848),
        ("vgg16", 138_357_544),
        ("vgg19", 143_667_240),
        ("squeezenet1_0", 1_248_424),
        ("squeezenet1_1", 1_235_496),
        ("inception_v3", 27_161_264),
        ("inception_v3_without_auxiliary", 23_834_568),
    ],
)
def test_as_many_parameters_as_the_public_checkpoints(name, parameters):
    assert sum(p.numel() for p in unfilled(BUILDERS[name]).parameters()) == parameters


KEYS = {
    "alexnet": {
        "features.0.weight": (64, 3, 11, 11),
        "features.3.weight": (192, 64, 5, 5),
        "features.6.weight": (384, 192, 3, 3),
        "features.8.weight": (256, 384, 3, 3),
        "features.10.bias": (256,),
        "classifier.1.weight": (4096, 9216),
        "classifier.4.weight": (4096, 4096),
        "classifier.6.weight": (1000, 4096),
    },
    "vgg16": {
        "features.0.weight": (64, 3, 3, 3),
        "features.2.weight": (64, 64, 3, 3),
        "features.5.weight": (128, 64, 3, 3),
        "features.10.weight": (256, 128, 3, 3),
        "features.28.weight": (512, 512, 3, 3),
        "classifier.0.weight": (4096, 25088),
        "classifier.3.weight": (4096, 4096),
        "classifier.6.bias": (1000,),
    },
    "vgg19": {"features.34.weight": (512, 512, 3, 3), "features.19.weight": (512, 256, 3, 3)},
    "squeezenet1_1": {
        "features.0.weight": (64, 3, 3, 3),
        "features.4.expand3x3.weight": (64, 16, 3, 3),
        "features.6.squeeze.weight": (32, 128, 1, 1),
        "features.12.expand1x1.weight": (256, 64, 1, 1),
        "classifier.1.weight": (1000, 512, 1, 1),
    },
    "inception_v3": {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Conv2d_2b_3x3.bn.running_var": (64,),
        "Conv2d_4a_3x3.conv.weight": (192, 80, 3, 3),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
        "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
        "Mixed_6a.branch3x3dbl_3.bn.bias": (96,),
        "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
        "Mixed_6c.branch7x7dbl_2.conv.weight": (160, 160, 7, 1),
        "Mixed_6e.branch7x7dbl_5.conv.weight": (192, 192, 1, 7),
        "AuxLogits.conv0.conv.weight": (128, 768, 1, 1),
        "AuxLogits.conv1.conv.weight": (768, 128, 5, 5),
        "AuxLogits.fc.weight": (1000, 768),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3_2a.conv.weight": (384, 384, 1, 3),
        "Mixed_7c.branch1x1.conv.weight": (320, 2048, 1, 1),
        "Mixed_7c.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch3x3dbl_3b.bn.num_batches_tracked": (),
        "fc.weight": (1000, 2048),
    },
}


@pytest.mark.parametrize("name", KEYS)
def test_names_and_shapes_of_the_public_checkpoints(name):
    shapes = {key: tuple(x.shape) for key, x in unfilled(BUILDERS[name]).state_dict().items()}
    assert {key: shapes[key] for key in KEYS[name]} == KEYS[name]
    assert (
        len(shapes)
        == {"alexnet": 16, "vgg16": 32, "vgg19": 38, "squeezenet1_1": 52, "inception_v3": 580}[name]
    )


def deterministic(network):
    """Weights that are a function of nothing but their place; large enough for the last maps to differ."""
    for number, x in enumerate(network.state_dict().values()):
        if x.is_floating_point():
            places = torch.arange(x.numel()).reshape(x.shape)
            noise = (places * places * 31 + places * 17 + number * 4099) % 65521 / 65521  # in 0..1
            x.copy_(0.5 + noise if x.ndim == 1 else (noise - 0.5) * (24 / x[0].numel()) ** 0.5)
    return network.eval()


def picture(side):
    places = torch.arange(3 * side * side).reshape(1, 3, side, side)
    return (places * places * 7 + places * 3) % 255 / 127.5 - 1


@pytest.mark.parametrize(
    ("build", "side", "values", "norm"),
    [
        (lambda: AlexNet(classes=None), 100, [1.944726, 8.250044, 0.292537], 88.771134),
        (lambda: VGG(depth=11, classes=None), 64, [6.854812, 5.665956, 2.756814], 137.137799),
        (lambda: VGG(depth=16, classes=None), 64, [1.058532, 0.0, 7.508963], 179.716357),
        (lambda: SqueezeNet(), 100, [4.016128, 15.575771, 0.0], 310.528633),
        (lambda: SqueezeNet(version="1.1"), 100, [1.323001, 13.882403, 0.0], 270.989314),
        (lambda: InceptionV3(), 100, [-0.583214, 1.324417, 0.632937], 39.414743),
        (
            lambda: InceptionV3(classes=1008, auxiliary=False, tensorflow=True),
            100,
            [-0.041685, 1.111937, 0.521018],
            38.080371,
        ),
    ],
    ids=["alexnet", "vgg11", "vgg16", "squeezenet1_0", "squeezenet1_1", "inception_v3", "fid_inception"],
)
@torch.no_grad()
def test_values_of_the_official_classes(build, side, values, norm):
    """Recorded from torchvision 0.28 and, with the FID's poolings, from pytorch-fid 0.3 with these weights.

    Logits; of AlexNet and VGG the last maps, averaged.
    """
    network = deterministic(build())
    trunk = isinstance(network, AlexNet | VGG)
    outputs = (network.penultimate if trunk else network)(picture(side))[0]
    assert outputs[:3].tolist() == pytest.approx(values, rel=1e-4, abs=1e-4)
    assert outputs.double().norm().item() == pytest.approx(norm, rel=1e-5)


@pytest.mark.parametrize(
    ("build", "side", "dimension"),
    [
        (lambda: AlexNet(classes=7), 63, 4096),
        (lambda: SqueezeNet(version="1.1", classes=5), 61, 512),
        (lambda: InceptionV3(classes=3), 75, 2048),
        (lambda: InceptionV3(classes=3, auxiliary=False, tensorflow=True), 90, 2048),
    ],
    ids=["alexnet", "squeezenet", "inception", "fid_inception"],
)
@torch.no_grad()
def test_smallest_pictures_and_both_in_one_pass(build, side, dimension):
    network = build().eval()
    images = torch.randn(2, 3, side, side + 5)
    activations, logits = network.both(images)
    assert activations.shape == (2, dimension)
    assert activations.equal(network.penultimate(images))
    assert (activations >= 0).all()
    assert logits.equal(network(images))
    last = network.fc if isinstance(network, InceptionV3) else network.classifier[-1]
    if isinstance(last, nn.Linear):
        assert logits.allclose(last(activations))


@torch.no_grad()
def test_vgg_ends_in_three_layers_on_maps_of_7x7():
    network = unfilled(VGG, classes=9)
    images = torch.zeros(2, 3, 32, 50, device="meta")
    assert network.features(images).shape == (2, 512, 1, 1)
    assert network.penultimate(images).shape == (2, 4096)
    assert network(images).shape == (2, 9)


@torch.no_grad()
def test_the_classifier_on_the_side():
    network = InceptionV3(classes=4).eval()
    assert network.maps(torch.randn(1, 3, 299, 299)).shape == (1, 768, 17, 17)
    assert network.AuxLogits(torch.randn(2, 768, 17, 17)).shape == (2, 4)


@pytest.mark.parametrize(("build", "dimension"), [(AlexNet, 256), (SqueezeNet, 512)])
def test_a_trunk_names_no_classes(build, dimension):
    network = build(classes=None)
    assert network.penultimate(torch.randn(1, 3, 63, 63)).shape == (1, dimension)
    with pytest.raises(ValueError, match="classes=None"):
        network(torch.randn(1, 3, 63, 63))


def test_impossible_depth_is_named():
    with pytest.raises(ValueError, match=r"depth=17.*11, 13, 16, 19"):
        VGG(depth=17)
