"""`ganarium lab`."""

import importlib.util
import json
from pathlib import Path

import pytest

from command_line import done, refused, said
from ganarium.lab import EXPERIMENTS

SMALL = ("lines=3",)


def test_it_lists_the_experiments_with_a_line_each():
    text = done("lab")
    rows = json.loads(done("lab", "--json"))
    assert [row["name"] for row in rows] == list(EXPERIMENTS)
    for row in rows:
        assert row["shows"] in text


def test_it_prints_the_table_and_the_words_and_draws_the_picture():
    text = done("lab", "conjugate", *SMALL)
    assert "squared-hellinger" in text
    assert "Every line stays below f*" in text
    assert text.rstrip().endswith("figure: lab/conjugate.png")
    assert Path("lab/conjugate.png").read_bytes().startswith(b"\x89PNG")


def test_for_programs():
    tree = json.loads(done("lab", "conjugate", *SMALL, "--json", "--out", "here/mine.png"))
    assert tree["name"] == "conjugate"
    assert len(tree["rows"]) == 8
    assert Path("here/mine.png").is_file()


def test_the_seed_is_an_option_and_a_key():
    arguments = ("lab", "gradient", "stages=[0]", "steps=1", "looks=1", "--json")
    first = done(*arguments)
    assert done(*arguments, "--seed", "0") == first
    assert done(*arguments, "seed=1") == done(*arguments, "--seed", "1") != first


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("rings",), "Did you mean 'ring'"),
        (("ring", "round=3"), "unknown key round"),
        (("ring", "rounds=many"), "rounds"),
        (("ring", "objectives=[hinje]"), "Did you mean 'hinge'"),
        (("ring", "--out", "ring.jpg"), "must end in .png"),
    ],
)
def test_it_refuses_what_cannot_be(arguments, complaint):
    assert complaint in refused("lab", *arguments)
    assert not list(Path().iterdir())


def test_without_matplotlib_the_table_is_still_printed(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else found(name, *rest)
    )
    result = said("lab", "conjugate", *SMALL)
    assert result.code == 2
    assert "squared-hellinger" in result.out
    assert "pip install 'ganarium[lab]'" in result.err
    assert not Path("lab").exists()
