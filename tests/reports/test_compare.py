"""Page that compares several runs."""

import json
import re
import shutil

import pytest

import ganarium as gan
from command_line import done, refused
from html_pages import EVIL, assert_alone, data, read


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A run of another method, on points, shorter."""
    keys = {"images": 160, "every": {"log": 32, "samples": 80}, "device": "cpu"}
    return gan.train("gan", data="ring", out=tmp_path_factory.mktemp("others") / "gan", **keys).folder


@pytest.fixture(scope="module")
def page(trained, other, tmp_path_factory):
    return read(gan.compare([trained, other], tmp_path_factory.mktemp("pages") / "page.html"))


def test_it_stands_alone(page):
    assert_alone(page)
    assert [each.text.strip() for each in page.one("div", class_="runs").all("h2")] == ["dcgan", "gan"]
    ids = [section.attributes["id"] for section in page.all("section") if "id" in section.attributes]
    assert ids == ["samples", "curves", "last-numbers", "recipe"]
    assert [link.attributes["href"] for link in page.one("nav").all("a")] == [f"#{name}" for name in ids]


def test_curves_of_one_number_lie_over_each_other(page, trained, other):
    content = data(page)
    (chart,) = (c for c in content["charts"] if c["title"] == "Loss terms: generator, adversarial")
    assert [(curve["name"], curve["color"]) for curve in chart["curves"]] == [("dcgan", 0), ("gan", 1)]
    for curve, folder in zip(chart["curves"], (trained, other), strict=True):
        assert curve["images"] == [record["images"] for record in gan.Run(folder).records]
    assert content["length"] == 320


def test_the_table_of_recipes_has_the_differences_only(page, trained, other):
    head, *rows = page.one("section", id="recipe").one("table").rows()
    assert head == ["key", "dcgan", "gan"]
    values_by_key = {key: values for key, *values in rows}
    assert values_by_key["method"] == ["dcgan", "gan"]
    assert values_by_key["images"] == ["320", "160"]
    assert values_by_key["data.source"] == ["world", "ring"]
    assert values_by_key["networks.generator.depth"] == ["–", "3"]
    assert "seed" not in values_by_key
    assert all(len(set(values)) == 2 for values in values_by_key.values())


def test_the_last_numbers_stand_side_by_side(page, trained, other):
    head, *rows = page.one("section", id="last-numbers").one("table").rows()
    assert head == ["number", "dcgan", "gan"]
    ends = [gan.Run(folder).records[-1]["terms"]["generator/adversarial"] for folder in (trained, other)]
    assert ["generator/adversarial", *(f"{end:.4g}" for end in ends)] in rows


def test_the_last_evaluation_of_each_run(run, other, tmp_path):
    for folder, value in ((run, 12.5), (other, 1.5)):
        result = {"judged": EVIL, "data": "world", "seed": 0, "shape": [3, 16, 16], "samples": 40, "real": 48}
        network = {
            "layer": "last",
            "dimension": 3,
            "resizing": "none",
            "sha256": "ab",
            "frechet_distance": value,
        }
        own = {"diversity": 0.5} if folder == run else {}
        (folder / "evaluation.json").write_text(json.dumps({**result, **own, "features": {EVIL: network}}))
    try:
        page = read(gan.compare([run, other], tmp_path / "page.html"))
    finally:
        (other / "evaluation.json").unlink()
    assert_alone(page)
    evaluation, _ = page.one("section", id="last-numbers").all("table")
    assert evaluation.rows() == [
        ["measure", "run", "gan"],
        ["diversity", "0.5", "–"],
        [f"frechet_distance on {EVIL}", "12.5", "1.5"],
    ]


def test_one_slider_moves_all_samples(page):
    slider, moments = page.one("input", type="range"), data(page)["moments"]
    assert slider.has(min="0", max=str(len(moments) - 1), value=str(len(moments) - 1))
    images = [int(each.attributes["data-images"]) for each in page.all("img")]
    assert moments == sorted(set(images)), "it stops wherever a run has a sample grid"
    for stack, images in zip(page.all("div", class_="stack"), (320, 192), strict=True):
        shown = [each for each in stack.all("img") if "hidden" not in each.attributes]
        assert [int(each.attributes["data-images"]) for each in shown] == [images], "the newest one"


def test_runs_of_one_name_are_named_by_their_folders(trained, tmp_path):
    for parent in ("a", "b"):
        shutil.copytree(trained, tmp_path / parent / "run")
    page = read(gan.compare([tmp_path / "a/run", gan.Run(tmp_path / "b/run")], tmp_path / "page.html"))
    assert [each.text.strip() for each in page.one("div", class_="runs").all("h2")] == ["a/run", "b/run"]
    assert page.one("section", id="recipe").all("table") == []


def test_nothing_of_the_runs_is_read_as_html(trained, run):
    folder = run.rename(run.parent / EVIL.replace("/", "∕"))
    page = read(gan.compare([trained, folder], run.parent / "page.html"))
    assert_alone(page)
    assert page.one("div", class_="runs").all("h2")[1].text.strip() == folder.name


def test_broken_and_empty_runs_are_compared_as_far_as_they_go(trained, written, tmp_path):
    empty = written("empty", None, [])
    broken = written("broken", "method: [", None)
    page = read(gan.compare([empty, trained, broken], tmp_path / "page.html"))
    assert_alone(page)
    first, second, third = (
        part for part in page.one("div", class_="runs").parts if not isinstance(part, str)
    )
    assert "recipe.yaml is missing" in first.text
    assert "Missing or damaged" not in second.text
    assert "recipe.yaml cannot be used" in third.text
    assert [c["color"] for chart in data(page)["charts"] for c in chart["curves"]] == [1] * len(
        data(page)["charts"]
    ), "a run's color does not depend on the others"
    nothing = read(gan.compare([empty, broken], tmp_path / "nothing.html"))
    assert "Nothing is logged yet." in nothing.one("section", id="last-numbers").text


def test_nine_runs_use_the_colors_again(trained, tmp_path):
    copies = [shutil.copytree(trained, tmp_path / f"{i}") for i in range(9)]
    place = gan.compare(copies, tmp_path / "page.html")
    assert place.stat().st_size < 16 * 2**20
    chart = data(read(place))["charts"][0]
    assert [curve["color"] for curve in chart["curves"]] == [*range(8), 0]


def test_on_the_command_line(trained, other, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert re.fullmatch(r"compare.html \(0\.\d MiB\)\n", done("compare", trained, other))
    assert done("compare", trained, other, "--out", "b.html").startswith("b.html (")
    assert "needs two runs or more" in refused("compare", trained)
    assert "needs two runs or more" in refused("compare", trained, trained)
    assert "is no run" in refused("compare", trained, tmp_path)
    assert "ends in .html" in refused("compare", trained, other, "--out", "log.jsonl")
