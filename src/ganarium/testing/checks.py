"""Conformance checks; each raises AssertionError with a message that names the fault."""

import math
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganarium import methods
from ganarium.core.game import Clock
from ganarium.models.loading import load
from ganarium.recipes.method import Method
from ganarium.tasks.base import Graph, Output
from ganarium.tasks.windows import Sizes
from ganarium.testing.equality import assert_equal, near, state_of
from ganarium.testing.spies import Play, equal_runs, gradients_of, modes_of, turns_of, wrap_script
from ganarium.testing.trial import ROUNDS, MethodUnderTest
from ganarium.training import checkpoint

COPIES = 4
"""Number of equal micro-batches in `check_micro_batches`."""
Check = Callable[[MethodUnderTest], None]


def check_builds(trial: MethodUnderTest) -> None:
    """Check that the recipe assembles, that players have optimizers, and that weights depend on the seed."""
    states = []
    for unrelated in (1, 2):
        torch.manual_seed(unrelated)
        states.append(state_of(trial.engine()))
    once, again = states
    assert_equal(
        once, again, "the same recipe builds different weights; does the game use its own seed or generator?"
    )


def check_every_player_moves(trial: MethodUnderTest) -> None:
    """Check that the weights of every player change within a few rounds."""
    engine = trial.engine()
    before = {name: [p.clone() for p in params] for name, params in engine.params.items()}
    trial.played(engine, trial.feed())
    fixed = [name for name, params in engine.params.items() if all(map(torch.equal, params, before[name]))]
    assert not fixed, f"{', '.join(fixed)} did not change in {ROUNDS} rounds; does the script yield a turn?"


def check_turns_touch_only_their_players(trial: MethodUnderTest) -> None:
    """Check that a turn changes neither weights nor gradients of networks that are not its players."""
    engine = trial.engine()
    game = engine.game

    def watched(play: Play) -> Play:
        def script(data: Iterator, clock: Clock) -> Iterator:
            gradients = gradients_of(game)
            for yielded in play(data, clock):
                stray = [name for name, value in gradients_of(game).items() if value != gradients[name]]
                assert not stray, (
                    f"the script left a gradient in {', '.join(stray[:3])}; only the engine calls backward()"
                )
                players = {
                    id(p) for turn in turns_of(yielded) for net in turn.players for p in net.parameters()
                }
                others = {name: p for name, p in game.named_parameters() if id(p) not in players}
                weights, before = {name: p.clone() for name, p in others.items()}, gradients_of(game)
                yield yielded
                gradients = gradients_of(game)
                for name, p in others.items():
                    assert torch.equal(p, weights[name]), f"{name} changed in another player's turn"
                    assert gradients[name] == before[name], f"{name} got a gradient in another player's turn"

        return script

    wrap_script(game, watched)
    trial.played(engine, trial.feed())


def check_terms_are_finite(trial: MethodUnderTest) -> None:
    """Check that every term is finite in each round."""
    engine, feed = trial.engine(), trial.feed()
    for number in range(ROUNDS):
        for name, value in trial.played(engine, feed, 1).items():
            assert math.isfinite(float(value)), f"{name} is {float(value)} in round {number}"


def check_nothing_leaks_through_a_yield(trial: MethodUnderTest) -> None:
    """Check that grad mode, autocast, training modes and `requires_grad` are unchanged at each yield."""
    engine = trial.engine()
    game = engine.game

    def watched(play: Play) -> Play:
        def script(data: Iterator, clock: Clock) -> Iterator:
            before, turns = modes_of(game), play(data, clock)
            while True:
                yielded = next(turns, None)
                changed = {name: value for name, value in modes_of(game).items() if value != before[name]}
                torch.set_grad_enabled(True)  # do not affect the next test
                assert not changed, (
                    f"changed at a yield: {changed}; end the `with`, or restore the old value, before it"
                )
                if yielded is None:
                    return
                yield yielded

        return script

    wrap_script(game, watched)
    trial.played(engine, trial.feed())


def check_same_seed_same_numbers(trial: MethodUnderTest) -> None:
    """Check that two runs with one seed are bit-equal: random numbers come from torch and `random` only."""
    states = []
    for _ in range(2):
        engine = trial.engine()
        trial.played(engine, trial.feed())
        states.append(state_of(engine))
    once, again = states
    assert_equal(once, again, "two runs with one seed differ; does the script use its own random generator?")


def check_micro_batches(trial: MethodUnderTest) -> None:
    """Check that equal micro-batches with equal noise have the effect of one of them.

    Game state that must change once a round belongs under `if clock.first_micro_batch`. Buffers of networks
    (running statistics, power iterations) and pools may change in each forward pass.
    """
    states = []
    for copies in (1, COPIES):
        engine = trial.engine(accumulate=copies)
        wrap_script(engine.game, lambda play, game=engine.game: equal_runs(play, game))  # type: ignore[misc]
        trial.played(engine, trial.feed())
        states.append(engine.game.state_dict())
    one, several = states
    differing = [key for key, value in one.items() if not near(value, several[key])]
    assert not differing, (
        f"{', '.join(differing[:3])} differs between one micro-batch and {COPIES} copies of it; "
        "code that must run once a round goes under `if clock.first_micro_batch`"
    )


def check_bfloat16(trial: MethodUnderTest) -> None:
    """Check that terms and weights are finite after rounds in bfloat16."""
    engine = trial.engine(precision="bfloat16")
    terms = trial.played(engine, trial.feed())
    faulty = [name for name, value in terms.items() if not math.isfinite(float(value))]
    faulty += [name for name, p in engine.game.named_parameters() if not p.isfinite().all()]
    assert not faulty, f"not finite in bfloat16: {', '.join(faulty[:3])}"


def check_resumed_equals_uninterrupted(trial: MethodUnderTest) -> None:
    """Check that a run resumed from a file, in a game with other weights, equals an uninterrupted one."""
    uninterrupted, feed = trial.engine(), trial.feed()
    trial.played(uninterrupted, feed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pt")
        checkpoint.write(path, {"engine": uninterrupted.state_dict(), "feed": feed.state_dict()})
        saved = checkpoint.read(path)
    trial.played(uninterrupted, feed)

    resumed, feed = trial.engine(trial.game(seed=trial.recipe.seed + 1)), trial.feed()
    resumed.load_state_dict(saved["engine"])
    feed.load_state_dict(saved["feed"])
    trial.played(resumed, feed)
    assert_equal(
        state_of(uninterrupted),
        state_of(resumed),
        "a resumed run differs; is state kept outside the game's tensors?",
    )


def check_samples(trial: MethodUnderTest) -> None:
    """Check that the outputs of every task are as declared, and that sample grids can be drawn.

    Outputs have the declared shape and are finite and valid values of their kind. The first outputs do not
    depend on the number of inputs. Tasks with variable sizes accept odd ones.
    """
    game, spec = trial.game().eval(), trial.dataset.spec
    batch, rows = trial.dataset.batch_and_rows(range(3))
    for task in game.tasks:
        for variant in task.variants(game, spec):
            graph = task.graph(game, spec, variant)
            sizes = task.sizes(game, spec, graph.options)
            lengths = tuple(int(n) + 1 for n in spec.shape[1:])[::-1] if sizes.fixed is None else sizes.fixed
            values = graph.draw(5, lengths, torch.Generator().manual_seed(1))
            _check_range(graph, values)
            many = _run(graph, values)
            few = _run(graph, {k: v[:3] if v.ndim else v for k, v in values.items()})
            for output, all_, first in zip(graph.outputs(), many, few, strict=True):
                label = f"{task.name} {variant.name}: {output.name}".replace(" :", ":")
                _check_output(label, output, all_, sizes, lengths)
                assert torch.allclose(all_[: len(first)], first, atol=1e-5), (
                    f"{label}: the first samples depend on how many follow"
                )
        columns = task.examples(game, spec, batch, rows)
        for name, (modality, column) in columns.items():
            image = modality.thumbnail(column[0], 64) if column.ndim > 2 else modality.grid(column)
            assert image.width > 0, f"the grid column {name} of {task.name} cannot be drawn"


def check_model_round_trip(trial: MethodUnderTest) -> None:
    """Check that a saved and loaded model has the same outputs."""
    game, spec = trial.game(seed=trial.recipe.seed + 1), trial.dataset.spec
    if not game.tasks:
        return
    trial.played(trial.engine(game), trial.feed())
    game.to("cpu")  # as the loaded model: other devices round differently
    methods.add(trial.method)
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(trial.model(game).save(folder))
    batch, rows = trial.dataset.batch_and_rows(range(4))
    for task in game.tasks:
        for variant in task.variants(game, spec):
            options = task.checked(game, variant.options)
            case = task.case(game, spec, batch, rows, options)
            before = task.run_case(game, spec, case, variant.options, seed=2)
            try:
                after = task.run_case(loaded.game, loaded.spec, case, variant.options, seed=2)
            except AttributeError as error:
                raise AssertionError(
                    f"a loaded model cannot {task.name}; is a network not in `saved_networks`? {error}"
                ) from error
            for name, value in before.items():
                assert torch.allclose(value, after[name], rtol=0, atol=1e-6), (
                    f"a loaded model differs in {task.name}, {name}; is a network not in `saved_networks`?"
                )


def check_card(trial: MethodUnderTest) -> None:
    """Check that the docstring of the method's module is a complete card."""
    name, card = trial.method.name, trial.method.card
    first = card.partition("\n")[0]
    assert re.fullmatch(rf"{re.escape(name)}: .+ \(.+ \d{{4}}, .+\)\.?", first, re.IGNORECASE), (
        f"the card of {name} must begin with 'NAME: title (Authors Year, arXiv:...)'; given was {first!r}"
    )
    players = {player.partition(".")[0] for player in trial.game().players()}
    missing = [player for player in players if not re.search(rf"^\s+{player}\s+(min|max)\b", card, re.M)]
    assert not missing, f"the card of {name} has no formula line for {', '.join(missing)}"
    for heading in ("Not to be confused with", "Deviations from the paper", "Tested by"):
        assert re.search(rf"^{heading}.*:", card, re.M), f"the card of {name} has no '{heading}: ...'"


CHECKS: tuple[Check, ...] = (
    check_builds,
    check_every_player_moves,
    check_turns_touch_only_their_players,
    check_terms_are_finite,
    check_nothing_leaks_through_a_yield,
    check_same_seed_same_numbers,
    check_micro_batches,
    check_bfloat16,
    check_resumed_equals_uninterrupted,
    check_samples,
    check_model_round_trip,
    check_card,
)
"""All checks, for example to parametrize tests."""


def check_game(method: Method, **changes: Any) -> None:
    """Run every check on the method's tiny recipe, with `changes` to its keys.

    Raises:
        AssertionError: a check failed.
    """
    trial = MethodUnderTest(method, changes)
    for check in CHECKS:
        check(trial)


@torch.no_grad()
def _run(graph: Graph, values: dict[str, Tensor]) -> tuple[Tensor, ...]:
    return graph(*values.values())


def _check_output(label: str, output: Output, value: Tensor, sizes: Sizes, lengths: tuple[int, ...]) -> None:
    """Check shape, lengths and values of an output for 5 inputs."""
    assert value.shape[0] % 5 == 0, f"{label} has {value.shape[0]} samples for 5 inputs"
    fits = value.ndim == 1 + len(output.shape) and all(
        isinstance(want, str) or have == want
        for have, want in zip(value.shape[1:], output.shape, strict=True)
    )
    assert fits, f"{label} is {tuple(value.shape)}, declared {output.shape}"
    if output.modality is not None and any(isinstance(axis, str) for axis in output.shape):
        axes = len(output.modality.windowed)
        declared = [int(n * scale) for n, (_, _, scale) in zip(lengths, sizes.along(axes), strict=True)]
        given = list(value.shape[-axes:])
        assert given == declared, f"{label} has lengths {given}, declared {declared}"
    assert value.isfinite().all(), f"{label} is not finite"


@torch.no_grad()
def _check_range(graph: Graph, values: dict[str, Tensor]) -> None:
    """Check that most values of samples lie within the range of their modality before they are limited to it.

    Some may exceed it: the networks of StyleGAN2 and ESRGAN end in a convolution.
    """
    inputs = {each.name: values[each.name] for each in graph.inputs}
    result = graph.task.call_method(graph.game, graph.spec, inputs, graph.options)
    samples = result if isinstance(result, tuple) else (result,)
    for output, value in zip(graph.outputs(), samples, strict=True):
        outside = (output.kind.finish(value) - value).abs().gt(1e-6).float().mean()
        assert outside <= 0.5, (
            f"{output.name}: {float(outside):.0%} of the values lie outside the range of {output.kind.name}s"
        )
