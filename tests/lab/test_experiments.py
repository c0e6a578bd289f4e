"""Properties of every experiment, at a size at which nothing is learned."""

import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops, ImageStat

from ganarium import lab
from ganarium.lab import EXPERIMENTS, ExperimentResult
from ganarium.lab.result import arrays

torch.set_num_threads(1)

TINY = {
    "ring": {"rounds": 2, "looks": 1, "objectives": ("hinge", "wasserstein-gp")},
    "distances": {"shifts": (0.0, 1.0, 2.0), "lessons_each": 2, "rounds": 2, "looks": 2},
    "conjugate": {"lines": 3},
    "optimum": {"rounds": 2, "batch_size": 8},
    "collapse": {"cures": ("none", "R1"), "rounds": 4, "looks": 2},
    "lipschitz": {"rounds": 2, "deep_rounds": 2},
    "gradient": {"stages": (0, 1), "steps": 2, "looks": 2},
}


@pytest.fixture(scope="module")
def results() -> dict[str, ExperimentResult]:
    return {name: experiment(**TINY[name]) for name, experiment in EXPERIMENTS.items()}


def same(one: ExperimentResult, other: ExperimentResult) -> bool:
    return one.to_dict() == other.to_dict() and all(
        np.array_equal(values, other.arrays[key], equal_nan=values.dtype.kind == "f")
        for key, values in one.arrays.items()
    )


def test_there_is_a_tiny_one_of_each():
    assert TINY.keys() == EXPERIMENTS.keys()
    assert all(getattr(lab, name) is experiment for name, experiment in EXPERIMENTS.items())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_table_words_and_figures(results, name):
    result = results[name]
    assert result.name == name
    assert len({tuple(row) for row in result.rows}) == 1
    assert result.title
    assert result.words.endswith(".")
    assert all(values.size for values in result.arrays.values())
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_seed_decides_and_the_callers_random_state_stays(results, name):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    assert same(EXPERIMENTS[name](**TINY[name]), results[name])
    assert torch.equal(torch.rand(3), expected)
    if name != "conjugate":
        assert not same(EXPERIMENTS[name](**TINY[name], seed=1), results[name])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_figure(results, name, tmp_path):
    results[name].save(tmp_path / "a" / "figure.png")
    results[name].save(tmp_path / "again.png")
    path = tmp_path / "a" / "figure.png"
    assert path.stat().st_size < 150_000
    with Image.open(path) as image, Image.open(tmp_path / "again.png") as again:
        # Matplotlib and the palette do not promise the same bytes, but the same image.
        difference = ImageChops.difference(image.convert("RGB"), again.convert("RGB"))
        assert max(ImageStat.Stat(difference).mean) < 0.1
        assert min(image.size) >= 400
        assert len(image.getcolors()) > 20
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["figure.png"]


@pytest.mark.parametrize(
    ("name", "settings", "complaint"),
    [
        ("ring", {"objectives": ("hinje",)}, "objective 'hinje'.*Did you mean 'hinge'"),
        ("ring", {"points": "rings"}, "points='rings'.*Did you mean 'ring'"),
        ("ring", {"rounds": 0}, "rounds is 0; it must be at least 1"),
        ("ring", {"r1_weight": -1.0}, "r1_weight is -1.0"),
        ("distances", {"shifts": (0.0, 1.0)}, "at least two above 0"),
        ("distances", {"looks": 1}, "at least 2 of each"),
        ("collapse", {"cures": ("luck",)}, "cure 'luck'"),
        ("lipschitz", {"clip_bounds": (0.0,)}, "above 0"),
        ("gradient", {"stages": (5, 2)}, "rising order"),
    ],
)
def test_wrong_settings_are_named(name, settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        EXPERIMENTS[name](**settings)


def test_numbers_that_json_lacks_become_strings():
    result = ExperimentResult(
        "a", "b", [{"x": float("inf"), "y": 1.5, "z": "t"}], "c.", arrays(), plot=lambda _: None
    )
    assert result.to_dict()["rows"] == [{"x": "inf", "y": 1.5, "z": "t"}]
