"""Windows of a sample: what they add up to, and that no seam is left."""

import math
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ganarium.networks.layers.norms import shared_statistics
from ganarium.networks.resnet_translator import ResNetTranslator
from ganarium.networks.unet import UNetTranslator
from ganarium.tasks.windows import Sizes, fades, in_windows, plan
from small_runs import environment

TWELVE_MEGAPIXELS = """
import resource, torch
from ganarium.models.network import NetworkModel, Origin
from ganarium.networks.resnet_translator import ResNetTranslator
from ganarium.inference.translate import translate

torch.set_num_threads(1)
settings = {"inputs": 3, "outputs": 3, "width": 8, "blocks": 2}
network = ResNetTranslator(**settings)
model = NetworkModel("translator", "resnet", settings, network, Origin("owner/name", "MIT"))
translate(model, "large.png", "made.png")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize(
    ("side", "window", "overlap", "step"), [(100, 32, 8, 4), (96, 32, 16, 32), (40, 64, 8, 4), (97, 32, 0, 1)]
)
def test_windows_count_every_place_once(side, window, overlap, step):
    total = torch.zeros(side)
    starts, length = plan(side, window, overlap, step)
    for start, weights in zip(starts, fades(starts, length, side), strict=True):
        assert start % step == 0
        assert len(weights) == length
        total[start : start + length] += weights
    assert torch.allclose(total, torch.ones(side))
    assert starts[-1] + length == side


def in_tiles(network, image, *, window, overlap, share=True):
    """What a network makes of an image window by window."""
    sizes = Sizes(multiple=math.lcm(*(int(getattr(each, "multiple", 1)) for each in network.modules())))
    shared = partial(shared_statistics, network) if share else None
    return in_windows(network, [image], sizes, axes=2, window=window, overlap=overlap, shared=shared)


def test_windows_are_the_whole_where_a_network_sees_no_farther_than_the_rim():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
    image = torch.rand(3, 90, 131) * 2 - 1
    with torch.no_grad():
        whole = network(image[None])[0]
        far = in_tiles(network, image, window=32, overlap=16)
        near = in_tiles(network, image, window=32, overlap=2)
    assert torch.allclose(far, whole, atol=1e-6)
    assert not torch.allclose(near, whole, atol=1e-3)


def test_windows_keep_the_phase_of_what_halves():
    torch.manual_seed(0)
    network = UNetTranslator(3, 3, downsamplings=3, width=4).eval()
    image = torch.rand(3, 80, 200) * 2 - 1
    with torch.no_grad():
        whole = network(image[None])[0]
        made = in_tiles(network, image, window=100, overlap=50)
    assert (made - whole).abs().max() < 0.05 * whole.std()


def seam(made, whole):
    """How far windows are off as a whole, in standard deviations."""
    return ((made - whole).mean(0).square().mean().sqrt() / whole.std()).item()


def test_instance_norms_share_statistics_or_windows_differ():
    torch.manual_seed(0)
    network = ResNetTranslator(3, 3, width=4, blocks=1).eval()
    ramp = torch.linspace(-1, 1, 512).expand(3, 256, 512)
    image = (ramp + 0.3 * torch.randn(3, 256, 512)).clamp(-1, 1)
    with torch.no_grad():
        whole = network(image[None])[0]
        shared = in_tiles(network, image, window=128, overlap=64)
        alone = in_tiles(network, image, window=128, overlap=64, share=False)
        assert torch.equal(network(image[None])[0], whole)  # nothing of it stays
    assert seam(shared, whole) < seam(alone, whole) / 4


def test_statistics_of_the_whole_give_the_whole():
    torch.manual_seed(0)
    network = ResNetTranslator(3, 3, width=4, blocks=1).eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        whole = network(image)
        with shared_statistics(network, lambda: network(image)):
            assert torch.allclose(network(image), whole, atol=1e-5)
            assert not torch.allclose(network(image * 0.5), network(image), atol=1e-3)
    assert not any(getattr(module, "track_running_stats", False) for module in network.modules())


@pytest.mark.slow
def test_an_image_of_twelve_megapixels_takes_less_than_two_gibibytes(tmp_path):
    ramp = np.linspace(0, 255, 4000).astype(np.uint8)
    Image.fromarray(np.broadcast_to(ramp[None, :, None], (3000, 4000, 3))).save(tmp_path / "large.png")
    done = subprocess.run(
        [sys.executable, "-c", TWELVE_MEGAPIXELS],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2 * 2**20  # KiB
    with Image.open(tmp_path / "made.png") as made:
        assert made.size == (4000, 3000)
