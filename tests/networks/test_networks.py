"""Every architecture of the tables, at sizes and channel counts that halving does not like."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ganarium.networks import DISCRIMINATORS, GENERATORS
from ganarium.networks.layers import sync_batch_norm
from ganarium.networks.layers.norms import norm2d
from ganarium.networks.layers.padding import bottom_size, center_crop, halvings
from ganarium.networks.layers.sync_batch_norm import SyncBatchNorm, synchronize

SIZES = [(28, 28), (20, 28), (33, 47), (64, 64), (16, 16), (8, 70)]
SHAPES = [*((3, *size) for size in SIZES), *((channels, 20, 28) for channels in (1, 4, 5))]
CONVOLUTIONAL = sorted(GENERATORS.keys() - {"mlp"})


def untouched(net):
    """Parameters without a gradient, or with none but zeros."""
    return [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_draw_any_shape_within_range(kind, shape):
    torch.manual_seed(0)
    net = GENERATORS[kind](7, shape, width=4)
    samples = net(10 * torch.randn(5, 7))
    assert samples.shape == (5, *shape)
    assert samples.abs().max() <= 1
    (samples * torch.randn_like(samples)).sum().backward()
    assert not untouched(net)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize("kind", DISCRIMINATORS)
def test_discriminators_score_any_shape(kind, shape):
    torch.manual_seed(0)
    net = DISCRIMINATORS[kind](shape, width=4)
    samples = torch.randn(5, *shape, requires_grad=True)
    scores = net(samples)
    assert scores.shape == (5,)
    (scores * torch.randn(5)).sum().backward()
    assert not untouched(net)
    assert samples.grad.flatten(1).any(1).all()


@pytest.mark.parametrize("kind", DISCRIMINATORS)
def test_scores_are_read_from_features(kind):
    net = DISCRIMINATORS[kind]((3, 16, 16), width=4).eval()
    samples = torch.randn(5, 3, 16, 16)
    features = net.features(samples)
    assert features.shape == (5, net.score.in_features)
    torch.testing.assert_close(net.score(features).squeeze(1), net(samples))


def test_perceptrons_take_points():
    generator, discriminator = GENERATORS["mlp"](7, (2,), width=64), DISCRIMINATORS["mlp"]((2,), width=64)
    points = generator(1000 * torch.randn(50, 7))
    assert points.shape == (50, 2)
    assert points.abs().max() > 1
    assert discriminator(points).shape == (50,)


@pytest.mark.parametrize("kind", CONVOLUTIONAL)
def test_convolutional_networks_refuse_points(kind):
    with pytest.raises(ValueError, match=r"\(2,\).*\(C, H, W\); set networks\.generator\.kind=mlp"):
        GENERATORS[kind](7, (2,))
    if kind in DISCRIMINATORS:
        with pytest.raises(ValueError, match=r"\(2,\).*\(C, H, W\)"):
            DISCRIMINATORS[kind]((2,))


@pytest.mark.parametrize("norm", ["batch", "virtual", "layer", "instance", "none"])
def test_every_norm_fits_the_convolutional_pair(norm):
    shape = (3, 20, 28)
    generator = GENERATORS["dcgan"](7, shape, width=4, norm=norm)
    discriminator = DISCRIMINATORS["dcgan"](shape, width=4, norm=norm)
    (discriminator(generator(torch.randn(5, 7))) * torch.randn(5)).sum().backward()
    assert not untouched(generator)
    assert not untouched(discriminator)


@pytest.mark.parametrize(("kind", "norm"), [("batch", nn.BatchNorm2d), ("instance", nn.InstanceNorm2d)])
def test_norms_normalise_over_what_they_say(kind, norm):
    layer = norm2d(kind, 6)
    assert isinstance(layer, norm)
    axes = (0, 2, 3) if kind == "batch" else (2, 3)
    assert layer(3 + 2 * torch.randn(4, 6, 5, 7)).mean(axes).abs().max() < 1e-5


def test_layer_norm_normalises_each_sample():
    values = norm2d("layer", 6)(3 + 2 * torch.randn(4, 6, 5, 7))
    assert values.mean((1, 2, 3)).abs().max() < 1e-5
    assert (values.var((1, 2, 3), correction=0) - 1).abs().max() < 1e-3


def test_the_paper_sizes():
    """Radford et al. 2016, figure 1: 1024 channels at 4x4, halved at each of four doublings to 64x64."""
    net = GENERATORS["dcgan"](100, (3, 64, 64), width=128)
    assert net.bottom == (1024, 4, 4)
    widths = [m.out_channels for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert widths == [512, 256, 128, 3]


@pytest.mark.parametrize(
    ("size", "times", "bottom"),
    [
        ((64, 64), 4, (4, 4)),
        ((28, 28), 3, (4, 4)),
        ((20, 28), 3, (3, 4)),
        ((33, 47), 4, (3, 3)),
        ((2, 2), 1, (1, 1)),
    ],
)
def test_how_often_a_size_is_halved(size, times, bottom):
    assert halvings((3, *size)) == times
    assert bottom_size((3, *size), times) == bottom


def test_what_rounding_added_is_cut_around_the_centre():
    images = torch.arange(36.0).view(1, 1, 6, 6)
    assert torch.equal(center_crop(images, (1, 4, 3)), images[:, :, 1:5, 1:4])
    assert center_crop(images, (1, 6, 6)) is images


def test_spectral_normalised_discriminators_name_their_smallest_picture():
    with pytest.raises(ValueError, match=r"7x16.* 8 pixels.*data\.size"):
        DISCRIMINATORS["sngan"]((3, 7, 16))


def largest_singular_values(net):
    return torch.stack([m.weight.flatten(1).svd().S[0] for m in net.modules() if is_parametrized(m)])


def test_spectral_norm_keeps_every_layers_slope_at_one_while_it_learns():
    torch.manual_seed(0)
    net = DISCRIMINATORS["sngan"]((3, 16, 16), width=4)
    assert len(largest_singular_values(net)) == len(
        [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(60):
        samples = torch.randn(16, 3, 16, 16)
        optimizer.zero_grad()
        (net(samples) - net(samples.flip(0) * 0.5)).mean().backward()
        optimizer.step()
    values = largest_singular_values(net.eval())
    assert ((values - 1).abs() < 0.05).all(), values


class Normed(nn.Module):
    """Two batch norms, one of them deep inside."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(144, 5)
        )
        self.last = nn.BatchNorm1d(5)

    def forward(self, images):
        return self.last(self.body(images))


def pair():
    """A network, and the same one synchronised."""
    torch.manual_seed(0)
    plain, synced = Normed(), Normed()
    for p in plain.parameters():
        nn.init.normal_(p)
    synced.load_state_dict(plain.state_dict())
    synchronize(synced)
    assert sum(isinstance(module, SyncBatchNorm) for module in synced.modules()) == 2
    return plain, synced


def answers(net, images):
    """Value, gradients, gradients of a gradient penalty, and running statistics."""
    images = images.clone().requires_grad_()
    value = net(images)
    (slope,) = torch.autograd.grad(value.sin().sum(), images, create_graph=True)
    gradients = torch.autograd.grad(slope.square().sum() + value.square().sum(), list(net.parameters()))
    return [value, slope, *gradients, *net.buffers()]


@pytest.fixture
def company_of_none(monkeypatch):
    """A group in which there is nobody else: what is summed over processes is one's own."""
    monkeypatch.setattr(sync_batch_norm.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(sync_batch_norm.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(sync_batch_norm.dist, "all_reduce", lambda value: None)


IMAGES = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(3))


def test_alone_synchronised_batch_norm_is_batch_norm():
    plain, synced = pair()
    for ours, theirs in zip(answers(synced, IMAGES), answers(plain, IMAGES), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.usefixtures("company_of_none")
def test_synchronised_batch_norm_computes_what_batch_norm_does():
    """Value, gradient, double backward and running statistics."""
    plain, synced = pair()
    for _ in range(2):
        for ours, theirs in zip(answers(synced, IMAGES), answers(plain, IMAGES), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(synced.eval()(IMAGES), plain.eval()(IMAGES))


@pytest.mark.usefixtures("company_of_none")
@pytest.mark.parametrize("level", [0.1, 100.1, 1000.1])
def test_a_channel_that_stands_still_stays_finite(level):
    still = torch.full((8, 2, 16, 16), level, requires_grad=True)
    SyncBatchNorm(2)(still).sum().backward()
    assert still.grad.isfinite().all()
