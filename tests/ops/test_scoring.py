"""How samples are put before a discriminator."""

import pytest
import torch
from torch import nn

from ganarium.ops.scoring import scores, uses_batch_statistics
from helpers import mlp


class Counted(nn.Module):
    """How often, and with how many samples, the network inside was called."""

    def __init__(self, inside):
        super().__init__()
        self.inside, self.calls = inside, []

    def forward(self, samples, *more):
        self.calls.append(len(samples))
        return self.inside(samples, *more)


class MinibatchDeviation(nn.Module):
    """A layer that looks at the whole batch, and says so."""

    uses_batch_statistics = True

    def forward(self, samples):
        return samples + samples.std(0, keepdim=True)


class Told(nn.Module):
    def forward(self, samples, condition):
        return samples.sum(1) + condition


ALONE = [nn.LayerNorm(2), nn.GroupNorm(1, 2), nn.Identity()]
MIXING = [nn.BatchNorm1d(2), MinibatchDeviation()]


@pytest.mark.parametrize("layer", [*ALONE, *MIXING], ids=lambda layer: type(layer).__name__)
def test_what_mixes_samples(layer):
    """Stated, and shown: a sample's score changes with its company."""
    torch.manual_seed(0)
    net = nn.Sequential(layer, mlp()).train()
    alone, company = torch.randn(2, 4, 2).unbind()
    in_company = net(torch.cat([alone, company]))[:4]
    assert uses_batch_statistics(net) == (layer in MIXING)
    assert torch.allclose(net(alone), in_company, atol=1e-6) != uses_batch_statistics(net)


@pytest.mark.parametrize("layer", ALONE, ids=lambda layer: type(layer).__name__)
def test_one_pass_equals_two_where_samples_do_not_mix(layer):
    torch.manual_seed(0)
    net = Counted(nn.Sequential(layer, mlp()).double())
    real, fake = torch.randn(4, 2).double(), torch.randn(6, 2).double()
    of_real, of_fake = scores(net, real, fake)
    assert net.calls == [10]
    torch.testing.assert_close(of_real, net(real), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(of_fake, net(fake), rtol=1e-12, atol=1e-12)
    weights = list(net.parameters())
    ours = torch.autograd.grad(of_real.mean() - of_fake.mean(), weights)
    theirs = torch.autograd.grad(net(real).mean() - net(fake).mean(), weights)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", MIXING, ids=lambda layer: type(layer).__name__)
def test_each_batch_has_its_own_pass_where_samples_mix(layer):
    torch.manual_seed(0)
    net = Counted(nn.Sequential(layer, mlp()).train())
    real, fake = torch.randn(4, 2), torch.randn(6, 2)
    of_real, of_fake = scores(net, real, fake)
    assert net.calls == [4, 6]
    assert torch.equal(of_real, net(real))
    assert torch.equal(of_fake, net(fake))


def test_conditions_go_with_their_samples():
    net = Counted(Told())
    real, fake, wrong = torch.randn(3, 4, 2).unbind()
    labels = torch.arange(12.0).view(3, 4).unbind()
    outs = scores(net, (real, labels[0]), (fake, labels[1]), (wrong[:2], labels[2][:2]))
    assert net.calls == [10]
    for out, samples, label in zip(outs, (real, fake, wrong[:2]), labels, strict=True):
        torch.testing.assert_close(out, samples.sum(1) + label[: len(samples)])
