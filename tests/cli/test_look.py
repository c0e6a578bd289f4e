"""Finding one's way: help, methods, show, inspect."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import ganarium as gan
from command_line import done, refused, said, started
from ganarium import methods
from ganarium.cli.app import VERBS
from ganarium.recipes.resolve import complete


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("cats/a", "cats/b", "dogs/a"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(len(name)).integers(0, 255, (30, 20, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.png")
    whole = (folder / "dogs/a.png").read_bytes()
    (folder / "dogs/half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dogs/empty.jpg").write_bytes(b"")
    return folder


def test_help_names_every_verb_and_the_exit_codes():
    text = done("--help")
    for verb in VERBS:
        assert re.search(rf"^  {verb} ", text, re.M), verb
    for code in (0, 1, 2, 130):
        assert re.search(rf"^ +{code}  ", text, re.M), code


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_has_an_example_and_says_what_each_option_is(verb):
    text = done(verb, "--help")
    assert re.search(rf"^ +ganarium {verb} ?", text.partition("\n")[2], re.M)
    for option in re.findall(r"^  (--[\w-]+)(?: <\w+>)?$", text, re.M):
        pytest.fail(f"{option} has no help")


def test_it_is_a_program_that_answers_at_once_and_completes_words():
    start = time.perf_counter()
    out, err = started("--version").communicate(timeout=60)
    print(f"{time.perf_counter() - start:.2f} s")
    assert (out, err) == (f"ganarium {gan.__version__}\n", "")
    words = {"_GANARIUM_COMPLETE": "complete_bash", "COMP_WORDS": "ganarium trai", "COMP_CWORD": "1"}
    assert started(**words).communicate(timeout=60)[0].strip() == "train"


def test_help_imports_nothing_heavy():
    program = started(PYTHONPROFILEIMPORTTIME="1").communicate(timeout=60)
    assert "torch" not in program[1].replace("\n", " ").split()
    assert "ganarium.cli.train" in program[1]


def test_methods():
    text = done("methods")
    rows = json.loads(done("methods", "--json"))
    assert [row["name"] for row in rows] == list(methods.table())
    assert {
        "name": "dcgan",
        "what": "deep convolutional GAN",
        "paper": "Radford et al. 2016, arXiv:1511.06434",
    } in rows
    for row in rows:
        assert row["what"]
        assert all(word in text for word in row.values())


def test_show():
    text = done("show", "wgan-gp")
    assert "Gulrajani et al. 2017" in text
    assert "def play(self, data" in text
    recipe = yaml.safe_load(text.partition("the recipe\n----------\n")[2].partition("\npresets\n")[0])
    own = methods.find("wgan-gp")
    assert complete(own, recipe) == complete(own, own.recipe().model_dump(mode="json"))


def test_the_nearest_names_are_offered():
    assert "Did you mean 'dcgan'" in refused("show", "dcgam")
    assert "Did you mean 'train'" in refused("trian")


def test_inspect(photos):
    text = done("inspect", photos, "--grid", "all.png")
    assert "2 classes: cats (2), dogs" in text
    assert "30x20" in text
    assert "half.png" in text
    assert "empty.jpg" in text
    assert text.rstrip().endswith("grid of samples: all.png")
    with Image.open("all.png") as grid:
        assert grid.size == (2 * 20 + 6, 2 * 30 + 6)
        assert grid.format == "PNG"


def test_inspect_for_programs_and_from_python(photos):
    tree = json.loads(done("inspect", photos, "size=12", "data.channels=1", "--json"))
    assert tree["shape"] == [1, 12, 12]
    assert set(tree["broken"]) == {"dogs/half.png", "dogs/empty.jpg"}
    assert Path(tree.pop("grid")) == Path("photos-grid.png")
    assert Path("photos-grid.png").is_file()
    assert gan.inspect(photos, size=12, channels=1).to_dict() | {"shape": [1, 12, 12]} == tree


def test_inspect_need_not_write(photos, tmp_path):
    done("inspect", photos, "--no-grid")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_inspect_shows_points_and_the_world():
    assert "points of the ring" in done("inspect", "ring", "count=100")
    assert Path("ring-grid.png").is_file()
    assert "6 classes" in done("inspect", "world", "count=48", "size=16")


def test_inspect_refuses_what_cannot_be(photos):
    assert "nope is neither a file nor a folder" in refused("inspect", "nope")
    assert "unknown key data.sise" in refused("inspect", photos, "sise=3")
    assert "no setting" in refused("inspect", photos, "size")


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    def fault(*_, **__):
        raise TypeError("a fault")

    monkeypatch.setattr("ganarium.evaluation.inspect.inspect", fault)
    with pytest.raises(TypeError, match="a fault"):
        said("inspect", "world")


def test_debug_shows_where_an_error_came_from(monkeypatch):
    assert "Traceback" in said("--debug", "show", "nope").err
    monkeypatch.setenv("GANARIUM_DEBUG", "1")
    result = said("show", "nope")
    assert (result.code, "Traceback" in result.err) == (2, True)
