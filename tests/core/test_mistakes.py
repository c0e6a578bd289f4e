"""Mistakes in a user's own script, and their error messages."""

import pytest
import torch
from torch import nn

from ganarium.core.averages import HalfLife
from ganarium.core.engine import Engine
from ganarium.core.game import Clock, Game, Turn, turn
from helpers import Stream, TwoPlayerGame, adam, mlp, sgd


def yields_a_loss(game, data, clock):
    yield game.judged_fake().mean()


def yields_a_list(game, data, clock):
    yield [turn(game.generator, fool=game.judged_fake().mean())]


def never_yields(game, data, clock):
    game.judged_fake().mean()


def nobody_moves(game, data, clock):
    yield from ()


def no_scalar(game, data, clock):
    yield turn(game.generator, fool=game.judged_fake())


def a_number(game, data, clock):
    yield turn(game.generator, fool=0.0)


def no_terms(game, data, clock):
    yield turn(game.generator)


def nobody(game, data, clock):
    yield turn(fool=game.judged_fake().mean())


def a_name_for_a_network(game, data, clock):
    yield turn("generator", fool=game.judged_fake().mean())


def closure_without_scalar(game, data, clock):
    yield Turn((game.generator,), lambda: {"fool": game.judged_fake()})


def detached_fake(game, data, clock):
    fake = game.generator(torch.randn(8, 2)).detach()
    yield turn(game.generator, fool=game.discriminator(fake).mean())


def made_under_no_grad(game, data, clock):
    with torch.no_grad():
        loss = game.judged_fake().mean()
    yield turn(game.generator, fool=loss)


def inside_no_grad(game, data, clock):
    with torch.no_grad():
        yield turn(game.generator, fool=game.judged_fake().mean())


def inside_autocast(game, data, clock):
    with torch.autocast("cpu", torch.bfloat16):
        yield turn(game.generator, fool=game.judged_fake().float().mean())


def part_of_a_player(game, data, clock):
    yield turn(game.generator[0], fool=game.judged_fake().mean())


def same_player_twice(game, data, clock):
    loss = game.judged_fake().mean()
    yield turn(game.generator, fool=loss), turn(game.generator, more=loss)


def one_forward_two_turns(game, data, clock):
    scores = game.judged_fake()
    yield turn(game.generator, fool=scores.mean())
    yield turn(game.discriminator, judge=-scores.mean())


MISTAKES = [
    (yields_a_loss, TypeError, r"Tensor; .*turn\(player, name=loss\)"),
    (yields_a_list, TypeError, r"list; .*turn\(player, name=loss\)"),
    (never_yields, TypeError, r"TwoPlayerGame.play\(\) .*`yield`"),
    (nobody_moves, RuntimeError, "round 0"),
    (no_scalar, TypeError, r"'fool' .*\(8, 1\).*\.mean\(\)"),
    (a_number, TypeError, "'fool' .*float"),
    (no_terms, TypeError, r"turn\(self.generator, adversarial=loss\)"),
    (nobody, TypeError, "positional arguments are the networks"),
    (a_name_for_a_network, TypeError, "positional arguments are the networks"),
    (closure_without_scalar, TypeError, r"'fool' .*\(8, 1\)"),
    (detached_fake, RuntimeError, r"generator .*detach\(\)"),
    (made_under_no_grad, RuntimeError, r"\['fool'\] of generator .*no_grad\(\)"),
    (inside_no_grad, RuntimeError, "`yield` inside a `with`"),
    (inside_autocast, RuntimeError, "`yield` inside a `with`"),
    (part_of_a_player, ValueError, "Linear .*players .*generator, discriminator"),
    (same_player_twice, ValueError, r"twice .*\['generator', 'generator'\]"),
    (one_forward_two_turns, RuntimeError, "second time"),
]


@pytest.mark.parametrize(("script", "kind", "message"), MISTAKES, ids=[row[0].__name__ for row in MISTAKES])
def test_mistake_is_named(script, kind, message):
    game = TwoPlayerGame(script)
    with pytest.raises(kind, match=message):
        Engine(game, sgd(game)).round(iter(()))
    assert torch.is_grad_enabled()
    assert not torch.is_autocast_enabled("cpu")


def test_errors_from_backward_carry_the_line_of_the_script():
    game = TwoPlayerGame(one_forward_two_turns)
    with pytest.raises(RuntimeError) as raised:
        Engine(game, sgd(game)).round(iter(()))
    line = one_forward_two_turns.__code__.co_firstlineno + 3
    notes = "\n".join(raised.value.__notes__)
    assert "yield them as a tuple" in notes
    assert f"{__file__}, line {line}" in notes


def more_turns_for_the_first(game, data, clock):
    yield turn(game.generator, fool=game.judged_fake().mean())
    if clock.first_micro_batch:
        yield turn(game.generator, fool=game.judged_fake().mean())


def more_turns_for_the_others(game, data, clock):
    yield turn(game.generator, fool=game.judged_fake().mean())
    if not clock.first_micro_batch:
        yield turn(game.generator, fool=game.judged_fake().mean())


def data_say_who_moves(game, data, clock):
    yield turn(next(data), fool=game.judged_fake().mean())


def test_micro_batches_that_disagree_are_refused():
    for script in (more_turns_for_the_first, more_turns_for_the_others):
        game = TwoPlayerGame(script)
        with pytest.raises(RuntimeError, match="micro-batches disagree"):
            Engine(game, sgd(game), accumulate=2).round(iter(()))
    game = TwoPlayerGame(data_say_who_moves)
    with pytest.raises(RuntimeError, match=r"\[\['generator'\]\].*\[\['discriminator'\]\]"):
        Engine(game, sgd(game), accumulate=2).round(iter([game.generator, game.discriminator]))


@pytest.mark.parametrize("fused", [True, False])
def test_a_graph_made_before_a_step_is_refused_after_it(fused):
    """Fused optimizers do not increment the version of parameters; the engine does."""

    def stale(game, data, clock):
        judged, fooled = game.judged_fake().mean(), game.judged_fake().mean()
        yield turn(game.discriminator, judge=judged)
        yield turn(game.generator, fool=fooled)

    game = TwoPlayerGame(stale)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        Engine(game, adam(game, fused=fused)).round(iter(()))


class SharedParameter(Game):
    def __init__(self):
        super().__init__()
        self.one = mlp()
        self.two = nn.Sequential(self.one[0], nn.ReLU())

    def play(self, data, clock):
        yield turn(self.one, loss=self.one(next(data)).mean())


class Orphan(TwoPlayerGame):
    def __init__(self):
        super().__init__(nobody_moves)
        self.temperature = nn.Parameter(torch.ones(()))


def test_every_parameter_belongs_to_one_player():
    game = SharedParameter()
    with pytest.raises(ValueError, match="share a parameter"):
        Engine(game, adam(game))
    game = Orphan()
    with pytest.raises(ValueError, match=r"temperature .*no player"):
        Engine(game, adam(game))


def test_players_optimizers_and_averages_are_the_same_names():
    game = TwoPlayerGame(nobody_moves)
    optimizers = adam(game)
    with pytest.raises(ValueError, match=r"\['discriminator'\].*generator, disc"):
        Engine(game, {"generator": optimizers["generator"]})
    with pytest.raises(ValueError, match=r"averages .*\['encoder'\].*generator, disc"):
        Engine(game, optimizers, averages={"encoder": HalfLife(100)})


def test_a_game_must_have_a_script():
    with pytest.raises(TypeError, match="abstract"):
        Game()


def test_data_that_end_are_refused():
    def hungry(game, data, clock):
        yield turn(game.generator, loss=game.generator(next(data)).mean())

    game = TwoPlayerGame(hungry)
    engine = Engine(game, sgd(game))
    engine.round(iter([next(Stream())]))
    with pytest.raises(RuntimeError, match="StopIteration"):
        engine.round(iter(()))
    assert engine.clock == Clock(round=1)
