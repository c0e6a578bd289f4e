"""Checkpoints: whole or not there, read without running code, kept by age."""

import os

import pytest
import torch

from ganarium.common import files
from ganarium.training.checkpoint import FORMAT, Checkpoints, CorruptFileError, read, write
from small_runs import differing, left_over

STATE = {
    "numbers": {"int": 3, "float": 0.1, "text": "Ganarium"},
    "list": [1, None, True],
    "tensors": [torch.arange(5), torch.randn(2, 3), torch.zeros(0), torch.tensor(1.5, dtype=torch.bfloat16)],
}


def test_what_is_written_is_read(tmp_path):
    write(tmp_path / "a.pt", STATE)
    state = read(tmp_path / "a.pt")
    assert state.pop("format") == FORMAT
    state["tensors"][-1], wanted = state["tensors"][-1].float(), {**STATE, "tensors": [*STATE["tensors"]]}
    wanted["tensors"][-1] = wanted["tensors"][-1].float()
    assert differing(state, wanted) == []


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CorruptFileError, match=r"a.pt cannot be read"):
        read(tmp_path / "a.pt")


def test_another_format_is_named(tmp_path):
    torch.save({"format": 7}, tmp_path / "a.pt")
    with pytest.raises(CorruptFileError, match=f"format 7; this program reads format {FORMAT}"):
        read(tmp_path / "a.pt")
    torch.save([1, 2], tmp_path / "b.pt")
    with pytest.raises(CorruptFileError, match="format 'list'"):
        read(tmp_path / "b.pt")


def test_the_newest_ones_stay(tmp_path):
    checkpoints = Checkpoints(tmp_path / "new", keep=2)
    for images in (5, 50, 1_000, 20_000_000_000):
        checkpoints.save(images, {"images": images})
    assert [read(path)["images"] for path in checkpoints.paths()] == [1_000, 20_000_000_000]
    assert checkpoints.newest(pytest.fail)["images"] == 20_000_000_000


def test_the_best_one_stays_until_there_is_a_better_one(tmp_path):
    checkpoints, best = Checkpoints(tmp_path, keep=2), {100: 100, 200: 100, 300: 100, 400: 100, 500: 500}
    left = []
    for images, when in best.items():
        checkpoints.save(images, {"images": images}, best=when)
        left.append([int(path.stem) for path in checkpoints.paths()])
    assert left == [[100], [100, 200], [100, 200, 300], [100, 300, 400], [400, 500]]


def test_none_yet(tmp_path):
    assert Checkpoints(tmp_path / "none").newest(pytest.fail) is None


def test_later_ones_were_damaged_and_go(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for images in (100, 200, 300):
        checkpoints.save(images, {"images": images})
    (tmp_path / "000000000300.pt").write_bytes(b"damaged")
    warned = []
    assert checkpoints.newest(warned.append)["images"] == 200
    assert len(warned) == 1
    checkpoints.save(250, {"images": 250})
    assert [path.stem.lstrip("0") for path in checkpoints.paths()] == ["200", "250"]


def test_a_file_is_replaced_at_once(tmp_path):
    path = tmp_path / "deep" / "file"
    files.write_text(path, "one")
    inode = path.stat().st_ino
    files.write_text(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_ino != inode
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failure_leaves_the_file_that_was(tmp_path):
    path = tmp_path / "file"
    files.write_text(path, "one")

    def half():
        with files.atomic_write(path) as file:
            file.write(b"tw")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert path.read_text() == "one"
    assert os.listdir(tmp_path) == ["file"]


def test_what_killed_writers_left_is_swept(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in (".0001.pt.abc.part", "sub/.model.safetensors.x.part", ".hidden", "a.part"):
        (tmp_path / name).write_text("")
    files.sweep(tmp_path)
    assert left_over(tmp_path) == []
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {".hidden", "a.part"}
