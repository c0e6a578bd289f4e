"""Penalties against closed forms, finite differences, and themselves in bfloat16."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call

from ganarium.data.world import World
from ganarium.losses.objectives import OBJECTIVES
from ganarium.losses.penalties import (
    PENALTIES,
    between,
    clip_weights,
    dragan,
    gradient_penalty,
    one_sided_gradient_penalty,
    r1,
    r2,
    slope,
)
from ganarium.networks.dcgan import DCGANDiscriminator
from helpers import mlp

torch.manual_seed(0)
REAL, FAKE = torch.randn(2, 8, 3, dtype=torch.float64).unbind()
WEIGHT = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
NORM = WEIGHT.norm()


def linear(scale):
    """A score whose slope is `scale * WEIGHT` everywhere."""
    return lambda samples: samples @ (scale * WEIGHT)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_penalties_of_a_linear_score(scale):
    norm, score = scale * NORM, linear(scale)
    for penalty, value in (
        (gradient_penalty, (norm - 1) ** 2),
        (one_sided_gradient_penalty, (norm - 1).clamp(min=0)),
        (r1, norm**2 / 2),
        (r2, norm**2 / 2),
        (dragan, (norm - 1) ** 2),
    ):
        torch.testing.assert_close(penalty(score, REAL, FAKE), value)


def place_of(name):
    """Where a penalty takes the slope."""
    places = []

    def score(samples):
        places.append(samples.detach().clone())
        return samples.square().sum(1)

    PENALTIES[name](score, REAL, FAKE)
    return places[0]


def test_r1_looks_at_real_samples_and_r2_at_fake_ones():
    assert torch.equal(place_of("r1"), REAL)
    assert torch.equal(place_of("r2"), FAKE)


@pytest.mark.parametrize("name", ["gp", "one-sided-gp"])
def test_gradient_penalties_look_between(name):
    share = (place_of(name) - REAL) / (FAKE - REAL)
    assert torch.allclose(share, share[:, :1])
    assert ((share >= 0) & (share <= 1)).all()
    assert share[:, 0].unique().numel() == len(REAL)


def test_dragan_looks_around_real_samples():
    away = (place_of("dragan") - REAL) / (REAL.std() / 2)
    assert ((away >= 0) & (away <= 1)).all()
    assert away.unique().numel() == away.numel()


def test_slopes_are_a_samples_own():
    places = slope(lambda samples: samples.square().sum((1, 2)) / 2, REAL.view(4, 2, 3))
    torch.testing.assert_close(places, REAL.view(4, 6))


def test_points_between_are_spread_evenly():
    torch.manual_seed(0)
    shares = between(torch.zeros(4000, 1, 1, 1), torch.ones(4000, 1, 1, 1)).flatten()
    assert shares.mean().item() == pytest.approx(1 / 2, abs=0.02)
    assert shares.var().item() == pytest.approx(1 / 12, abs=0.005)


@pytest.mark.parametrize("name", PENALTIES)
def test_gradients_for_the_weights_are_the_slopes(name):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    weights = {key: (3 * p).detach().requires_grad_() for key, p in net.named_parameters()}

    def value(*tensors):
        torch.manual_seed(1)
        parameters = dict(zip(weights, tensors, strict=True))
        return PENALTIES[name](lambda samples: functional_call(net, parameters, samples), REAL, FAKE)

    assert gradcheck(value, tuple(weights.values()))


@pytest.mark.parametrize("name", PENALTIES)
def test_no_gradient_reaches_the_samples_makers(name):
    generator = nn.Linear(3, 3).double()
    net = mlp(3).double()
    PENALTIES[name](net, REAL, generator(FAKE)).backward()
    assert all(p.grad is None for p in generator.parameters())
    assert any(p.grad is not None for p in net.parameters())


def test_clipped_weights_lie_within_the_bound():
    net = mlp()
    inner = {name: p.clone() for name, p in net.named_parameters()}
    clip_weights(net.parameters(), 0.05)
    for name, p in net.named_parameters():
        assert torch.equal(p, inner[name].clamp(-0.05, 0.05))
    assert max(p.abs().max().item() for p in net.parameters()) == pytest.approx(0.05)


def judged_pictures(norm):
    """A discriminator that has begun to learn, real pictures of the world, and its fake ones."""
    torch.manual_seed(0)
    net = DCGANDiscriminator((3, 32, 32), width=32, norm=norm)
    real = World(32).scenes(np.arange(32)).images().transpose(0, 3, 1, 2)
    real = torch.from_numpy(real / 127.5 - 1).float()
    fake = torch.rand_like(real) * 2 - 1
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(10):
        optimizer.zero_grad()
        OBJECTIVES["non-saturating"].discriminator(net(real), net(fake)).backward()
        optimizer.step()
    return net, real, fake


def gradient(name, net, real, fake, *, bfloat16):
    """Of the penalty for all the network's weights, flat."""
    torch.manual_seed(5)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16, cache_enabled=False):
        value = PENALTIES[name](net, real, fake)
    assert value.dtype == torch.float32
    slopes = torch.autograd.grad(value, list(net.parameters()), allow_unused=True)
    return torch.cat([s.flatten() for s in slopes if s is not None]).double()


@pytest.mark.parametrize(("name", "norm"), [("gp", "layer"), ("r1", "layer"), ("r1", "none")])
def test_bfloat16_penalties_keep_the_gradient_within_one_percent(name, norm):
    pictures = judged_pictures(norm)
    exact, rounded = (gradient(name, *pictures, bfloat16=rounds) for rounds in (False, True))
    assert not torch.equal(exact, rounded)
    assert (exact @ rounded / (exact.norm() * rounded.norm())).item() >= 0.9999
    assert rounded.norm().item() == pytest.approx(exact.norm().item(), rel=0.01)
