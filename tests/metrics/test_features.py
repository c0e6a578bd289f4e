import gzip
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional as F  # noqa: N812

from ganarium.metrics import features_of, frechet_distance, kernel_distance, load_features
from ganarium.metrics.features import features_and_logits
from ganarium.networks.alexnet_vgg import VGG, AlexNet
from ganarium.networks.classifiers import CifarResNet, LeNet, SqueezeNet
from ganarium.networks.inception import InceptionV3

torch.set_num_threads(1)
DATA = Path(os.environ.get("GANARIUM_DATA", Path(__file__).parents[3] / "shared/data"))
real_data = pytest.mark.skipif(not (DATA / "weights").exists(), reason=f"no pretrained networks in {DATA}")


@pytest.fixture(scope="module")
def digits():
    """5,000 digits [N, 1, 28, 28] in [-1, 1] and their labels."""
    folder = DATA / "mnist_small"
    read = lambda name: bytearray(gzip.decompress((folder / name).read_bytes()))  # noqa: E731
    images = torch.frombuffer(read("images-idx3-ubyte.gz"), dtype=torch.uint8, offset=16)
    labels = torch.frombuffer(read("labels-idx1-ubyte.gz"), dtype=torch.uint8, offset=8)
    return images.view(-1, 1, 28, 28) / 127.5 - 1, labels.long()


@pytest.fixture(scope="module")
def lenet():
    return load_features(DATA / "weights/mnist_lenet")


@pytest.fixture(scope="module")
def digit_features(lenet, digits):
    return features_of(lenet, digits[0])


@real_data
def test_lenet_reads_digits(lenet, digits, digit_features):
    images, labels = digits
    assert digit_features.shape == (5000, 84)
    with torch.no_grad():
        right = (lenet.classify(images[:2000]).argmax(1) == labels[:2000]).float().mean()
    assert right > 0.98
    assert lenet.network.fc["f7"](digit_features).argmax(1).eq(labels).float().mean() > 0.98


@real_data
def test_frechet_distance_orders_damage_to_digits(lenet, digits, digit_features):
    images, _ = digits
    rng = torch.Generator().manual_seed(0)
    some = images[torch.randperm(5000, generator=rng)[:1000]]
    damaged = {
        "real": some,
        "blurred": F.avg_pool2d(F.pad(some, (1, 1, 1, 1), value=-1), 3, stride=1),
        "mean of two": (some + some.roll(1, 0)) / 2,
        "noise": 2 * torch.rand(1000, 1, 28, 28, generator=rng) - 1,
    }
    features = {name: features_of(lenet, x) for name, x in damaged.items()}
    distance = {name: frechet_distance(x, digit_features) for name, x in features.items()}
    assert distance["real"] < 60
    assert 600 < distance["blurred"] < 1500
    assert 1600 < distance["mean of two"] < 3000
    assert 7000 < distance["noise"] < 12000
    assert frechet_distance(digit_features[::2], digit_features[1::2]) < 60
    kernel = {
        name: kernel_distance(x, digit_features, subset=500, subsets=5).mean for name, x in features.items()
    }
    assert abs(kernel["real"]) < 0.02 * kernel["blurred"]
    assert kernel["blurred"] < kernel["mean of two"]


@real_data
def test_resnet_names_photos():
    with np.load(DATA / "cifar10_small/images.npz", allow_pickle=False) as table:
        images = torch.from_numpy(table["images"][::4]).permute(0, 3, 1, 2) / 127.5 - 1
        labels = torch.from_numpy(table["labels"][::4].astype(np.int64))
    network = load_features(DATA / "weights/resnet_cifar10/resnet20-12fca82f.th")
    assert network.name == "ResNet-20 (CIFAR)"
    with torch.no_grad():
        right = (network.classify(images).argmax(1) == labels).float().mean().item()
    assert 0.79 < right < 0.95
    assert features_of(network, images[:3]).shape == (3, 64)


@real_data
def test_squeezenet_sees_the_cat():
    photo = Image.open(DATA / "photos/chelsea.png").convert("RGB")
    network = load_features(DATA / "weights/squeezenet1_0")
    # Pillow rounds to 8 bits between its two passes; the network's own resizing does not.
    for resized, tolerance in ((photo.resize((227, 227), Image.Resampling.BICUBIC), 0.01), (photo, 0.3)):
        image = torch.from_numpy(np.array(resized)).permute(2, 0, 1)[None] / 127.5 - 1
        with torch.no_grad():
            logits = network.classify(image)[0]
        assert logits.argmax() == 285
        assert logits.max().item() == pytest.approx(26.84, abs=tolerance)
        assert features_of(network, image).shape == (1, 512)
    assert network.describe() == {
        "name": "SqueezeNet 1.0",
        "sha256": network.sha256[:12],
        "layer": "last Fire module, averaged over the picture",
        "dimension": 512,
        "resizing": "bicubic, antialiased, to 227x227",
        "channels": 3,
        "normalisation": "(0..1 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]",
    }


@pytest.fixture
def weights(tmp_path):
    """A folder with a LeNet of random weights."""
    torch.manual_seed(0)
    save_file(LeNet().state_dict(), tmp_path / "digits.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (LeNet(channels=3, classes=26), "LeNet-5"),
        (CifarResNet(depth=32, classes=100), "ResNet-32 (CIFAR)"),
        (SqueezeNet(classes=20), "SqueezeNet 1.0"),
    ],
)
def test_round_trip_through_every_kind_of_file(network, name, tmp_path):
    network.eval()
    state = network.state_dict()
    torch.save({"module." + key: x for key, x in state.items()}, tmp_path / "parallel.pth")
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "wrapped.th")
    torch.save(state, tmp_path / "legacy.bin", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "safe.safetensors")
    images = torch.rand(2, 3, 40, 24) * 2 - 1
    loaded = [load_features(path) for path in sorted(tmp_path.iterdir())]
    assert [x.name for x in loaded] == [name] * 4
    outputs = [features_of(x, images) for x in loaded]
    assert all(x.equal(outputs[0]) for x in outputs)
    expected = network.penultimate(loaded[0].convention.apply(images))
    assert outputs[0].allclose(expected, atol=1e-5)


def file_of_zeros(build, path):
    """A state dict of full shapes that takes no space: each tensor is one zero, repeated."""
    with torch.device("meta"):
        shapes = {key: x.shape for key, x in build().state_dict().items()}
    torch.save({key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}, path)
    return path


@pytest.mark.parametrize(
    ("build", "name", "dimension", "classes", "size"),
    [
        (AlexNet, "AlexNet", 4096, 1000, 224),
        (lambda: AlexNet(classes=None), "AlexNet", 256, 0, 224),
        (lambda: VGG(depth=11, classes=5), "VGG-11", 4096, 5, 224),
        (lambda: VGG(depth=13, classes=None), "VGG-13", 512, 0, 224),
        (VGG, "VGG-16", 4096, 1000, 224),
        (lambda: VGG(depth=16, classes=None), "VGG-16", 512, 0, 224),
        (lambda: VGG(depth=19, classes=2622), "VGG-19", 4096, 2622, 224),
        (lambda: VGG(depth=19, classes=None), "VGG-19", 512, 0, 224),
        (SqueezeNet, "SqueezeNet 1.0", 512, 1000, 227),
        (lambda: SqueezeNet(classes=None), "SqueezeNet 1.0", 512, 0, 227),
        (lambda: SqueezeNet(version="1.1"), "SqueezeNet 1.1", 512, 1000, 227),
        (lambda: SqueezeNet(version="1.1", classes=None), "SqueezeNet 1.1", 512, 0, 227),
        (InceptionV3, "Inception-v3", 2048, 1000, 299),
        (lambda: InceptionV3(classes=8, auxiliary=False), "Inception-v3", 2048, 8, 299),
        (lambda: InceptionV3(classes=1008, auxiliary=False), "Inception-v3 (FID)", 2048, 1008, 299),
    ],
)
def test_networks_of_imagenet_are_recognised(build, name, dimension, classes, size, tmp_path):
    network = load_features(file_of_zeros(build, tmp_path / "zeros.pth"))
    assert (network.name, network.dimension, network.classes) == (name, dimension, classes)
    assert network.size == (size, size)
    features, logits = features_and_logits(network, torch.zeros(1, 1, 40, 50))
    assert features.shape == (1, dimension)
    if classes:
        assert logits.shape == (1, classes)
    else:
        assert logits is None
        with pytest.raises(ValueError, match="features, not classes"):
            network.classify(torch.zeros(1, 3, 40, 40))


@torch.no_grad()
def test_weights_of_a_trunk_arrive(tmp_path):
    torch.manual_seed(0)
    trunk = VGG(depth=11, classes=None).eval()
    # As half precision, and under the prefix of data parallelism.
    halves = {"module." + key: x.half() for key, x in trunk.state_dict().items()}
    save_file(halves, tmp_path / "vgg.safetensors")
    network = load_features(tmp_path)
    images = torch.rand(1, 3, 224, 224) * 2 - 1
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    form = ((images + 1) / 2 - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    expected = trunk.half().float().features(form).mean((2, 3))
    assert features_of(network, images).allclose(expected, atol=1e-6)
    assert expected.std() > 1e-3


@torch.no_grad()
def test_the_fid_network_pools_as_tensorflow_did(tmp_path):
    torch.manual_seed(0)
    theirs = InceptionV3(classes=1008, auxiliary=False, tensorflow=True).eval()
    # The public file does not contain the number of batches seen.
    state = {key: x for key, x in theirs.state_dict().items() if "num_batches" not in key}
    save_file(state, tmp_path / "fid.safetensors")
    images = torch.rand(1, 3, 299, 299) * 2 - 1
    features = features_of(load_features(tmp_path), images)
    # Its images are in -1..1, as ours are.
    assert features.allclose(theirs.penultimate(images), rtol=1e-3, atol=1e-5)
    theirs.Mixed_7c.pool = theirs.Mixed_7b.pool  # as torchvision pools
    assert not features.allclose(theirs.penultimate(images), rtol=0.05)


def test_other_stacks_of_convolutions_are_named(tmp_path):
    torch.save({f"features.{i}.weight": torch.zeros(4, 3, 3, 3) for i in range(4)}, tmp_path / "four.pth")
    with pytest.raises(ValueError, match=r"4 layers with weights under features.*no VGG"):
        load_features(tmp_path / "four.pth")
    state = VGG(depth=11, classes=None).state_dict()
    torch.save(state | {"classifier.0.weight": torch.zeros(9, 512)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"do not fit: 'classifier\.6\.weight'"):
        load_features(tmp_path / "other.pth")


def test_images_are_converted_to_the_format_of_the_network(weights):
    network = load_features(weights)
    gray = torch.rand(3, 1, 32, 32) * 2 - 1
    assert network(gray.expand(-1, 3, -1, -1)).allclose(network(gray), atol=1e-4)
    form = network.convention.apply(torch.stack([torch.full((3, 9, 7), -1.0), torch.full((3, 9, 7), 1.0)]))
    assert form.shape == (2, 1, 32, 32)
    assert form[0].allclose(torch.tensor(-0.1307 / 0.3081))
    assert form[1].allclose(torch.tensor((1 - 0.1307) / 0.3081))
    assert network.size == (32, 32)
    with pytest.raises(ValueError, match=r"takes 1 channel.*have 4"):
        network(torch.zeros(1, 4, 32, 32))


def test_shrinking_is_antialiased(weights):
    stripes = torch.ones(1, 1, 256, 256)
    stripes[..., ::2] = -1
    gray = load_features(weights).convention.apply(stripes) * 0.3081 + 0.1307
    assert gray[..., 2:-2].sub(0.5).abs().max() < 0.02


def test_network_is_frozen_and_stays_in_eval_mode(tmp_path):
    save_file(CifarResNet(depth=8).state_dict(), tmp_path / "x.safetensors")
    network = load_features(tmp_path)
    images = torch.rand(4, 3, 32, 32)
    before = network(images)
    torch.nn.Sequential(network).train()
    assert not any(m.training for m in network.modules())
    assert network(images).equal(before)
    assert not any(p.requires_grad for p in network.parameters())


def test_features_do_not_depend_on_the_batches(weights):
    network = load_features(weights)
    images = torch.rand(11, 1, 28, 28) * 2 - 1
    whole = features_of(network, images)
    assert whole.dtype == torch.float32
    assert features_of(network, images, batch_size=4).allclose(whole, atol=1e-5)
    assert features_of(network, iter(images.split(3))).allclose(whole, atol=1e-5)
    assert features_of(network, images.double()).allclose(whole, atol=1e-5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(0, 1, 8, 8), "no images"),
        (torch.zeros(1, 8, 8), r"\[1, 8, 8\]"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "torch.uint8"),
        (torch.full((1, 1, 8, 8), 255.0), "given: 255 to 255"),
        (torch.full((1, 1, 8, 8), torch.nan), "given: nan"),
    ],
)
def test_bad_images_are_named(images, message, weights):
    with pytest.raises(ValueError, match=message):
        features_of(load_features(weights), images)


def test_unknown_networks_are_named(tmp_path):
    torch.save({"stem.weight": torch.zeros(2, 3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"found: stem.weight \[2, 3\](.|\n)*recognised: LeNet-5"):
        load_features(tmp_path / "other.pth")
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="found: no tensors"):
        load_features(tmp_path / "list.pt")
    state = LeNet().state_dict()
    del state["fc.f6.bias"]
    torch.save(state, tmp_path / "half.pth")
    with pytest.raises(ValueError, match=r"do not fit(.|\n)*fc\.f6\.bias"):
        load_features(tmp_path / "half.pth")


def test_paths_are_named(weights):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*LeNet-5"):
        load_features(weights / "nowhere")
    (weights / "SOURCE.txt").write_text("notes beside the file do not matter")
    assert load_features(weights).name == "LeNet-5"
    with pytest.raises(ValueError, match=r"SOURCE\.txt ends in none of"):
        load_features(weights / "SOURCE.txt")
    (weights / "second.pth").write_bytes(b"")
    with pytest.raises(ValueError, match=r"found: digits\.safetensors, second\.pth"):
        load_features(weights)
    with pytest.raises(ValueError, match="damaged"):
        load_features(weights / "second.pth")


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("save", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_pickle_with_code_is_refused_unread(save, tmp_path):
    marker, path = tmp_path / "it-ran", tmp_path / "evil.pth"
    save({"convnet.c1.weight": torch.zeros(6, 1, 5, 5), "x": Payload(marker)}, path)
    with pytest.raises(ValueError, match="could run code"):
        load_features(path)
    assert not marker.exists()
    torch.load(path, weights_only=False) if save is torch.save else pickle.loads(path.read_bytes())
    assert marker.exists(), "the payload must be one that works, or the test proves nothing"


def onnx_file(path, shape, *, rank=4):
    """y = the mean of each channel of an image, [N, C, 1, 1]."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])],
        "means",
        [value("x", onnx.TensorProto.FLOAT, shape)],
        [value("y", onnx.TensorProto.FLOAT, [*shape[:2], *[1] * (rank - 2)])],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.mark.parametrize("batch", ["N", 1, 4])
def test_onnx_takes_images_in_0_to_1(batch, tmp_path):
    network = load_features(onnx_file(tmp_path / "means.onnx", [batch, 3, 16, 20]))
    images = torch.rand(6, 3, 16, 20) * 2 - 1
    assert features_of(network, images).allclose((images.mean((2, 3)) + 1) / 2, atol=1e-6)
    assert network.size == (16, 20)
    assert network.describe()["dimension"] == 3
    assert network.describe()["name"] == "means"
    gray = torch.zeros(2, 1, 50, 50)
    assert features_of(network, gray).allclose(torch.full((2, 3), 0.5))
    with pytest.raises(ValueError, match="not classes"):
        network.classify(images)


def test_onnx_with_open_dimensions_takes_images_as_they_are(tmp_path):
    network = load_features(onnx_file(tmp_path / "means.onnx", ["N", "C", "H", "W"]))
    assert network.size is None
    assert network.describe()["resizing"] == "none"
    assert network.describe()["dimension"] is None
    assert features_of(network, torch.zeros(2, 5, 7, 9)).shape == (2, 5)


def test_onnx_that_takes_no_images_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"must take one float batch.*\['N', 3, 16\]"):
        load_features(onnx_file(tmp_path / "sound.onnx", ["N", 3, 16], rank=3))
    (tmp_path / "broken.onnx").write_bytes(b"not a graph")
    with pytest.raises(ValueError, match=r"broken\.onnx"):
        load_features(tmp_path / "broken.onnx")


def test_onnx_without_onnxruntime_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "x.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match=r"ganarium\[onnx\]"):
        load_features(tmp_path / "x.onnx")
