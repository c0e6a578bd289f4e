"""Page of one run: complete, self-contained, with all values of the run as text."""

import base64
import itertools
import json
import os
import re
import shlex
import shutil

import pytest
import yaml

import ganarium as gan
from command_line import done, refused
from ganarium.cli.app import VERBS
from ganarium.monitoring.doctor import Diagnosis, doctor
from ganarium.reports import images
from ganarium.reports.html import HERE
from html_pages import EVIL, assert_alone, data, read

SECTIONS = ["doctor", "samples", "curves", "metrics", "data-report", "recipe", "next-steps"]


@pytest.fixture(scope="module")
def page(trained, tmp_path_factory):
    return read(gan.report(trained, tmp_path_factory.mktemp("pages") / "page.html"))


def test_all_sections_are_there_and_the_links_lead_to_them(page):
    assert [
        section.attributes["id"] for section in page.all("section") if "id" in section.attributes
    ] == SECTIONS
    assert [link.attributes["href"] for link in page.one("nav").all("a")] == [f"#{name}" for name in SECTIONS]
    assert page.one("title").text == page.one("h1").text == "dcgan"
    assert page.one("html").has(lang="en")
    assert page.one("meta", name="viewport").has(content="width=device-width, initial-scale=1")
    assert page.all("section", class_="missing") == [], "nothing is missing"


def test_the_headline(page):
    header = page.one("header")
    assert "dcgan: deep convolutional GAN (Radford et al. 2016, arXiv:1511.06434)" in header.text
    assert header.one("a").attributes["href"] == "https://arxiv.org/abs/1511.06434"
    assert header.one(class_="state").has(class_="finished")
    values = dict(zip((e.text for e in header.all("dt")), (e.text for e in header.all("dd")), strict=True))
    assert list(values) == ["images", "time", "speed", "device", "data", "seed", "last line"]
    assert header.one("progress").has(value="320", max="320")


def test_every_number_of_the_log_has_its_curve(page, trained):
    records = gan.Run(trained).records
    content = data(page)
    charts = {chart["title"]: {c["name"]: c for c in chart["curves"]} for chart in content["charts"]}
    assert content["length"] == 320
    for player in ("discriminator", "generator"):
        curve = charts[f"Loss terms: {player}"]["adversarial"]
        values = [record["terms"][f"{player}/adversarial"] for record in records]
        assert curve["images"] == [record["images"] for record in records]
        assert curve["raw"] == pytest.approx(values, rel=1e-5)
        assert len(curve["smooth"]) == len(values)
    assert set(charts["Learning rates"]) == {"generator", "discriminator"}
    assert {"Images per second", "Share of time spent waiting for data", "Peak memory, MiB"} <= set(charts)
    figures = page.all("figure", class_="chart")
    assert [figure.one("figcaption").text for figure in figures] == [
        each["title"] for each in content["charts"]
    ]
    assert [int(figure.attributes["data-chart"]) for figure in figures] == list(range(len(figures)))
    for figure, chart in zip(figures, content["charts"], strict=True):
        names = [button.one("span").text for button in figure.all("button")]
        assert names == [curve["name"] for curve in chart["curves"]]


def test_the_numbers_are_in_a_table_too(page, trained):
    values = [record["terms"]["generator/adversarial"] for record in gan.Run(trained).records]
    rows = page.one("section", id="curves").one("table").rows()
    assert rows[0] == ["number", "first", "lowest", "highest", "last"]
    (row,) = (row for row in rows if row[0] == "generator/adversarial")
    assert [float(cell) for cell in row[1:]] == pytest.approx(
        [values[0], min(values), max(values), values[-1]], rel=1e-3
    )


def test_the_sample_grids_are_in_the_page_and_the_last_one_is_visible(page, trained):
    stack, real = page.all("div", class_="stack")
    grids = stack.all("img")
    assert [int(each.attributes["data-images"]) for each in grids] == [0, 80, 160, 240, 320]
    assert ["hidden" in each.attributes for each in grids] == [True, True, True, True, False]
    for each in grids:
        path = trained / "samples" / f"{int(each.attributes['data-images']):012d}.png"
        assert (
            each.attributes["src"] == "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
        )
    assert (
        real.one("img")
        .attributes["src"]
        .endswith(base64.b64encode((trained / "data.png").read_bytes()).decode())
    )
    slider = page.one("input", type="range")
    assert slider.has(min="0", max="4", value="4", aria_valuetext="320")
    assert page.one("label", for_="moment").text == "Images shown"
    assert data(page)["moments"] == [0, 80, 160, 240, 320]


def test_images_and_fields_have_descriptions(page):
    for image in page.all("img"):
        assert image.attributes["alt"]
        assert int(image.attributes["width"]) > 0 < int(image.attributes["height"])
    named = {label.attributes.get("for") for label in page.all("label")}
    for entry in page.all("input"):
        assert entry.attributes["id"] in named or entry.parent.tag == "label"
    headings = [int(e.tag[1]) for e in page.all() if re.fullmatch("h[1-6]", e.tag)]
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))


def test_the_recipe_shows_what_differs_and_all_of_it(page, trained):
    section = page.one("section", id="recipe")
    rows = {key: (here, own) for key, here, own in section.one("table").rows()[1:]}
    assert rows["images"] == ("320", "5000000")
    assert rows["networks.generator.width"] == ("4", "null")
    assert "seed" not in rows
    assert yaml.safe_load(section.one("pre").raw) == yaml.safe_load((trained / "recipe.yaml").read_text())
    assert "images: 320" in [mark.text for mark in section.all("mark")]
    assert len(section.all("mark")) == len(rows)


def test_the_data_report_is_in_the_page(page, trained):
    section = page.one("section", id="data-report")
    assert [each.text for each in section.all("p")] == gan.inspect("world", size=16, count=48).lines()


def test_charts_are_below_their_headings(run):
    lines = [json.loads(text) for text in (run / "log.jsonl").read_text().splitlines()]
    lines[-1]["metrics"] = {"frechet_distance": 12.5, "world/well_formed": 0.25}
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = read(gan.report(run))
    titles = [chart["title"] for chart in data(page)["charts"]]
    figures = page.all("figure", class_="chart")
    assert [each.one("figcaption").text for each in figures] == titles
    assert [int(each.attributes["data-chart"]) for each in figures] == list(range(len(titles)))
    headings = [each.text for each in page.one("section", id="curves").all("h3")]
    assert headings == ["Learning", "Measured in training", "Machine"]
    metrics = page.one("section", id="curves").all("div", class_="charts")[1]
    assert [each.text for each in metrics.all("figcaption")] == [
        "Metrics: frechet_distance",
        "Metrics: world/well_formed",
    ]


def test_the_last_evaluation(run):
    assert "not been evaluated" in read(gan.report(run)).one("section", id="metrics").text
    done("evaluate", run, "--count", "40")
    result = json.loads((run / "evaluation.json").read_text())
    assert result["samples"] == 40
    section = read(gan.report(run)).one("section", id="metrics")
    assert f"{run}: 40 samples of 3 x 16 x 16" in section.text
    rows = {row[0]: row[1] for row in section.one("table").rows()}
    assert rows["world/well_formed"] == f"{result['world']['well_formed']:.4g}"


@pytest.mark.parametrize("text", ["{", "[]", '{"judged": "a"}', '{"judged": 1, "real": "x", "samples": []}'])
def test_a_damaged_evaluation_is_listed(run, text):
    (run / "evaluation.json").write_text(text)
    page = read(gan.report(run))
    assert "evaluation.json cannot be used" in page.one("section", class_="missing").text


def test_the_best_model_has_a_command(run):
    shutil.copytree(run / "model", run / "model-best")
    commands = [each.text for each in read(gan.report(run)).one("dl", class_="commands").all("code")]
    assert f"ganarium generate {run}/model-best --count 64 --seed 1" in commands


def test_the_diagnoses_are_in_the_page(page, trained):
    section = page.one("section", id="doctor")
    entries = [(each.one("strong").text, each.attributes["class"]) for each in section.all("li")]
    assert entries == [(each.name, each.severity) for each in doctor(trained)]


@pytest.mark.parametrize("found", [[], [Diagnosis(EVIL, "error", EVIL, (8, 1600), EVIL)]])
def test_diagnoses_are_inserted_as_text(run, monkeypatch, found):
    monkeypatch.setattr("ganarium.reports.contents.doctor", lambda folder: found)
    page = read(gan.report(run))
    assert_alone(page)
    section = page.one("section", id="doctor")
    if found:
        assert section.one("strong").text == section.one("code").text == EVIL
        assert "error, images 8 to 1,600" in section.text
    else:
        assert "Nothing wrong seen." in section.text


def test_the_commands_are_those_of_the_command_line(run, tmp_path, monkeypatch):
    """Each is run as it stands, from another folder, on a run whose path needs quotes."""
    folder = run.rename(tmp_path / "it's a $run; `here`")
    page = read(gan.report(folder))
    commands = [shlex.split(each.text) for each in page.one("dl", class_="commands").all("code")]
    assert [command[:2] for command in commands] == [
        ["ganarium", verb] for verb in ("resume", "generate", "evaluate", "doctor", "train", "report")
    ]
    monkeypatch.chdir(tmp_path)
    for _, verb, place, *more in commands:
        assert verb in VERBS
        assert os.path.dirname(place) == str(folder) if verb == "train" else place == str(folder)
        done(verb, place, *more, *(["--count", "64"] if verb == "evaluate" else []))
    assert gan.Run(folder).records[-1]["images"] == 640
    assert (folder / "grid.png").is_file()
    assert gan.Run(tmp_path / "runs" / "0001-dcgan").recipe.seed == 1


def test_an_unfinished_run_has_a_command_to_resume(run):
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(recipe.replace("images: 320\n", "images: 1000\n"))
    page = read(gan.report(run))
    state = page.one("p", class_="state")
    assert state.has(class_="interrupted")
    assert state.text.strip() == "interrupted at 32 %"
    commands = [each.text for each in page.all("code")]
    assert commands[:2] == [f"ganarium resume {run}", f"ganarium resume {run} images=2_000"]


# -- nothing from outside, nothing as HTML ---------------------------------------------------------------


def test_it_stands_alone(page):
    assert_alone(page)


def test_the_script_reads_nothing_as_html():
    script = (HERE / "script.js").read_text()
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
    ):
        assert word not in script
    assert set(re.findall(r"https?://[^\s\"']+", script)) == {"http://www.w3.org/2000/svg"}, (
        "a name, no address"
    )


def evil(run):
    """The run with a name, data, terms, keys, files and words that would break out."""
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    recipe["data"]["source"] = f"/data/{EVIL}"
    recipe["game"][EVIL] = EVIL
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
    lines = [json.loads(text) for text in (run / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line["terms"] |= {EVIL: 1.0, f"{EVIL}/{EVIL}": 2.0}
        line["rates"][EVIL] = line[EVIL] = 3.0
        line["stage"] = EVIL
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    speed = {"images": 1, "seconds": 1.0, "device": EVIL, EVIL: {EVIL: 1}}
    (run / "speed.jsonl").write_text(json.dumps(speed) + "\n")
    report = json.loads((run / "data.json").read_text())
    report |= {"source": EVIL, "kind": EVIL, "classes": {EVIL: 1}, "broken": {EVIL: EVIL}, "notes": [EVIL]}
    (run / "data.json").write_text(json.dumps(report))
    return run.rename(run.parent / EVIL.replace("/", "∕"))


def test_nothing_of_a_run_is_read_as_html(run):
    page = read(gan.report(evil(run)))
    assert_alone(page)
    assert page.one("h1").text == EVIL.replace("/", "∕")
    assert f"/data/{EVIL}" in page.one("header").text
    assert "49" not in page.one("h1").text
    assert EVIL in page.one("section", id="data-report").text
    content = data(page)
    assert content["stages"] == [{"name": EVIL, "images": 16}]
    assert EVIL in {curve["name"] for chart in content["charts"] for curve in chart["curves"]}
    assert [EVIL, EVIL] in page.one("section", id="data-report").one("table").rows()
    assert f"game.{EVIL}" in {row[0] for row in page.one("section", id="recipe").one("table").rows()}


def test_a_method_of_an_evil_name_is_inserted_as_text(written):
    recipe = yaml.safe_dump({"method": EVIL, "images": 10, "optimizers": {}})
    page = read(gan.report(written("run", recipe, [{"images": 5, "terms": {}}])))
    assert_alone(page)
    assert page.one("p", class_="method").text.strip() == EVIL
    assert "there is no method '</script><script>" in page.one("section", class_="missing").text


def test_a_path_that_is_no_text_is_shown(run):
    folder = run.parent / os.fsdecode(b"run \xff")
    try:
        run.rename(folder)
    except OSError:
        pytest.skip("this file system takes no such name")
    assert read(gan.report(folder)).one("h1").text == r"run \udcff"


# -- broken and half-written ------------------------------------------------------------------------------


@pytest.mark.parametrize("left", ["recipe.yaml", "log.jsonl"])
def test_the_least_there_can_be_gives_a_page(trained, tmp_path, left):
    shutil.copy(trained / left, tmp_path / left)
    page = read(gan.report(tmp_path))
    assert_alone(page)
    listed = page.one("section", class_="missing").text
    for name in {"recipe.yaml", "log.jsonl", "data.json"} - {left}:
        assert f"{name} is missing" in listed
    assert page.one("section", id="samples").all("img") == []
    assert page.all("input", type="range") == []
    if left == "log.jsonl":
        assert page.one("p", class_="method").text.strip() == "a run without a recipe"
        assert [each.text for each in page.all("code")] == [f"ganarium report {tmp_path}"]
    else:
        assert "Nothing is logged yet." in page.one("section", id="curves").text


def test_an_empty_log(run):
    (run / "log.jsonl").write_text("")
    (run / "speed.jsonl").write_text("")
    page = read(gan.report(run))
    assert "Nothing is logged yet." in page.one("section", id="curves").text
    assert data(page)["charts"] == []
    assert data(page)["length"] == 320, "of the sample grids"


def test_a_run_cut_off_anywhere_in_its_log_gives_a_page(run):
    whole = (run / "log.jsonl").read_bytes()
    for length in range(0, 400, 23):
        (run / "log.jsonl").write_bytes(whole[:length])
        points = sum(text.startswith(b"{") and text.endswith(b"}}") for text in whole[:length].split(b"\n"))
        curves = [c for chart in data(read(gan.report(run)))["charts"] for c in chart["curves"]]
        assert {len(c["images"]) for c in curves if c["name"] == "adversarial"} == (
            {points} if points else set()
        )


def test_damaged_images_are_named(run):
    grid = run / "samples" / "000000000320.png"
    grid.write_bytes(grid.read_bytes()[:-100])
    (run / "data.png").write_text("no image")
    page = read(gan.report(run))
    listed = page.one("section", class_="missing").text
    assert "000000000320.png cannot be shown" in listed
    assert "data.png cannot be shown" in listed
    (stack,) = page.all("div", class_="stack")
    assert "hidden" not in stack.all("img")[-1].attributes
    assert stack.all("img")[-1].has(data_images="240")


def test_a_page_is_bounded_however_long_and_large_a_run_was(written, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 200_000)
    lines = [{"images": i, "terms": {"a/b": i % 7 / 7}, "rates": {"a": 0.1}} for i in range(20_000)]
    folder = written("run", None, lines, grids=tuple(range(0, 20_000, 200)), side=80)
    place = gan.report(folder)
    page = read(place)
    assert place.stat().st_size < 400_000 < (folder / "log.jsonl").stat().st_size
    assert len(page.all("img")) == 40
    assert "40 of 100 sample grids" in page.one("section", id="samples").text
    assert "the file has 80 x 80 pixels" in page.one("section", id="samples").text


# -- where it goes -------------------------------------------------------------------------------------------


def test_the_same_run_gives_the_same_page(run, tmp_path):
    first, second = gan.report(run), gan.report(str(run), tmp_path / "deep" / "page.html")
    assert (first, second) == (run / "report.html", tmp_path / "deep" / "page.html")
    assert first.read_bytes() == second.read_bytes()


def test_on_the_command_line(run, monkeypatch):
    assert re.fullmatch(rf"{run}/report.html \(0\.\d MiB\)\n", done("report", run))
    monkeypatch.chdir(run)
    assert done("report", ".", "--out", "a.html").startswith("a.html (")
    assert read(run / "a.html").one("h1").text == "run"


def test_no_run_and_no_page(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "is no run" in refused("report", tmp_path / "empty")
    assert "is no run" in refused("report", tmp_path / "nowhere")
    before = (run / "recipe.yaml").read_bytes()
    assert "give a name that ends in .html" in refused("report", run, "--out", run / "recipe.yaml")
    assert (run / "recipe.yaml").read_bytes() == before


def test_a_page_that_cannot_be_written_leaves_the_old_one(run, monkeypatch):
    place = gan.report(run)
    old = place.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganarium.common.files.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        gan.report(run)
    assert place.read_bytes() == old
    assert list(run.glob(".*.part")) == []
