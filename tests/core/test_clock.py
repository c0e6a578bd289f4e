"""Values that a script shares over the micro-batches and processes of a round."""

import ast

import torch

from ganarium.core import processes
from ganarium.core.engine import Engine
from ganarium.core.game import Clock, turn
from helpers import Scalar, Stream, TwoPlayerGame, sgd
from small_runs import side_by_side


def test_outside_a_run_a_mean_is_that_of_its_own_value():
    mean = Clock().mean("sign", torch.tensor([1.0, 3.0]))
    assert mean().tolist() == [1.0, 3.0]
    assert Clock().batch_size == 0


def script(game, data, clock):
    """Two values, of which each is asked for after the next yield."""
    real = next(data)
    first = clock.mean("first", real[:, 0].mean())
    yield turn(game.only, value=game.only.value)
    second = clock.mean("second", real.mean(0))
    yield turn(game.only, value=game.only.value)
    game.seen.append((clock.batch_size, first().item(), second().tolist()))


def game_of_one():
    game = TwoPlayerGame(script, only=Scalar(0.0), seen=[])
    del game.generator, game.discriminator
    return game


def expected(stream, batches):
    """The means over so many batches, which are of one size."""
    real = torch.cat([next(stream) for _ in range(batches)])
    return real[:, 0].mean().item(), real.mean(0).tolist()


def near(seen, wanted):
    return all(
        torch.allclose(torch.tensor([first, *second]), torch.tensor([wanted[0], *wanted[1]]), atol=1e-6)
        for _, first, second in seen
    )


def test_a_mean_is_taken_over_the_micro_batches_of_a_round():
    game, stream = game_of_one(), Stream()
    engine = Engine(game, sgd(game), accumulate=2, batch_size=16)
    for number in range(2):
        engine.round(stream)
        assert len(game.seen) == 2
        assert near(game.seen, expected(Stream(start=2 * number), 2))
        assert {batch_size for batch_size, *_ in game.seen} == {16}
        game.seen.clear()


def test_a_mean_carries_no_gradient():
    value = torch.tensor(2.0, requires_grad=True)
    assert not Clock().mean("sign", value * 3)().requires_grad


def test_a_mean_is_taken_over_processes(tmp_path):
    """Two processes of two micro-batches each see the mean over all four."""

    def work():
        processes.start(torch.device("cpu"))
        game = game_of_one()
        engine = Engine(game, sgd(game), accumulate=2, batch_size=32)
        engine.round(Stream(start=2 * processes.rank()))
        print(game.seen)
        processes.stop()

    said = side_by_side(work, tmp_path)
    wanted = expected(Stream(), 4)
    for text in said:
        seen = ast.literal_eval(text)
        assert len(seen) == 2
        assert near(seen, wanted)
        assert {batch_size for batch_size, *_ in seen} == {32}
