"""Compiled networks, and the work that a turn does and does not do."""

import copy
import functools

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.core.game import turn
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.losses.penalties import PENALTIES
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.networks import DISCRIMINATORS, GENERATORS
from ganarium.ops.scoring import frozen
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import resolve
from ganarium.testing import MethodUnderTest
from ganarium.training.builder import engine_for, unused_compiled
from helpers import Stream, TwoPlayerGame, adam, assert_near, mlp, played, sgd

SHAPE = (3, 16, 16)


class Compiled(nn.Module):
    """A network of its own class: torch compiles no `nn.Sequential` in place."""

    def __init__(self, body):
        super().__init__()
        self.body = body
        self.compile(backend="aot_eager")

    def forward(self, samples):
        return self.body(samples)


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def game_of(name, **changes):
    widths = {"networks": {"generator": {"width": 8}, "discriminator": {"width": 8}}}
    recipe = resolve(methods.find(name), widths, changes)
    return build_game(methods.find(name), recipe, DataSpec(Image(), SHAPE))


def compiled(game):
    for net in game.players().values():
        net.compile(backend="aot_eager", dynamic=False)
    return game


class WeightGradients(TorchDispatchMode):
    """Counts the convolutions that a backward pass walks, and those whose weights get a gradient."""

    def __init__(self):
        super().__init__()
        self.walked, self.of_weights = 0, 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        if operator is torch.ops.aten.convolution_backward.default:
            self.walked += 1
            self.of_weights += bool(args[-1][1])
        return operator(*args, **(kwargs or {}))


def work_of_a_round(game):
    """Of each player's backward pass: convolutions walked, weight gradients, floating-point operations."""
    work = {}
    engine, data = Engine(game, adam(game)), Stream(4, *SHAPE)
    engine.round(data)
    backward = engine._backward

    def counted(script, turns):
        with WeightGradients() as count, FlopCounterMode(display=False) as operations:
            loss = backward(script, turns)
        for moved in turns:
            name = engine._name(moved.players[0])
            work[name] = count.walked, count.of_weights, operations.get_total_flops()
        return loss

    engine._backward = counted
    engine.round(data)
    return work


def unfrozen_terms(game, turn_data):
    return {"adversarial": game.adversarial_loss.generator(game.discriminator(turn_data.fake))}


@pytest.mark.parametrize(
    ("name", "convolutions"), [("dcgan", (4, 2)), ("wgan-gp", (4, 2)), ("sngan", (11, 4))]
)
def test_a_generators_turn_computes_no_weight_gradient_of_the_discriminator(name, convolutions):
    """It walks the convolutions of both sides, and asks only its own for their weights' gradients."""
    eager = work_of_a_round(game_of(name))["generator"]
    assert eager[:2] == convolutions
    assert work_of_a_round(compiled(game_of(name)))["generator"] == eager


def test_what_a_compiled_discriminator_would_cost_unfrozen(monkeypatch):
    """Eager it costs nothing: the engine asks for the movers' gradients only."""
    frozen_work = work_of_a_round(game_of("dcgan"))["generator"]
    monkeypatch.setattr(GAN, "generator_terms", unfrozen_terms)
    assert work_of_a_round(game_of("dcgan"))["generator"] == frozen_work
    walked, of_weights, operations = work_of_a_round(compiled(game_of("dcgan")))["generator"]
    assert (walked, of_weights) == (4, 4)
    assert operations > 1.2 * frozen_work[2]


def test_frozen_passes_the_same_gradient_on():
    torch.manual_seed(0)
    generator, discriminator = mlp(2, 2), mlp()
    fake = generator(torch.randn(8, 2))
    wanted = torch.autograd.grad(discriminator(fake).sum(), generator.parameters(), retain_graph=True)
    got = torch.autograd.grad(frozen(discriminator)(fake).sum(), generator.parameters())
    assert all(map(torch.equal, wanted, got))
    assert all(p.requires_grad for p in discriminator.parameters())


def test_frozen_thaws_after_an_error_and_leaves_frozen_weights_frozen():
    net = mlp()
    net[0].requires_grad_(False)
    before = [p.requires_grad for p in net.parameters()]
    with pytest.raises(RuntimeError):
        frozen(net)(torch.randn(8, 5))
    assert [p.requires_grad for p in net.parameters()] == before


@pytest.mark.parametrize("name", ["dcgan", "wgan-gp", "sngan"])
def test_a_compiled_game_plays_the_same_match(name):
    plain, other = game_of(name), compiled(game_of(name))
    terms, others = (played(Engine(game, sgd(game, 1e-3)), Stream(4, *SHAPE), 2) for game in (plain, other))
    assert others == {name: pytest.approx(value.item(), rel=1e-4) for name, value in terms.items()}
    assert_near(other, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_penalty_on_a_compiled_discriminator_is_exact(penalty):
    torch.manual_seed(0)
    net = mlp()
    twin = Compiled(copy.deepcopy(net))
    real, fake = torch.randn(2, 8, 2).unbind()
    assert type(twin(real).grad_fn).__name__ == "CompiledFunctionBackward"
    slopes = []
    for score in (net, twin):
        torch.manual_seed(1)
        value = PENALTIES[penalty](score, real, fake)
        slopes.append(torch.autograd.grad(value, list(score.parameters()), allow_unused=True))
    for ours, theirs in zip(*slopes, strict=True):
        assert (ours is None and theirs is None) or torch.equal(ours, theirs)


def test_double_backward_without_the_guard_fails_loudly():
    net, samples = Compiled(mlp()), torch.randn(4, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(net(samples).sum(), samples, create_graph=True)
    with pytest.raises(RuntimeError, match="double backward"):
        slope.square().sum().backward()


@pytest.mark.parametrize("kind", GENERATORS)
def test_compiling_takes(kind, monkeypatch):
    """Whatever networks the recipe chooses."""
    monkeypatch.setattr(nn.Module, "compile", functools.partialmethod(compile_quickly, nn.Module.compile))
    judge = kind if kind in DISCRIMINATORS else "dcgan"
    game = game_of("gan", networks={"generator": {"kind": kind}, "discriminator": {"kind": judge}})
    engine_for(game, resolve(methods.find("gan"), {"compile": True}), torch.device("cpu"))
    samples = game.generator(torch.randn(2, game.noise_dim))
    for output in (samples, game.discriminator(samples.detach())):
        assert type(output.sum().grad_fn.next_functions[0][0]).__name__ == "CompiledFunctionBackward"


def compile_quickly(net, compile_, **settings):
    """As the trainer asks for, but without the machine code."""
    assert settings == {"dynamic": False}
    compile_(net, backend="aot_eager", **settings)


class Body(nn.Sequential):
    """Its forward is torch's own, which torch does not compile."""


@pytest.mark.parametrize("body", [nn.Sequential, Body])
def test_networks_that_torch_passes_over_are_refused(body):
    game = TwoPlayerGame(None)
    game.generator = body(nn.Linear(2, 2))
    recipe = resolve(methods.find("gan"), {"compile": True})
    with pytest.raises(ValueError, match=f"cannot compile generator: .* plain {body.__name__}; give it"):
        engine_for(game, recipe, torch.device("cpu"))


class ByItsParts(nn.Module):
    """A network that a game uses by its parts: an encoder and a decoder."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Compilable(2, 4), Compilable(4, 2)

    def forward(self, samples):
        return self.decoder(self.encoder(samples))


class ListsItsParts(ByItsParts):
    compiled_parts = ("encoder", "decoder")


class Compilable(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)

    def forward(self, samples):
        return self.layer(samples).tanh()


def by_parts_script(game, data, clock):
    generator = game.generator
    fake = generator.decoder(generator.encoder(next(data)))
    yield turn(game.discriminator, judge=game.discriminator(fake.detach()).mean())
    yield turn(generator, fool=game.discriminator(fake).mean())


def engine_by_parts(generator, monkeypatch, *, compile=True):
    monkeypatch.setattr(nn.Module, "compile", functools.partialmethod(compile_quickly, nn.Module.compile))
    torch.manual_seed(0)
    game = TwoPlayerGame(by_parts_script)
    torch.manual_seed(1)
    game.generator, game.discriminator = generator(), Compilable(2, 1)
    recipe = resolve(methods.find("gan"), {"compile": compile})
    return engine_for(game, recipe, torch.device("cpu"))


def test_a_network_that_is_used_by_its_parts_is_noticed(monkeypatch):
    engine = engine_by_parts(ByItsParts, monkeypatch)
    assert unused_compiled(engine) == ["generator", "discriminator"]
    engine.round(Stream())
    assert unused_compiled(engine) == ["generator"]


def test_parts_that_are_listed_are_compiled(monkeypatch):
    engine = engine_by_parts(ListsItsParts, monkeypatch)
    engine.round(Stream())
    assert unused_compiled(engine) == []
    generator, samples = engine.game.generator, torch.randn(8, 2)
    for output in (generator.encoder(samples), generator(samples)):
        assert type(output.grad_fn).__name__ == "CompiledFunctionBackward"
    plain = engine_by_parts(ListsItsParts, monkeypatch, compile=False)
    assert unused_compiled(plain) == []
    assert type(plain.game.generator(samples).grad_fn).__name__ == "TanhBackward0"
    plain.round(Stream())
    assert_near(engine.game, plain.game, rtol=1e-4, atol=1e-6)


def test_one_part_in_use_is_enough(monkeypatch):
    engine = engine_by_parts(ListsItsParts, monkeypatch)
    engine.game.generator.encoder(torch.randn(8, 2))
    assert unused_compiled(engine) == ["discriminator"]


def test_a_part_that_torch_passes_over_is_refused(monkeypatch):
    class OneIsPlain(ListsItsParts):
        def __init__(self):
            super().__init__()
            self.decoder = nn.Sequential(nn.Linear(4, 2))

    with pytest.raises(ValueError, match=r"cannot compile generator: .* plain Sequential"):
        engine_by_parts(OneIsPlain, monkeypatch)


def test_every_built_in_game_uses_what_is_compiled(monkeypatch):
    """Or is refused, where a player is a container of networks."""

    def compile_to_nothing(net, **settings):
        net._compiled_call_impl = net._call_impl

    monkeypatch.setattr(nn.Module, "compile", compile_to_nothing)
    unused, refused = {}, {}
    for method in methods.BUILT_IN:
        name, trial = method.name, MethodUnderTest(method)
        recipe = trial.recipe.model_copy(update={"compile": True})
        try:
            engine = engine_for(trial.game(), recipe, torch.device("cpu"))
        except ValueError as error:
            refused[name] = str(error)
            continue
        trial.played(engine, trial.feed(), 1)
        if found := unused_compiled(engine):
            unused[name] = found
    assert unused == {}
    assert list(refused) == ["combogan"]
    assert "a plain PerDomain" in refused["combogan"]
