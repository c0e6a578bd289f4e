"""Minibatch discrimination: the paper's formula, and what only a look at the whole batch can tell."""

import math

import pytest
import torch
from torch.nn.functional import softplus

from ganarium.networks import DISCRIMINATORS
from ganarium.networks.conditioning import JointScore
from ganarium.networks.layers.minibatch_discrimination import MinibatchDiscrimination
from ganarium.ops.scoring import scores, uses_batch_statistics

SHAPE = (3, 16, 16)
KERNELS = 5


def test_the_formula_of_section_3_2():
    """Written out with loops: M_i = f(x_i) T, c_b = exp(-L1 distance of rows), o_b = their sum over j."""
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(6, 3, kernel_dim=4).double()
    features = torch.randn(5, 6).double()
    out, weight = layer(features).detach(), layer.weight.detach()
    assert torch.equal(out[:, :6], features)
    for i in range(5):
        for b in range(3):
            o = 0.0
            for j in range(5):
                rows = [[features[k] @ weight[:, b, c] for c in range(4)] for k in (i, j)]
                o += math.exp(-sum(abs(one - other) for one, other in zip(*rows, strict=True)))
            assert out[i, 6 + b].item() == pytest.approx(o, rel=1e-12)


def test_it_counts_copies():
    """A batch of one sample over and over: every kernel counts all of them. Far apart: only oneself."""
    layer = MinibatchDiscrimination(6, 3)
    copies, apart = torch.randn(1, 6).expand(8, 6), 1e4 * torch.randn(8, 6)
    assert torch.allclose(layer(copies)[:, 6:], torch.tensor(8.0))
    assert torch.allclose(layer(apart)[:, 6:], torch.tensor(1.0))


def test_distances_at_the_start_are_neither_nothing_nor_everything():
    for features in (16, 4096):
        layer = MinibatchDiscrimination(features, 8)
        near = (layer(torch.randn(64, features))[:, features:] - 1) / 63
        assert 0.1 < near.mean() < 0.6


def test_gradients_of_first_and_second_order():
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(3, 2, kernel_dim=2).double()
    features = torch.randn(4, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(layer, features)
    assert torch.autograd.gradgradcheck(layer, features)


@pytest.mark.parametrize("kind", DISCRIMINATORS)
def test_every_discriminator_takes_it(kind):
    torch.manual_seed(0)
    plain = DISCRIMINATORS[kind](SHAPE, width=4).eval()
    looking = DISCRIMINATORS[kind](SHAPE, width=4, minibatch_discrimination=KERNELS).eval()
    samples = torch.rand(4, *SHAPE) * 2 - 1
    assert looking.score.in_features == plain.score.in_features + KERNELS
    assert looking.features(samples).shape == (4, looking.score.in_features)
    assert not any("minibatch" in name for name in plain.state_dict())
    assert torch.allclose(plain(samples)[:2], plain(samples[:2]), atol=1e-6)
    assert not torch.allclose(looking(samples)[:2], looking(samples[:2]), atol=1e-6)


def test_real_and_fake_samples_are_judged_apart():
    torch.manual_seed(0)
    net = DISCRIMINATORS["mlp"](SHAPE, width=8, minibatch_discrimination=KERNELS)
    real, fake = torch.randn(2, 4, *SHAPE)
    assert uses_batch_statistics(net)
    for ours, batch in zip(scores(net, real, fake), (real, fake), strict=True):
        assert torch.equal(ours, net(batch))


@pytest.mark.parametrize("join", ["concatenate", "add"])
def test_a_condition_joins_the_features_of_the_batch(join):
    torch.manual_seed(0)
    body = DISCRIMINATORS["dcgan"](SHAPE, width=4, norm="none", minibatch_discrimination=KERNELS)
    net = JointScore(body, (), 3, 4, join=join)
    samples, labels = torch.randn(4, *SHAPE), torch.tensor([0, 1, 2, 0])
    assert uses_batch_statistics(net)
    assert net(samples, labels).shape == (4,)
    assert not torch.allclose(net(samples, labels)[:2], net(samples[:2], labels[:2]), atol=1e-6)


def loss_on_copies(kernels):
    """Real batches are varied, each fake batch is one real sample over and over: the end of a collapse."""
    torch.manual_seed(0)
    net = DISCRIMINATORS["mlp"]((2,), width=16, depth=1, minibatch_discrimination=kernels)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(150):
        real, fake = torch.randn(16, 2), torch.randn(1, 2).expand(16, 2)
        loss = softplus(-net(real)).mean() + softplus(net(fake)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def test_only_it_can_tell_varied_batches_from_copies():
    assert loss_on_copies(kernels=8) < 0.1
    assert loss_on_copies(kernels=0) > 1.2  # 2 log 2 = 1.39 is guessing
