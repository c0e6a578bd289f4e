"""What run folders tell, whole, half-written or broken."""

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
    told = contents.read(trained)
    assert told.missing == []
    assert (str(told.state), told.saved, told.has_model) == ("finished", 320, True)
    assert list(told.sheets) == [0, 80, 160, 240, 320]
    assert (told.recipe.method, told.method.name) == ("dcgan", "dcgan")
    assert told.data == gan.inspect("world", size=16, count=48).lines()
    spec = dict(told.spec)
    assert (spec["images"], spec["data"], spec["seed"]) == ("320", "world", "0")
    assert spec["device"].startswith("cpu, 1 thread")
    assert spec["speed"].endswith("images/s")
    assert told.folder.is_absolute()
    assert contents.read(gan.Run(trained)).state == told.state


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
def test_how_far_a_run_has_come(written, lines, state):
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


def test_to_look_does_not_stop_a_run_from_training(run):
    contents.read(run)
    assert gan.resume(run, images=336).records[-1]["images"] == 336


def test_an_old_checkpoint_is_said(run):
    (run / "checkpoints" / "000000000320.pt").unlink()
    assert contents.read(run).missing == [
        "the newest checkpoint is of 160 images: the run goes on from there"
    ]
    (run / "checkpoints" / "000000000160.pt").rename(run / "checkpoints" / "0x.pt")
    assert contents.read(run).missing == ["no checkpoint is saved: the run can only begin anew"]


def test_what_was_played_again_counts_once_but_takes_its_time(written):
    folder = written("run", RECIPE, [line(100)])
    speeds = [(10, 5.0), (20, 6.0), (30, 7.0), (20, 8.0), (30, 9.0)]
    (folder / "speed.jsonl").write_text(
        "".join(f'{{"images": {i}, "seconds": {s}, "images_per_second": {s}}}\n' for i, s in speeds)
    )
    told = contents.read(folder)
    assert [(each["images"], each["seconds"]) for each in told.speed] == [(10, 5.0), (20, 8.0), (30, 9.0)]
    assert told.seconds == 35
    assert dict(told.spec)["speed"] == "8 images/s"


def test_lines_of_the_same_images_are_one(written):
    folder = written("run", RECIPE, [line(10), {"images": 10, "metrics": {"fid": 3.0}}, line(20)])
    told = contents.read(folder)
    assert [each.get("metrics") for each in told.log] == [{"fid": 3.0}, None]
    assert told.log[0]["terms"] == {"a/b": 1.0}


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
def test_lines_that_are_none_are_left_out_and_counted(written, bad):
    folder = written("run", RECIPE, [line(10)])
    with (folder / "log.jsonl").open("ab") as file:
        file.write(bad + b"\n" + b'{"images": 20}\n')
    told = contents.read(folder)
    assert [each["images"] for each in told.log] == [10, 20]
    assert "log.jsonl: 1 of its lines are cut off or no lines of a log, and are left out" in told.missing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (":", "recipe.yaml cannot be used"),
        ("- 1\n", "recipe.yaml cannot be used: the recipe must be a table"),
        ("method: gan\n", "recipe.yaml cannot be used"),
        ("method: gan\nimages: many\noptimizers: {}\n", "recipe.yaml cannot be used"),
        (RECIPE + "zoom: 3\n", "unknown key zoom"),
        ("method: nope\nimages: 9\noptimizers: {}\n", "there is no method 'nope'"),
    ],
)
def test_recipes_that_cannot_be_used_are_told_and_the_log_is_still_read(written, text, says):
    told = contents.read(written("run", text, [line(10)]))
    assert any(says in gap for gap in told.missing), told.missing
    assert told.method is None
    assert told.recipe_text == text
    assert len(told.log) == 1
    if "nope" in text:
        assert isinstance(told.recipe, Recipe)
        assert told.state.length == 9


@pytest.mark.parametrize("text", ["{", "[]", '{"sources": 3}', '{"source": "a", "classes": 5}'])
def test_damaged_data_files_are_told(run, text):
    (run / "data.json").write_text(text)
    (gap,) = contents.read(run).missing
    assert gap.startswith("data.json cannot be used")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("recipe.yaml", "recipe.yaml is missing"),
        ("log.jsonl", "log.jsonl is missing"),
        ("speed.jsonl", "speed.jsonl is missing"),
        ("data.json", "data.json is missing: what was recognised in the data is not known"),
        ("model/config.json", "no model is saved: there is nothing to draw samples with"),
    ],
)
def test_what_is_missing_is_told(run, name, says):
    (run / name).unlink()
    assert says in contents.read(run).missing


def test_a_folder_in_a_files_place_is_told(run):
    (run / "log.jsonl").unlink()
    (run / "log.jsonl").mkdir()
    assert "log.jsonl cannot be read: Is a directory" in contents.read(run).missing


def test_a_run_that_has_just_begun(written):
    told = contents.read(written("run", RECIPE, []))
    assert "log.jsonl has no line yet" in told.missing
    assert "there is no sheet of samples" in told.missing
    assert (str(told.state), told.log, told.sheets) == ("begun at 0 %", [], {})


def test_a_log_that_the_doctor_cannot_read_is_told(written):
    lines = [line(i, players=7) for i in range(1, 20)]
    told = contents.read(written("run", RECIPE, lines))
    assert told.diagnoses is None
    assert any(gap.startswith("the doctor cannot examine the run: ") for gap in told.missing)


def test_no_run_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            FileNotFoundError, match=r"is no run: it has neither a recipe.yaml nor a log.jsonl"
        ):
            contents.read(folder)
