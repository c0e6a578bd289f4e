"""Curves of the numbers in a log."""

import math

import pytest

from ganarium.reports.curves import Curve, charts, numbers, overlaid, paths, plotted, smoothed, thinned

LINES = [
    {
        "round": i,
        "images": 10 * i,
        "stage": "first",
        "terms": {"generator/adversarial": i, "generator/penalty": -i}
        if i % 2
        else {"generator/adversarial": i},
        "rates": {"generator": 0.1},
        "metrics": {"fid": 5.0 - i},
        "p": i / 10,
    }
    for i in range(1, 5)
]


def test_every_number_is_found_with_the_images_of_the_lines_that_have_it():
    found = numbers(LINES)
    assert list(found) == [
        "terms/generator/adversarial",
        "terms/generator/penalty",
        "rates/generator",
        "metrics/fid",
        "p",
    ]
    assert (found["terms/generator/penalty"].images, found["terms/generator/penalty"].values) == (
        [10, 30],
        [-1.0, -3.0],
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**400, True, None, "1", [1.0]])
def test_what_is_no_number_is_no_point(value):
    assert numbers([{"images": 1, "terms": {"a/b": value}}]) == {}


def test_terms_share_their_players_chart_and_metrics_stand_alone():
    lines = [*LINES, {"images": 50, "terms": {"discriminator/adversarial": 1.0}, "metrics": {"kid": 0.1}}]
    by_title = {chart.title: [(c.name, c.color) for c in chart.curves] for chart in charts(numbers(lines))}
    assert by_title == {
        "Loss terms: generator": [("adversarial", 0), ("penalty", 1)],
        "Learning rates": [("generator", 0)],
        "Metrics: fid": [("fid", 0)],
        "P": [("P", 0)],
        "Loss terms: discriminator": [("adversarial", 0)],
        "Metrics: kid": [("kid", 0)],
    }


def test_in_charts_of_several_runs_each_run_has_a_color():
    found = overlaid({"a": numbers(LINES[:1]), "b": numbers([{"images": 1, "p": 1, "q": 2}])})
    by_title = {chart.title: [(c.name, c.color) for c in chart.curves] for chart in found}
    assert by_title == {
        "Loss terms: generator, adversarial": [("a", 0)],
        "Loss terms: generator, penalty": [("a", 0)],
        "Learning rates, generator": [("a", 0)],
        "Metrics: fid": [("a", 0)],
        "P": [("a", 0), ("b", 1)],
        "Q": [("b", 1)],
    }


def test_the_weight_of_a_value_halves_in_a_half_life():
    assert smoothed([0, 10, 20], [1.0, 0.0, 0.0], 10) == pytest.approx(
        [1, (1 / 2) / (3 / 2), (1 / 4) / (7 / 4)]
    )
    assert smoothed([0, 20], [1.0, 0.0], 10) == pytest.approx([1, (1 / 4) / (5 / 4)])
    assert smoothed([5, 6, 900], [3.0] * 3, 7) == pytest.approx([3.0] * 3)
    assert smoothed([0, 1], [1.0, 2.0], 0) == [1.0, 2.0]


@pytest.mark.parametrize("count", [0, 1, 600, 601, 10_007])
def test_no_spike_is_lost_however_many_lines_there_are(count):
    values = [math.sin(i) for i in range(count)]
    if count > 700:
        values[333], values[701] = 50.0, -50.0
    kept = thinned(values)
    assert len(kept) == min(count, len(kept)) <= 600
    assert kept == sorted(set(kept))
    if count <= 600:
        assert kept == list(range(count))
        return
    assert {0, count - 1} <= set(kept)
    assert {max(values), min(values)} <= {values[i] for i in kept}


def test_plotted_curves_are_short_and_smoothed_at_full_resolution():
    curve = Curve("a", list(range(10_000)), [i % 2 + 1 / 3 for i in range(10_000)], color=9)
    result = plotted(curve, 10_000)
    assert (result["name"], result["color"]) == ("a", 1)
    assert len(result["images"]) == len(result["raw"]) == len(result["smooth"]) <= 600
    assert set(result["raw"]) == {0.333333, 1.33333}
    assert result["smooth"][-1] == pytest.approx(5 / 6, abs=0.01), "of all values, not of those kept"


def test_statistics_have_titles_and_legends():
    lines = [
        {
            "images": i,
            "players": {
                name: {"gradient_norm": 1.0, "relative_update": None if i == 1 else 0.1}
                for name in ("generator", "critic")
            },
            "samples": {
                "images": i,
                "energy_distance": 0.5,
                "effective_samples": 3.0,
                "discriminator_auc": 1,
            },
            "data": {"samples": 100, "duplicates_per_sample": 1.0, "effective_samples": 8.0},
        }
        for i in (1, 2)
    ]
    by_title = {
        chart.title: [(c.name, len(c.images)) for c in chart.curves] for chart in charts(numbers(lines))
    }
    assert by_title == {
        "Gradient norm": [("generator", 2), ("critic", 2)],
        "Relative update per round": [("generator", 1), ("critic", 1)],
        "Energy distance to the data": [("0 equal, 1 nothing in common", 2)],
        "Effective number of samples": [("generated", 2), ("real", 2)],
        "Discriminator AUC": [("0.5 guessing, 1 always right", 2)],
    }


def test_charts_know_their_heading():
    found = charts(numbers([{"images": 1, "terms": {"a/b": 1}, "metrics": {"fid": 1}, "peak_memory_mib": 1}]))
    assert [chart.group for chart in found] == ["Learning", "Measured in training", "Machine"]


def test_numbers_of_one_player_stand_together_whichever_run_has_them():
    first = numbers([{"images": 1, "terms": {"d/a": 1, "g/a": 1}, "rates": {"d": 1}}])
    second = numbers([{"images": 1, "terms": {"d/b": 1, "g/b": 1}, "rates": {"g": 1}}])
    assert paths([first, second]) == [
        *("terms/d/a", "terms/d/b", "terms/g/a", "terms/g/b"),
        *("rates/d", "rates/g"),
    ]
