import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional as F  # noqa: N812

from ganarium.metrics import LPIPS, load_features
from ganarium.metrics.lpips import TAPS, Heads, load_heads
from ganarium.networks.alexnet_vgg import VGG, AlexNet
from ganarium.networks.classifiers import LeNet, SqueezeNet

torch.set_num_threads(1)
DATA = Path(os.environ.get("GANARIUM_DATA", Path(__file__).parents[3] / "shared/data"))
HEADS = DATA / "weights/lpips"
real_data = pytest.mark.skipif(not HEADS.exists(), reason=f"no linear heads in {DATA}")

NETWORKS = {
    "AlexNet": lambda: AlexNet(classes=None),
    "VGG-16": lambda: VGG(depth=16, classes=None),
    "SqueezeNet 1.1": lambda: SqueezeNet(version="1.1", classes=None),
    "SqueezeNet 1.0": lambda: SqueezeNet(version="1.0", classes=None),
}
FILES = {"AlexNet": "alex", "VGG-16": "vgg", "SqueezeNet 1.1": "squeeze"}


def random_images(count=2, channels=3, side=40, seed=0):
    noise = torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(seed))
    return (2 * F.avg_pool2d(F.pad(noise, (2, 2, 2, 2), mode="reflect"), 5, stride=1)).tanh()


@pytest.fixture(scope="module")
def trunks(tmp_path_factory):
    """Untrained trunks in files, by name."""
    folder = tmp_path_factory.mktemp("trunks")
    for name, build in NETWORKS.items():
        torch.manual_seed(1)
        save_file(build().state_dict(), folder / f"{name}.safetensors")
    return {name: folder / f"{name}.safetensors" for name in NETWORKS}


def by_the_paper(features, a, b, *, layers, heads, normalized):
    """Eq. 1 for one pair, layer by layer and place by place."""
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x, y = (
        ((p + 1) / 2 - mean[:, None, None]) / deviation[:, None, None] if normalized else p for p in (a, b)
    )
    x, y = (torch.as_tensor(p, dtype=torch.float32)[None] for p in (x, y))
    distance = 0.0
    for number, layer in enumerate(features[: layers[-1] + 1]):
        x, y = layer(x), layer(y)
        if number not in layers:
            continue
        weights = heads[layers.index(number)].numpy()
        first, second = x[0].numpy(), y[0].numpy()
        places = []
        for row in range(first.shape[1]):
            for column in range(first.shape[2]):
                p, q = first[:, row, column], second[:, row, column]
                p, q = p / (np.linalg.norm(p) + 1e-10), q / (np.linalg.norm(q) + 1e-10)
                places.append((weights * (p - q) ** 2).sum())
        distance += np.mean(places)
    return distance


@torch.no_grad()
@pytest.mark.parametrize("version", ["0.0", "0.1"])
@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_papers_formula(trunks, name, version):
    trunk = load_features(trunks[name])
    layers, widths = list(TAPS[name]), list(TAPS[name].values())
    rng = torch.Generator().manual_seed(3)
    heads = [torch.rand(width, generator=rng) for width in widths]
    a, b = random_images(), random_images(seed=1)
    ours = LPIPS(trunk, Heads(tuple(heads), version))(a, b)
    expected = [
        by_the_paper(trunk.network.features, *pair, layers=layers, heads=heads, normalized=version == "0.1")
        for pair in zip(a.numpy(), b.numpy(), strict=True)
    ]
    assert ours.tolist() == pytest.approx(expected, rel=1e-4)
    assert min(expected) > 1e-3


@real_data
@pytest.mark.parametrize("version", ["v0.0", "v0.1"])
@pytest.mark.parametrize("name", FILES)
def test_the_published_heads_fit_their_trunks(trunks, name, version):
    path = HEADS / version / f"{FILES[name]}.pth"
    measure = LPIPS.load(trunks[name], path)
    assert load_heads(path).version == version[1:]
    assert load_heads(path, version="0.1").version == "0.1"
    a, b = random_images(), random_images(seed=1)
    assert (measure.distances(a, b) > 0).all()
    assert measure.name == f"LPIPS {version} ({name})"
    for other in set(TAPS) - {name}:
        with pytest.raises(ValueError, match=f"those of {name}, but {other}"):
            LPIPS.load(trunks[other], path)


@real_data
def test_a_trained_trunk_orders_damage_as_people_do():
    """The published heads are for SqueezeNet 1.1; of the 1.0 at hand the cosine distance is left."""
    with pytest.raises(ValueError, match=r"\[64, 128.*those of SqueezeNet 1.1, but SqueezeNet 1.0 has \[96"):
        LPIPS.load(DATA / "weights/squeezenet1_0", HEADS / "v0.1/squeeze.pth")
    measure = LPIPS.load(DATA / "weights/squeezenet1_0")
    assert measure.name == "cosine distance (SqueezeNet 1.0)"
    read = lambda name: np.array(Image.open(HEADS / f"imgs/ex_{name}.png").convert("RGB"))  # noqa: E731
    ref, p0, p1 = (torch.from_numpy(read(x)).permute(2, 0, 1)[None] / 127.5 - 1 for x in ("ref", "p0", "p1"))
    far, near = measure.distances(ref, p0), measure.distances(ref, p1)
    assert far > 1.5 * near > 0  # as the authors' own example: 0.722 and 0.138
    assert measure.distances(ref, ref) == 0


@torch.no_grad()
def test_zero_symmetric_and_growing(trunks):
    measure = LPIPS(load_features(trunks["SqueezeNet 1.1"]))
    a, noise = random_images(), random_images(seed=4)
    assert measure(a, a).tolist() == [0, 0]
    b = random_images(seed=1)
    assert measure(a, b).allclose(measure(b, a), rtol=1e-5)
    steps = torch.stack([measure(a, a + share * (noise - a)) for share in (0.05, 0.2, 0.6)])
    assert (steps.diff(dim=0) > 0).all()
    assert measure.distances(a, b, batch_size=1).tolist() == pytest.approx(measure(a, b).tolist(), rel=1e-4)
    gray = random_images(channels=1)
    assert measure(gray, -gray).allclose(measure(gray.expand(-1, 3, -1, -1), -gray.expand(-1, 3, -1, -1)))


def test_is_a_loss(trunks):
    measure = LPIPS(load_features(trunks["AlexNet"])).train()
    a = random_images().requires_grad_()
    measure(a, random_images(seed=1)).sum().backward()
    assert a.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in measure.parameters())


def test_wrong_inputs_and_files_are_named(trunks, tmp_path):
    measure = LPIPS(load_features(trunks["AlexNet"]))
    for pair, message in (
        ((random_images(side=31),) * 2, "at least 32 pixels.*31"),
        ((random_images(), random_images(1)), "one shape"),
        ((random_images() * 9, random_images()), r"in \[-1, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            measure(*pair)
    save_file(LeNet().state_dict(), tmp_path / "lenet.safetensors")
    with pytest.raises(ValueError, match=r"AlexNet.*given: LeNet-5"):
        LPIPS.load(tmp_path / "lenet.safetensors")
    with pytest.raises(ValueError, match=r"lenet\.safetensors.*lin0.*convnet"):
        load_heads(tmp_path / "lenet.safetensors")
    with pytest.raises(FileNotFoundError, match=r"none\.pth"):
        load_heads(tmp_path / "none.pth")
    save_file({"lin1.model.1.weight": torch.ones(1, 4, 1, 1)}, tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match=r"found: lin1\.model\.1\.weight \[1, 4, 1, 1\]"):
        load_heads(tmp_path / "part.safetensors")
    heads = {"lin0.model.1.weight": torch.ones(1, 4, 1, 1)}
    save_file(heads, tmp_path / "heads.safetensors")
    assert load_heads(tmp_path / "heads.safetensors").version == "0.1"
    with pytest.raises(ValueError, match=r"\[4\].*AlexNet has \[64"):
        LPIPS.load(trunks["AlexNet"], tmp_path / "heads.safetensors")
