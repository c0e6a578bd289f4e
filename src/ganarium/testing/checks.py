"""The checks. Each raises AssertionError in words that name what is wrong."""

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
Check = Callable[[MethodUnderTest], None]


def check_builds(trial: MethodUnderTest) -> None:
    """The recipe assembles; each player has an optimizer; weights follow from the recipe's seed alone."""
    states = []
    for unrelated in (1, 2):
        torch.manual_seed(unrelated)
        states.append(state_of(trial.engine()))
    once, again = states
    assert_equal(
        once, again, "the same recipe builds different weights; is a seed or a generator of its own used?"
    )


def check_every_player_moves(trial: MethodUnderTest) -> None:
    """Within a few rounds every player's weights change."""
    engine = trial.engine()
    before = {name: [p.clone() for p in params] for name, params in engine.params.items()}
    trial.played(engine, trial.feed())
    still = [name for name, params in engine.params.items() if all(map(torch.equal, params, before[name]))]
    assert not still, f"{', '.join(still)} never moved in {ROUNDS} rounds; does the script give them a turn?"


def check_turns_touch_only_their_players(trial: MethodUnderTest) -> None:
    """A turn changes its players' weights, and leaves no gradient and no change in any other network."""
    engine = trial.engine()
    game = engine.game

    def watched(play: Play) -> Play:
        def script(data: Iterator, clock: Clock) -> Iterator:
            gradients = gradients_of(game)
            for yielded in play(data, clock):
                stray = [name for name, value in gradients_of(game).items() if value != gradients[name]]
                assert not stray, (
                    f"the script left a gradient in {', '.join(stray[:3])}; only the engine walks backward"
                )
                movers = {
                    id(p) for turn in turns_of(yielded) for net in turn.players for p in net.parameters()
                }
                others = {name: p for name, p in game.named_parameters() if id(p) not in movers}
                weights, slopes = {name: p.clone() for name, p in others.items()}, gradients_of(game)
                yield yielded
                gradients = gradients_of(game)
                for name, p in others.items():
                    assert torch.equal(p, weights[name]), f"{name} moved in another player's turn"
                    assert gradients[name] == slopes[name], f"{name} got a gradient in another player's turn"

        return script

    wrap_script(game, watched)
    trial.played(engine, trial.feed())


def check_terms_are_finite(trial: MethodUnderTest) -> None:
    """Every term is a finite number, each round."""
    engine, feed = trial.engine(), trial.feed()
    for number in range(ROUNDS):
        for name, value in trial.played(engine, feed, 1).items():
            assert math.isfinite(float(value)), f"{name} is {float(value)} in round {number}"


def check_nothing_leaks_through_a_yield(trial: MethodUnderTest) -> None:
    """At a yield grad mode, autocast, and each network's mode and freezing are as they were."""
    engine = trial.engine()
    game = engine.game

    def watched(play: Play) -> Play:
        def script(data: Iterator, clock: Clock) -> Iterator:
            before, turns = modes_of(game), play(data, clock)
            while True:
                yielded = next(turns, None)
                changed = {name: value for name, value in modes_of(game).items() if value != before[name]}
                torch.set_grad_enabled(True)  # what leaked shall not reach the next test
                assert not changed, (
                    f"leaked through a yield: {changed}; end the `with`, or put back what was set"
                )
                if yielded is None:
                    return
                yield yielded

        return script

    wrap_script(game, watched)
    trial.played(engine, trial.feed())


def check_same_seed_same_numbers(trial: MethodUnderTest) -> None:
    """Two plays from one seed end bit-equal: all chance comes from torch's and Python's generators."""
    states = []
    for _ in range(2):
        engine = trial.engine()
        trial.played(engine, trial.feed())
        states.append(state_of(engine))
    once, again = states
    assert_equal(once, again, "two plays from one seed differ; is chance of the script's own used?")


def check_micro_batches(trial: MethodUnderTest) -> None:
    """Copies of one micro-batch with the same noise do what the one does.

    State of the game that moved too often is named: it belongs under `if clock.first_micro_batch`. A network's own
    buffers (running statistics, power iterations) and pools follow each forward pass by right.
    """
    states = []
    for copies in (1, COPIES):
        engine = trial.engine(accumulate=copies)
        wrap_script(engine.game, lambda play, game=engine.game: equal_runs(play, game))  # type: ignore[misc]
        trial.played(engine, trial.feed())
        states.append(engine.game.state_dict())
    once, often = states
    differing = [key for key, value in once.items() if not near(value, often[key])]
    assert not differing, (
        f"{COPIES} copies of a micro-batch moved {', '.join(differing[:3])} elsewhere than one; "
        "what happens once a round goes under `if clock.first_micro_batch`"
    )


def check_bfloat16(trial: MethodUnderTest) -> None:
    """It plays in bfloat16, and terms and weights stay finite."""
    engine = trial.engine(precision="bfloat16")
    terms = trial.played(engine, trial.feed())
    strange = [name for name, value in terms.items() if not math.isfinite(float(value))]
    strange += [name for name, p in engine.game.named_parameters() if not p.isfinite().all()]
    assert not strange, f"not finite in bfloat16: {', '.join(strange[:3])}"


def check_resumed_equals_uninterrupted(trial: MethodUnderTest) -> None:
    """Through a checkpoint file and into a game of other weights: the rest of the match is bit-equal."""
    whole, feed = trial.engine(), trial.feed()
    trial.played(whole, feed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pt")
        checkpoint.write(path, {"engine": whole.state_dict(), "feed": feed.state_dict()})
        saved = checkpoint.read(path)
    trial.played(whole, feed)

    resumed, feed = trial.engine(trial.game(seed=trial.recipe.seed + 1)), trial.feed()
    resumed.load_state_dict(saved["engine"])
    feed.load_state_dict(saved["feed"])
    trial.played(resumed, feed)
    assert_equal(
        state_of(whole),
        state_of(resumed),
        "a resumed match ends elsewhere; is state kept outside the game's tensors?",
    )


def check_samples(trial: MethodUnderTest) -> None:
    """Every task gives what it declares, for a batch of the data and for any number of samples.

    Outputs have the declared shape, are finite and valid values of their kind; the first ones do not
    depend on the number of the others; tasks that declare varying sizes take odd ones.
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
                what = f"{task.name} {variant.name}: {output.name}".replace(" :", ":")
                _check_output(what, output, all_, sizes, lengths)
                assert torch.allclose(all_[: len(first)], first, atol=1e-4), (
                    f"{what}: the first samples depend on how many follow"
                )
        columns = task.examples(game, spec, batch, rows)
        for name, (modality, column) in columns.items():
            image = modality.thumbnail(column[0], 64) if column.ndim > 2 else modality.grid(column)
            assert image.width > 0, f"the grid column {name} of {task.name} cannot be drawn"


def check_model_round_trip(trial: MethodUnderTest) -> None:
    """A saved and loaded model does the same."""
    game, spec = trial.game(seed=trial.recipe.seed + 1), trial.dataset.spec
    if not game.tasks:
        return
    trial.played(trial.engine(game), trial.feed())
    game.to("cpu")  # as a loaded model; elsewhere the same weights round otherwise
    methods.add(trial.method)
    ours = trial.model(game)
    with tempfile.TemporaryDirectory() as folder:
        theirs = load(ours.save(folder))
    batch, rows = trial.dataset.batch_and_rows(range(4))
    for task in game.tasks:
        for variant in task.variants(game, spec):
            options = task.checked(game, variant.options)
            case = task.case(game, spec, batch, rows, options)
            before = task.run_case(game, spec, case, variant.options, seed=2)
            try:
                after = task.run_case(theirs.game, theirs.spec, case, variant.options, seed=2)
            except AttributeError as error:
                raise AssertionError(
                    f"a loaded model cannot {task.name}; what does `saved_networks` leave out? {error}"
                ) from error
            for name, value in before.items():
                same = torch.allclose(value, after[name], rtol=0, atol=1e-6)
                assert same, (
                    f"a loaded model differs in {task.name}: {name}; what does `saved_networks` leave out?"
                )


def check_card(trial: MethodUnderTest) -> None:
    """The module's docstring is a complete card."""
    name, card = trial.method.name, trial.method.card
    first = card.partition("\n")[0]
    assert re.fullmatch(rf"{re.escape(name)}: .+ \(.+ \d{{4}}, .+\)\.?", first, re.IGNORECASE), (
        f"the card of {name} must begin with 'NAME: title (Authors Year, arXiv:...)'; it begins {first!r}"
    )
    players = {player.partition(".")[0] for player in trial.game().players()}
    missing = [player for player in players if not re.search(rf"^\s+{player}\s+(min|max)\b", card, re.M)]
    assert not missing, f"the card of {name} has no formula line for {', '.join(missing)}"
    for heading in ("Not to be confused with", "Deviations from the paper", "Tested by"):
        assert re.search(rf"^{heading}.*:", card, re.M), f"the card of {name} does not say: {heading}"


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
"""All of them, to parametrise tests with."""


def check_game(method: Method, **changes: Any) -> None:
    """Run every check on the method's tiny recipe, with `changes` to its keys.

    Raises:
        AssertionError: the first thing that does not hold.
    """
    trial = MethodUnderTest(method, changes)
    for check in CHECKS:
        check(trial)


@torch.no_grad()
def _run(graph: Graph, values: dict[str, Tensor]) -> tuple[Tensor, ...]:
    return graph(*values.values())


def _check_output(what: str, output: Output, value: Tensor, sizes: Sizes, lengths: tuple[int, ...]) -> None:
    """Check number of axes, fixed lengths, scaled lengths and values of an output of 5 samples."""
    assert value.shape[0] % 5 == 0, f"{what} has {value.shape[0]} samples for 5 inputs"
    assert value.ndim == 1 + len(output.shape), f"{what} is {tuple(value.shape)}, declared {output.shape}"
    for have, want in zip(value.shape[1:], output.shape, strict=True):
        assert isinstance(want, str) or have == want, (
            f"{what} is {tuple(value.shape)}, declared {output.shape}"
        )
    if output.modality is not None and any(isinstance(axis, str) for axis in output.shape):
        axes = len(output.modality.windowed)
        wanted = [int(n * scale) for n, (_, _, scale) in zip(lengths, sizes.along(axes), strict=True)]
        assert list(value.shape[-axes:]) == wanted, f"{what} has lengths {value.shape[-axes:]}, not {wanted}"
    assert value.isfinite().all(), f"{what} is not finite"


@torch.no_grad()
def _check_range(graph: Graph, values: dict[str, Tensor]) -> None:
    """Check that the game's method itself gives samples within the range of their modality."""
    inputs = {each.name: values[each.name] for each in graph.inputs}
    made = graph.task.call_method(graph.game, graph.spec, inputs, graph.options)
    for output, value in zip(graph.outputs(), made if isinstance(made, tuple) else (made,), strict=True):
        low, high = (output.modality.low, output.modality.high) if output.modality else (None, None)
        assert low is None or value.min() >= low, f"{output.name} reach {float(value.min()):.2f}, below {low:g}"
        assert high is None or value.max() <= high, f"{output.name} reach {float(value.max()):.2f}, beyond {high:g}"
