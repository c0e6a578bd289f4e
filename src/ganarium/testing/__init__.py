"""Conformance checks of methods, on the smallest recipe that has all their parts.

For your own method, in your tests:

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_method(check):
        check(MethodUnderTest(METHOD))

`check_game(METHOD)` runs all checks. A check raises AssertionError with a message that names the fault.
"""

from ganarium.testing.checks import (
    CHECKS,
    Check,
    check_bfloat16,
    check_builds,
    check_card,
    check_every_player_moves,
    check_game,
    check_micro_batches,
    check_model_round_trip,
    check_nothing_leaks_through_a_yield,
    check_resumed_equals_uninterrupted,
    check_same_seed_same_numbers,
    check_samples,
    check_terms_are_finite,
    check_turns_touch_only_their_players,
)
from ganarium.testing.trial import MethodUnderTest

__all__ = [
    "CHECKS",
    "Check",
    "MethodUnderTest",
    "check_bfloat16",
    "check_builds",
    "check_card",
    "check_every_player_moves",
    "check_game",
    "check_micro_batches",
    "check_model_round_trip",
    "check_nothing_leaks_through_a_yield",
    "check_resumed_equals_uninterrupted",
    "check_same_seed_same_numbers",
    "check_samples",
    "check_terms_are_finite",
    "check_turns_touch_only_their_players",
]
