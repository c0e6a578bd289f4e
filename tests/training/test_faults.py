"""Tests of faults of files, disk and numbers: nothing is lost, and messages say what to do."""

import contextlib
import errno
import io
import os
import pickle
import random
import resource
import shutil
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import ganarium as gan
from ganarium.common import files
from ganarium.monitoring.log import NonFiniteError
from ganarium.training import checkpoint
from ganarium.training.checkpoint import Checkpoints, CorruptFileError
from ganarium.training.run import Run
from small_runs import (
    DUEL,
    LADDER,
    assert_same,
    differing,
    ended,
    failed,
    forked,
    left_over,
    newest,
    spawn,
)

HALF = {"images": 320, "every": {"checkpoint": 64, "log": 32, "samples": 320}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished run; tests damage copies of it."""
    return gan.train(DUEL, out=tmp_path_factory.mktemp("finished") / "run", **HALF).folder


@pytest.fixture
def run(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


# -- checkpoints that are damaged ----------------------------------------------------------------------


def cut_off(path):
    os.truncate(path, path.stat().st_size * 2 // 3)


def emptied(path):
    path.write_bytes(b"")


def flipped(path):
    """Flip one bit of a tensor."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        tensor = archive.read(next(name for name in archive.namelist() if name.endswith("data/0")))
    data[data.index(tensor)] ^= 1
    path.write_bytes(data)


def another_format(path):
    torch.save({"format": 99}, path)


def no_checkpoint(path):
    path.write_text("not at all a checkpoint\n")


DAMAGES = [cut_off, emptied, flipped, another_format, no_checkpoint]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(run, finished, damage):
    *_, before, last = Checkpoints(run / "checkpoints").paths()
    damage(last)
    messages = []
    gan.resume(run, notify=messages.append)
    assert any(last.name in line and "falling back to the one before" in line for line in messages)
    assert not any(before.name in line for line in messages)
    assert_same(run, finished)


def test_two_damaged_checkpoints(run, finished):
    *_, before, last = Checkpoints(run / "checkpoints").paths()
    cut_off(last), flipped(before)
    messages = []
    gan.resume(run, notify=messages.append)
    assert [line for line in messages if before.name in line]
    assert [line for line in messages if last.name in line]
    assert_same(run, finished)


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_an_intact_checkpoint_nothing_is_changed(run, damage):
    for path in Checkpoints(run / "checkpoints").paths():
        damage(path)
    before = contents(run)
    with pytest.raises(CorruptFileError, match=r"none of the 3 checkpoints in .* can be read"):
        gan.resume(run)
    assert contents(run) == before


def test_a_damaged_checkpoint_never_displaces_an_intact_one(run):
    """Keep one checkpoint: the next one that is saved must stay, not the newest one, which is damaged."""
    flipped(Checkpoints(run / "checkpoints").paths()[-1])
    for _ in Run(run).changed({"keep_checkpoints": 1, "every": {"checkpoint": 16}}).play():
        break
    (only,) = Checkpoints(run / "checkpoints").paths()
    assert 256 <= checkpoint.read(only)["images"] < 320


@pytest.mark.parametrize("seed", range(3))
def test_any_flipped_bit_is_noticed_or_harmless(finished, tmp_path, seed):
    data = max((finished / "checkpoints").glob("[0-9]*.pt")).read_bytes()
    sound, shared_random, path = newest(finished), random.Random(seed), tmp_path / "flipped.pt"
    noticed = 0
    for _ in range(60):
        damaged = bytearray(data)
        damaged[shared_random.randrange(len(data))] ^= 1 << shared_random.randrange(8)
        path.write_bytes(damaged)
        try:
            assert differing(checkpoint.read(path), sound) == []
        except CorruptFileError:
            noticed += 1
    assert noticed >= 20


def test_a_finished_stage_that_is_lost_or_damaged_is_named(tmp_path):
    whole = tmp_path / "run"
    for progress in gan.prepare(LADDER, out=whole, images=320):
        if progress.stage == "step 2/3":
            break
    file = whole / "checkpoints" / "stage-step 0%2F3.pt"
    sound, before = file.read_bytes(), contents(whole)
    for damage in (emptied, Path.unlink):
        damage(file)
        with pytest.raises(
            CorruptFileError, match=r"stage-step 0%2F3.pt.*'step 2/3' is built on stage 'step 0/3'"
        ):
            gan.resume(whole)
        file.write_bytes(sound)
    assert contents(whole) == before
    gan.resume(whole)


# -- code that would run -------------------------------------------------------------------------------


class Payload:
    """Object that runs code when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (str(self.trace),))


@pytest.fixture
def trace(tmp_path):
    """Return the folder that the payload would create; check that it did not."""
    path = tmp_path / "the payload ran"
    pickle.loads(pickle.dumps(Payload(path)))
    assert path.is_dir(), "the payload works"
    path.rmdir()
    yield path
    assert not path.exists(), "the payload ran"


def plain_pickle(path, payload):
    path.write_bytes(pickle.dumps(payload))


def torch_pickle(path, payload):
    torch.save({"format": checkpoint.FORMAT, "engine": payload}, path)


def old_torch_pickle(path, payload):
    torch.save({"format": checkpoint.FORMAT, "engine": payload}, path, _use_new_zipfile_serialization=False)


def array_of_objects(path, payload):
    with path.open("wb") as file:
        np.savez(file, images=np.array([payload], dtype=object))


PICKLES = [plain_pickle, torch_pickle, old_torch_pickle]


@pytest.mark.parametrize("write", PICKLES)
def test_code_in_place_of_a_checkpoint_is_not_run(run, finished, trace, write):
    write(Checkpoints(run / "checkpoints").paths()[-1], Payload(trace))
    messages = []
    gan.resume(run, notify=messages.append)
    assert any("falling back" in line for line in messages)
    assert_same(run, finished)


@pytest.mark.parametrize("write", [*PICKLES, array_of_objects])
def test_code_in_place_of_weights_is_not_run(run, trace, write):
    write(run / "model" / "model.safetensors", Payload(trace))
    with pytest.raises(ValueError, match=r"model.safetensors is damaged"):
        gan.load(run)


@pytest.mark.parametrize("name", ["images.npz", "images.pt", "images.pkl", "images.npy", "images.zip"])
@pytest.mark.parametrize("write", [*PICKLES, array_of_objects])
def test_code_in_place_of_data_is_not_run(tmp_path, trace, write, name):
    write(tmp_path / name, Payload(trace))
    with pytest.raises(ValueError, match=name):
        gan.train("gan", data=tmp_path / name, out=tmp_path / "run", images=64, device="cpu")


def test_code_among_files_is_not_run(tmp_path, trace):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.pkl", "b.pt", "c.npz", "labels.npy"):
        plain_pickle(folder / name, Payload(trace))
    with pytest.raises(ValueError, match="pictures"):
        gan.train("gan", data=folder, out=tmp_path / "run", images=64, device="cpu")


def test_code_in_a_recipe_is_not_run(run, trace):
    (run / "recipe.yaml").write_text(f"method: !!python/object/apply:os.mkdir [{str(trace)!r}]\n")
    with pytest.raises(ValueError, match=r"recipe.yaml is not YAML"):
        gan.resume(run)


# -- no room -------------------------------------------------------------------------------------------


class Full(io.RawIOBase):
    """File on a disk with room for a number of bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if self.room < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


WRITTEN = ["000000000128.pt", "model.safetensors", "config.json", "recipe.yaml", "000000000160.png"]


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_leaves_the_old_files(tmp_path, monkeypatch, name, room):
    keys = {**HALF, "every": {"checkpoint": 64, "log": 32, "samples": 160}}
    whole = gan.train(DUEL, out=tmp_path / "whole", **keys).folder
    folder = tmp_path / "run"
    for _ in gan.prepare(DUEL, out=folder, **keys):
        break
    before = contents(folder)
    atomic_write = files.atomic_write

    @contextlib.contextmanager
    def full(path):
        with atomic_write(path) as file:
            yield Full(file, room) if path.name == name else file

    with monkeypatch.context() as patch:
        for module in ("common.files", "training.checkpoint", "models.storage", "common.grids"):
            patch.setattr(f"ganarium.{module}.atomic_write", full)
        with pytest.raises(OSError, match="No space left") as caught:
            gan.resume(folder)
    assert caught.value.errno == errno.ENOSPC
    assert Path(caught.value.filename).name == name
    assert left_over(folder) == []
    for path in before:
        assert path.suffix == ".jsonl" or path.exists()
    for path in Checkpoints(folder / "checkpoints").paths():
        checkpoint.read(path)
    assert gan.load(folder).generate(2).shape == (2, 2)
    gan.resume(folder)
    assert_same(folder, whole)


def test_a_real_limit_on_the_size_of_files(run, tmp_path):
    """Let the system refuse to write more, as with a quota or a full disk."""
    Checkpoints(run / "checkpoints").paths()[-1].unlink()
    before = {p: p.read_bytes() for p in Checkpoints(run / "checkpoints").paths()}
    size = next(iter(before)).stat().st_size

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
        try:
            gan.resume(run)
        except OSError as error:
            (tmp_path / "message").write_text(str(error))

    assert ended(forked(limited)) == 0
    assert "too large" in (tmp_path / "message").read_text()
    assert {p: p.read_bytes() for p in Checkpoints(run / "checkpoints").paths()} == before
    assert left_over(run) == []
    gan.resume(run)
    assert newest(run)["images"] == 320


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(run):
    (run / "checkpoints").chmod(0o500)
    with pytest.raises(PermissionError):
        gan.resume(run, images=640)
    (run / "checkpoints").chmod(0o700)


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises((FileExistsError, NotADirectoryError)):
        gan.train(DUEL, out=tmp_path / "run", **HALF)


# -- two at once ---------------------------------------------------------------------------------------


def test_the_second_process_in_a_folder_is_refused(tmp_path):
    folder = tmp_path / "run"
    playing = gan.prepare(DUEL, out=folder, **HALF).play()
    next(playing)
    recipe = (folder / "recipe.yaml").read_bytes()
    output = failed(spawn("resume", folder, "images=64_000"))
    assert f"another process ({os.getpid()}) is training in {folder}" in output
    assert (folder / "recipe.yaml").read_bytes() == recipe, "its changes are not those of the run"
    with pytest.raises(RuntimeError, match="is training in"):
        gan.resume(folder)
    playing.close()
    gan.resume(folder)


def test_the_lock_dies_with_its_process(tmp_path):
    folder = tmp_path / "run"

    def dying():
        for _ in gan.prepare(DUEL, out=folder, **HALF).play():
            os.kill(os.getpid(), signal.SIGKILL)

    assert ended(forked(dying)) == -signal.SIGKILL
    assert (folder / ".lock").read_text()
    gan.resume(folder)


# -- numbers that are none -----------------------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(NonFiniteError, match=r"generator/fool.*before image 224.*lr.*clip_norm"):
        gan.train(DUEL, out=folder, **HALF, game={"fault": "loss", "after": 12})
    assert newest(folder)["images"] == 192
    assert all(torch.isfinite(v).all() for v in newest(folder)["engine"]["game"].values() if v.numel())
    assert all(record["images"] <= 192 for record in Run(folder).records)
    assert gan.load(folder).generate(4).isfinite().all()
    assert gan.resume(folder, game={"fault": ""}).records[-1]["images"] == 320


def test_weights_that_are_no_number_are_not_saved(tmp_path):
    """Make weights infinite by the last step of a round whose terms are finite."""
    folder = tmp_path / "run"
    keys = {**HALF, "every": {"checkpoint": 16, "log": 320}}
    with pytest.raises(
        NonFiniteError, match=r"weights of generator.*before image 160.*optimizers.generator.lr"
    ):
        gan.train(DUEL, out=folder, **keys, game={"fault": "weights", "after": 9})
    assert newest(folder)["images"] == 144
    assert gan.load(folder).generate(4).isfinite().all()


def test_a_run_told_to_stop_does_not_save_what_is_no_number(tmp_path):
    folder = tmp_path / "run"
    keys = {**HALF, "every": {"checkpoint": 64, "log": 16}}
    run = iter(gan.prepare(DUEL, out=folder, **keys, game={"fault": "weights", "after": 6}))
    while next(run).images < 112:
        pass
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(NonFiniteError):
        next(run)
    assert newest(folder)["images"] == 64


def test_an_error_in_the_middle_of_a_round_saves_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    play = DUEL.game.play

    def failing(self, data, clock):
        script = play(self, data, clock)
        yield next(script)
        if clock.round == 7:
            raise ZeroDivisionError
        yield from script

    monkeypatch.setattr(DUEL.game, "play", failing)
    with pytest.raises(ZeroDivisionError):
        gan.train(DUEL, out=folder, **HALF)
    monkeypatch.undo()
    assert newest(folder)["images"] == 64
    whole = gan.train(DUEL, out=tmp_path / "whole", **HALF).folder
    gan.resume(folder)
    assert_same(folder, whole)


# -- the zip that a checkpoint is ----------------------------------------------------------------------


def test_a_checkpoint_holds_no_pickled_code(finished):
    with zipfile.ZipFile(max((finished / "checkpoints").glob("[0-9]*.pt"))) as archive:
        (script,) = [archive.read(name) for name in archive.namelist() if name.endswith("data.pkl")]
    words = {b"torch._utils _rebuild_tensor_v2", b"collections OrderedDict", b"torch FloatStorage"}
    assert all(word.replace(b" ", b"\n") in script for word in words)
    assert b"cganarium" not in script, "nothing of the package is named for import"
