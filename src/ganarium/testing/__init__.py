"""Conformance: what every method must hold, checked on the smallest recipe that has all its parts.

For a method of your own, in your tests:

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_method(check):
        check(Trial(METHOD))

or all at once: `check_game(METHOD)`. Each check raises AssertionError in words that name what is wrong.
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
