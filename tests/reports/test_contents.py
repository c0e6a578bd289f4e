"""Contents of run folders: complete, half-written or damaged."""

import os
import signal
import time

import pytest

import ganarium as gan
from ganarium.recipes.recipe import Recipe
from ganarium.reports import contents
from small_runs import DUEL, ended, forked

RECIPE = "method: gan\nimages: 1000\noptimizers: {}\n"


def line(images, **more):
    return {"round": images, "images": images, "terms": {"a/b": 1.0}, **more}


def test_a_finished_run_lacks_nothing(trained):
    found = contents.read(trained)
    assert found.missing == []
    assert (str(found.state), found.saved, found.has_model) == ("finished", 320, True)
    assert list(found.grids) == [0, 80, 160, 240, 320]
    assert (found.recipe.method, found.method.name) == ("dcgan", "dcgan")
    assert found.data == gan.inspect("world", size=16, count=48).lines()
    summary = dict(found.summary)
    assert (summary["images"], summary["data"], summary["seed"]) == ("320", "world", "0")
    assert summary["device"].startswith("cpu, 1 thread")
    assert summary["speed"].endswith("images/s")
    assert found.folder.is_absolute()
    assert contents.read(gan.Run(trained)).state == found.state


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([], "begun at 0 %"),
        ([line(1)], "interrupted at 0.1 %"),
        ([line(100), line(428)], "interrupted at 42.8 %"),
        ([line(999)], "interrupted at 99.9 %"),
        ([line(1000)], "finished"),
        ([line(1007)], "finished"),
    ],
)
def test_the_state_of_a_run(written, lines, state):
    assert str(contents.read(written("run", RECIPE, lines)).state) == state


def test_a_run_in_training_is_not_interrupted(tmp_path):
    plan = gan.prepare(DUEL, out=tmp_path / "run", images=10**9, every={"log": 16})
    child = forked(plan.finish)
    try:
        patience = time.monotonic() + 60
        while not plan.records and time.monotonic() < patience:
            time.sleep(0.05)
        assert contents.read(plan.folder).state.word == "training"
    finally:
        os.kill(child, signal.SIGKILL)
        ended(child)
    assert contents.read(plan.folder).state.word == "interrupted"


def test_reading_does_not_stop_a_run_from_training(run):
    contents.read(run)
    assert gan.resume(run, images=336).records[-1]["images"] == 336


def test_an_old_checkpoint_is_listed(run):
    (run / "checkpoints" / "000000000320.pt").unlink()
    (entry,) = contents.read(run).missing
    assert entry.startswith("the newest checkpoint is of 160 images")
    (run / "checkpoints" / "000000000160.pt").rename(run / "checkpoints" / "0x.pt")
    (entry,) = contents.read(run).missing
    assert entry.startswith("no checkpoint is saved")


def test_repeated_rounds_count_once_but_their_time_counts(written):
    folder = written("run", RECIPE, [line(100)])
    speeds = [(10, 5.0), (20, 6.0), (30, 7.0), (20, 8.0), (30, 9.0)]
    (folder / "speed.jsonl").write_text(
        "".join(f'{{"images": {i}, "seconds": {s}, "images_per_second": {s}}}\n' for i, s in speeds)
    )
    found = contents.read(folder)
    assert [(each["images"], each["seconds"]) for each in found.speed] == [(10, 5.0), (20, 8.0), (30, 9.0)]
    assert found.seconds == 35
    assert dict(found.summary)["speed"] == "8 images/s"


def test_lines_of_the_same_images_are_one(written):
    folder = written("run", RECIPE, [line(10), {"images": 10, "metrics": {"fid": 3.0}}, line(20)])
    found = contents.read(folder)
    assert [each.get("metrics") for each in found.log] == [{"fid": 3.0}, None]
    assert found.log[0]["terms"] == {"a/b": 1.0}


BAD_LINES = [
    b'{"round": 3, "ima',
    b"\xff\xfe\x00",
    b"5",
    b"[]",
    b'{"images": -1}',
    b'{"images": 1.5}',
    b'{"images": true}',
    b'{"images": NaN}',
    b'{"images": 1' + b"0" * 400 + b"}",
    b'{"terms": {}}',
]


@pytest.mark.parametrize("bad", BAD_LINES, ids=range(len(BAD_LINES)))
def test_invalid_lines_are_left_out_and_counted(written, bad):
    folder = written("run", RECIPE, [line(10)])
    with (folder / "log.jsonl").open("ab") as file:
        file.write(bad + b"\n" + b'{"images": 20}\n')
    found = contents.read(folder)
    assert [each["images"] for each in found.log] == [10, 20]
    assert any(each.startswith("log.jsonl: 1 of its lines ") for each in found.missing)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (":", "recipe.yaml cannot be used"),
        ("- 1\n", "recipe.yaml cannot be used: the recipe must be a table"),
        ("method: gan\n", "recipe.yaml cannot be used"),
        ("method: gan\nimages: many\noptimizers: {}\n", "recipe.yaml cannot be used"),
        (RECIPE + "zoom: 3\n", "unknown key zoom"),
        ("method: nope\nimages: 9\noptimizers: {}\n", "there is no method 'nope'"),
    ],
)
def test_invalid_recipes_are_listed_and_the_log_is_still_read(written, text, entry):
    found = contents.read(written("run", text, [line(10)]))
    assert any(entry in each for each in found.missing), found.missing
    assert found.method is None
    assert found.recipe_text == text
    assert len(found.log) == 1
    if "nope" in text:
        assert isinstance(found.recipe, Recipe)
        assert found.state.length == 9


@pytest.mark.parametrize("text", ["{", "[]", '{"sources": 3}', '{"source": "a", "classes": 5}'])
def test_damaged_data_files_are_listed(run, text):
    (run / "data.json").write_text(text)
    (entry,) = contents.read(run).missing
    assert entry.startswith("data.json cannot be used")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("recipe.yaml", "recipe.yaml is missing"),
        ("log.jsonl", "log.jsonl is missing"),
        ("speed.jsonl", "speed.jsonl is missing"),
        ("data.json", "data.json is missing"),
        ("model/config.json", "no model is saved"),
    ],
)
def test_missing_files_are_listed(run, name, entry):
    (run / name).unlink()
    assert any(each.startswith(entry) for each in contents.read(run).missing)


def test_a_folder_in_place_of_a_file_is_listed(run):
    (run / "log.jsonl").unlink()
    (run / "log.jsonl").mkdir()
    assert "log.jsonl cannot be read: Is a directory" in contents.read(run).missing


def test_a_run_that_has_just_begun(written):
    found = contents.read(written("run", RECIPE, []))
    assert "log.jsonl has no line yet" in found.missing
    assert "there is no sample grid" in found.missing
    assert (str(found.state), found.log, found.grids) == ("begun at 0 %", [], {})


def test_a_log_that_the_doctor_cannot_read_is_listed(written):
    lines = [line(i, players=7) for i in range(1, 20)]
    found = contents.read(written("run", RECIPE, lines))
    assert found.diagnoses is None
    assert any(each.startswith("the doctor cannot examine the run: ") for each in found.missing)


def test_no_run_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            FileNotFoundError, match=r"is no run: it has neither a recipe.yaml nor a log.jsonl"
        ):
            contents.read(folder)
