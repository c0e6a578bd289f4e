"""Virtual batch normalisation: the paper's statistics, samples that do not mix, a reference that stays."""

import copy

import pytest
import torch
from torch.nn.functional import batch_norm

from ganarium import methods
from ganarium.core import processes
from ganarium.core.averages import Averages, HalfLife
from ganarium.core.engine import Engine
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.networks import DISCRIMINATORS, GENERATORS
from ganarium.networks.layers.virtual_batch_norm import REFERENCES, VirtualBatchNorm2d, choose_references
from ganarium.ops.scoring import scores, uses_batch_statistics
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import resolve
from helpers import Stream, adam, assert_near, played, sgd
from small_runs import side_by_side

SHAPE = (3, 16, 16)
NOISE = 5
NET = {"width": 4, "norm": "virtual"}
NORM = {"game": {"noise_dim": NOISE}, "networks": {"generator": NET, "discriminator": NET}}


def layer():
    torch.manual_seed(0)
    net = VirtualBatchNorm2d(4)
    torch.nn.init.normal_(net.weight)
    torch.nn.init.normal_(net.bias)
    return net


def generator(kind="dcgan"):
    torch.manual_seed(0)
    return GENERATORS[kind](NOISE, SHAPE, width=4, norm="virtual")


def discriminator():
    torch.manual_seed(0)
    return DISCRIMINATORS["dcgan"](SHAPE, width=4, norm="virtual")


def test_the_reference_is_normalised_by_its_own_statistics():
    net, x = layer(), 3 + 2 * torch.randn(REFERENCES + 3, 4, 5, 7)
    reference = x[:REFERENCES]
    expected = batch_norm(reference, None, None, net.weight, net.bias, training=True)
    torch.testing.assert_close(net(x)[:REFERENCES], expected, rtol=1e-4, atol=1e-5)


def test_a_sample_is_normalised_by_the_references_statistics_and_its_own():
    """Batch normalisation of the reference batch with this one sample more."""
    net, x = layer(), 3 + 2 * torch.randn(REFERENCES + 3, 4, 5, 7)
    x[REFERENCES:] *= 10
    for i in range(REFERENCES, len(x)):
        joined = torch.cat([x[:REFERENCES], x[i : i + 1]])
        expected = batch_norm(joined, None, None, net.weight, net.bias, training=True)[-1]
        torch.testing.assert_close(net(x)[i], expected, rtol=1e-4, atol=1e-4)


def test_first_and_second_derivatives():
    net, x = layer().double(), torch.randn(REFERENCES + 2, 4, 1, 2).double()

    def normalized(samples):
        return net(torch.cat([x[:REFERENCES], samples]))[REFERENCES:]

    samples = x[REFERENCES:].requires_grad_()
    assert torch.autograd.gradcheck(normalized, samples)
    assert torch.autograd.gradgradcheck(normalized, samples)


@pytest.mark.parametrize("kind", ["dcgan", "upsampling"])
@pytest.mark.parametrize("training", [True, False])
def test_a_sample_does_not_depend_on_its_company(kind, training):
    net, noise = generator(kind).train(training), torch.randn(6, NOISE)
    assert not uses_batch_statistics(net)
    together = net(noise)
    for i in range(6):
        torch.testing.assert_close(net(noise[i : i + 1])[0], together[i], rtol=1e-4, atol=1e-5)


def test_real_and_fake_samples_may_share_a_pass():
    net = discriminator()
    real, fake = torch.rand(4, *SHAPE), -torch.rand(3, *SHAPE)
    for ours, batch in zip(scores(net, real, fake), (real, fake), strict=True):
        torch.testing.assert_close(ours, net(batch), rtol=1e-4, atol=1e-5)


def test_training_and_use_are_the_same():
    net, noise = generator(), torch.randn(4, NOISE)
    assert torch.equal(net.train()(noise), net.eval()(noise))


@pytest.mark.parametrize("count", [3, REFERENCES, REFERENCES + 3])
def test_the_reference_is_chosen_once(count):
    net = discriminator()
    real = torch.rand(count, *SHAPE)
    before = net(real)
    choose_references(net, lambda: net(real))
    chosen = net.reference.batch.clone()
    assert torch.equal(chosen, real[torch.arange(REFERENCES) % count])
    assert not torch.allclose(net(real), before, atol=1e-3)
    net(torch.randn(4, *SHAPE))
    assert torch.equal(net.reference.batch, chosen)


def test_without_virtual_normalisation_nothing_runs():
    def must_not_run():
        raise AssertionError

    choose_references(DISCRIMINATORS["dcgan"](SHAPE, width=4), must_not_run)


def test_the_first_batch_that_comes_is_taken():
    net, (first, second) = discriminator(), torch.rand(2, REFERENCES, *SHAPE)
    choose_references(net, lambda: (net(first), net(second)))
    assert torch.equal(net.reference.batch, first)


def test_a_reference_that_no_batch_reaches_is_named():
    nets = torch.nn.ModuleDict({"one": discriminator(), "other": discriminator()})
    with pytest.raises(ValueError, match=r"norm=virtual.*other\.reference"):
        choose_references(nets, lambda: nets["one"](torch.rand(4, *SHAPE)))


def game(name, **changes):
    recipe = resolve(methods.find(name), NORM, changes)
    return build_game(methods.find(name), recipe, DataSpec(Image(), SHAPE))


def test_a_game_fixes_its_references_in_the_first_round():
    """The discriminator's is the first real batch, the generator's the game's own noise; both stay."""
    duel, data = game("dcgan"), Stream(8, *SHAPE)
    before = duel.generator.reference.batch.clone()
    engine = Engine(duel, adam(duel))
    played(engine, data, 1)
    chosen = {name: net.reference.batch.clone() for name, net in duel.players().items()}
    assert torch.equal(chosen["discriminator"], next(Stream(8, *SHAPE)).repeat(8, 1, 1, 1))
    assert not torch.equal(chosen["generator"], before)
    assert chosen["generator"].abs().max() <= 1  # dcgan's noise is uniform
    played(engine, data, 2)
    for name, net in duel.players().items():
        assert torch.equal(net.reference.batch, chosen[name])


def test_compiled_networks_play_the_same():
    plain = game("dcgan")
    compiled = copy.deepcopy(plain)
    for net in compiled.players().values():
        net.compile(backend="aot_eager", dynamic=False)
    for duel in (plain, compiled):
        played(Engine(duel, sgd(duel, 1e-3)), Stream(8, *SHAPE), 3)
    torch._dynamo.reset()
    assert_near(plain, compiled, rtol=1e-3, atol=1e-5)


def test_a_failure_while_choosing_leaves_nothing_behind():
    net = discriminator()
    with pytest.raises(RuntimeError):
        choose_references(net, lambda: net(torch.rand(4, 5, 16, 16)))
    chosen = net.reference.batch.clone()
    net(torch.rand(4, *SHAPE))
    assert torch.equal(net.reference.batch, chosen)


def test_saved_weights_and_averages_hold_the_reference():
    net = discriminator()
    averages = Averages({"discriminator": net}, {"discriminator": HalfLife(100)})
    real = torch.rand(4, *SHAPE)
    choose_references(net, lambda: net(real))
    averages.update(8, 8)
    again = DISCRIMINATORS["dcgan"](SHAPE, width=4, norm="virtual")
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(real), net(real))
    assert torch.equal(averages.networks["discriminator"].reference.batch, net.reference.batch)


def test_the_reference_follows_from_the_seed():
    assert torch.equal(generator().reference.batch, generator().reference.batch)


def test_in_bfloat16_it_is_finite_and_near():
    net, noise = generator(), torch.randn(4, NOISE)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(noise)
    assert (rough.float() - net(noise)).abs().max() < 0.1


def test_any_number_of_samples_can_be_exported():
    net, noise = generator().eval(), torch.randn(4, NOISE)
    exported = torch.export.export(net, (noise,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)).module()
    for count in (1, 7):
        noise = torch.randn(count, NOISE)
        torch.testing.assert_close(exported(noise), net(noise))


def test_all_processes_take_the_first_ones_reference(tmp_path):
    def work():
        processes.start(torch.device("cpu"))
        net, rank = discriminator(), processes.rank()
        real = torch.full((4, *SHAPE), float(rank))
        choose_references(net, lambda: net(real))
        before = copy.deepcopy(net.reference.batch)
        processes.average_buffers(net)  # as after every round
        print(rank, before.unique().tolist(), net.reference.batch.unique().tolist())
        processes.stop()

    assert side_by_side(work, tmp_path) == ["0 [0.0] [0.0]\n", "1 [0.0] [0.0]\n"]
