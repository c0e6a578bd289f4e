"""Runs that are killed at any moment, and go on as if nothing had been."""

import itertools
import os
import random
import signal
import time
from pathlib import Path

import pytest

import ganarium as gan
from ganarium import methods
from ganarium.common import files
from ganarium.evaluation.during_training import BEST, Evaluation
from ganarium.monitoring import log
from ganarium.recipes.resolve import TINY, resolve
from ganarium.training.run import Run
from small_runs import (
    DUEL,
    LADDER,
    assert_same,
    ended,
    failed,
    finished,
    forked,
    known,
    left_over,
    newest,
    spawn,
)

LONG = {"images": 3200, "every": {"log": 32, "samples": 960, "checkpoint": 96}}


@pytest.fixture(autouse=True)
def _known():
    known()


def play(plan, folder):
    """Begin the run, or go on with it."""
    if (folder / "recipe.yaml").exists():
        gan.resume(folder)
    else:
        Run(folder, recipe=plan).finish()


def signalled(work, folder, number, images, delay=0.0):
    """How a process ends that does `work` and is sent a signal `delay` seconds after so many images."""
    child, patience = forked(work), time.monotonic() + 60
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if (records := log.read(folder)) and records[-1]["images"] >= images:
            time.sleep(delay)
            os.kill(child, number)
            break
        assert time.monotonic() < patience, f"not {images} images in a minute"
        time.sleep(0.001)
    return ended(child)


def moments(plan, times, seed):
    """Random moments of a run, in order: images shown, and seconds to wait after that."""
    shared_random = random.Random(seed)
    images = sorted(shared_random.uniform(0, plan.images) for _ in range(times))
    return [(each, shared_random.uniform(0, 0.02)) for each in images]


def killed_often(plan, tmp_path, times, seed=0):
    """The run is killed again and again, at random moments all over it, then goes on to its end."""
    Run(tmp_path / "whole", recipe=plan).finish()
    codes = [
        signalled(lambda: play(plan, tmp_path / "run"), tmp_path / "run", signal.SIGKILL, images, delay)
        for images, delay in moments(plan, times, seed)
    ]
    assert codes.count(-signal.SIGKILL) >= times - 2, "only the last ones may come too late"
    play(plan, tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_kill_9_at_ten_random_moments(tmp_path):
    killed_often(resolve(DUEL, LONG), tmp_path, 10)


def test_kill_9_in_a_campaign(tmp_path):
    killed_often(resolve(LADDER, LONG), tmp_path, 6, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan", "dcgan", "wgan-gp", "sngan", "cgan"])
def test_kill_9_of_each_method(tmp_path, name):
    method = methods.find(name)
    every = {"log": 16, "samples": 160, "checkpoint": 32}
    plan = resolve(method, TINY, method.tiny, {"images": 800, "device": "cpu", "every": every})
    killed_often(plan, tmp_path, 3)


def test_kill_9_of_a_process_of_its_own(tmp_path):
    keys = ["images=64_000", "every.checkpoint=64", "every.log=320"]
    process = spawn("train", "duel", tmp_path / "run", *keys)
    patience = time.monotonic() + 60
    while not list((tmp_path / "run").glob("checkpoints/*.pt")) and time.monotonic() < patience:
        time.sleep(0.05)
    process.kill()
    failed(process)
    images = newest(tmp_path / "run")["images"]
    assert 0 < images < 64_000
    finished(spawn("resume", tmp_path / "run", f"images={images + 640}"))
    assert newest(tmp_path / "run")["images"] == images + 640


STEPS = [
    ("recipe.yaml", 1),
    ("data.json", 1),
    ("data.json", 2),
    ("data.png", 1),
    ("000000000000.png", 1),
    ("model.safetensors", 1),
    ("model.safetensors", 2),
    ("README.md", 2),
    ("config.json", 1),
    ("config.json", 2),
    ("000000000160.pt", 1),
    ("000000000320.pt", 1),
]
"""Files, and which time each of them is written."""


@pytest.mark.parametrize(("name", "time"), STEPS)
@pytest.mark.parametrize("moment", ["half written", "before the rename", "after the rename"])
def test_kill_9_while_a_file_is_written(tmp_path, name, time, moment):
    """Each file that a run writes is whole or not there, and whatever stands in the folder can go on."""
    plan = resolve(DUEL, {"images": 320, "every": {"checkpoint": 160}})
    killed_while_written(plan, tmp_path, moment, lambda path: path.name == name, time)
    assert gan.load(tmp_path / "run").images == 320


def killed_while_written(plan, tmp_path, moment, this, time):
    """The run is killed while it writes `this` file for the so many-th time, then goes on to its end."""
    Run(tmp_path / "whole", recipe=plan).finish()

    def killing():
        replace, times = os.replace, itertools.count(1)

        def dying(source, target):
            if not this(Path(target)) or next(times) < time:
                return replace(source, target)
            if moment == "half written":
                os.truncate(source, os.path.getsize(source) // 2)
            if moment == "after the rename":
                replace(source, target)
            os.kill(os.getpid(), signal.SIGKILL)

        files.os.replace = dying
        play(plan, tmp_path / "run")

    assert ended(forked(killing)) == -signal.SIGKILL
    assert len(left_over(tmp_path / "run")) == (moment != "after the rename")
    play(plan, tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "whole")


JUDGED = {"evaluate": {"every": 64, "count": 50}}


@pytest.mark.parametrize("name", [f"{BEST}/model.safetensors", f"{BEST}/config.json", "000000000192.pt"])
@pytest.mark.parametrize("moment", ["half written", "before the rename", "after the rename"])
def test_kill_9_while_the_best_is_written(tmp_path, name, moment, monkeypatch):
    """Better, worse, better: the second best is the one at 192."""
    worth = {64: 3.0, 128: 4.0, 192: 1.0, 256: 2.0, 320: 2.0}
    values = lambda _, model, *__: {"sliced_wasserstein": worth[model.images]}  # noqa: E731
    monkeypatch.setattr(Evaluation, "values", values)
    plan = resolve(DUEL, {"images": 320, "every": {"checkpoint": 160}}, JUDGED)
    time = 2 if name.startswith(BEST) else 1
    killed_while_written(plan, tmp_path, moment, lambda path: str(path).endswith(name), time)
    assert gan.load(tmp_path / "run" / BEST).images == 192


def test_kill_9_of_a_run_that_is_judged(tmp_path):
    killed_often(resolve(DUEL, LONG, {"evaluate": {"every": 320, "count": 50}}), tmp_path, 3, seed=2)


@pytest.mark.slow
def test_kill_9_of_a_campaign_that_is_judged(tmp_path):
    killed_often(resolve(LADDER, LONG, {"evaluate": {"every": 320, "count": 50}}), tmp_path, 2, seed=3)


@pytest.mark.parametrize("stage", [0, 1, 2])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_kill_9_between_a_stages_last_checkpoint_and_the_next_stage(tmp_path, stage, moment):
    plan = resolve(LADDER, {"images": 320, "every": {"checkpoint": 80, "log": 40}})
    Run(tmp_path / "whole", recipe=plan).finish()

    def killing():
        replace = os.replace

        def dying(source, target):
            mine = Path(target).name == f"stage-step {stage}%2F3.pt"
            if not mine or moment == "after":
                replace(source, target)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)

        files.os.replace = dying
        play(plan, tmp_path / "run")

    assert ended(forked(killing)) == -signal.SIGKILL
    # Killed again in the next stage: by then the finished one stands in its file alone.
    child = forked(lambda: next(iter(Run(tmp_path / "run").play()), None))
    assert ended(child) == 0
    play(plan, tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "whole")
    stages = {p.name: p.exists() for p in (tmp_path / "whole" / "checkpoints").glob("stage-*.pt")}
    assert len(stages) == 3
    assert all((tmp_path / "run" / "checkpoints" / name).exists() for name in stages)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_order_to_stop_is_obeyed_at_the_rounds_end(tmp_path, number):
    plan = resolve(DUEL, LONG)
    Run(tmp_path / "whole", recipe=plan).finish()

    def told():
        try:
            play(plan, tmp_path / "run")
        except gan.TrainingInterrupted as order:
            os._exit(order.signal_number)

    shared_random = random.Random(int(number))
    for images in (400, 1300, 2200):
        assert signalled(told, tmp_path / "run", number, images, shared_random.uniform(0, 0.02)) == number
    play(plan, tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "whole")


def ordered_at(images, plan, folder, *numbers):
    """Play, and send this process signals when so many images are shown."""
    for progress in Run(folder, recipe=plan).play():
        if progress.images == images:
            for number in numbers:
                signal.raise_signal(number)


def test_what_an_order_saved_is_the_round_it_was_given_in(tmp_path):
    """Not the last checkpoint that was due: nothing that was played is lost."""
    before = signal.getsignal(signal.SIGINT)  # not Python's own in a job that runs in the background
    plan = resolve(DUEL, {"images": 1600, "every": {"log": 16, "checkpoint": 1600}})
    with pytest.raises(gan.TrainingInterrupted, match="after 160 images"):
        ordered_at(144, plan, tmp_path / "run", signal.SIGINT)
    assert newest(tmp_path / "run")["images"] == 160
    assert signal.getsignal(signal.SIGINT) is before


def test_an_order_heard_twice_at_once_is_one_order(tmp_path):
    """torchrun hands on what the terminal has told everybody already."""
    plan = resolve(DUEL, {"images": 1600, "every": {"log": 16, "checkpoint": 1600}})
    with pytest.raises(gan.TrainingInterrupted):
        ordered_at(16, plan, tmp_path / "run", signal.SIGINT, signal.SIGTERM)


def test_an_order_repeated_stops_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("ganarium.training.signals.SAME_REQUEST", 0.0)
    plan = resolve(DUEL, {"images": 1600, "every": {"log": 16}})
    with pytest.raises(KeyboardInterrupt):
        ordered_at(16, plan, tmp_path / "run", signal.SIGINT, signal.SIGINT)


def test_told_to_stop_in_its_last_round_a_run_is_finished(tmp_path):
    plan = resolve(DUEL, {"images": 64, "every": {"log": 16}})
    ordered_at(48, plan, tmp_path / "run", signal.SIGTERM)
    assert newest(tmp_path / "run")["images"] == 64


def test_killed_before_its_first_checkpoint_a_run_begins_anew_and_says_so(tmp_path):
    plan = resolve(DUEL, {"images": 160, "every": {"log": 16, "checkpoint": 160}})
    Run(tmp_path / "whole", recipe=plan).finish()

    def dying():
        for progress in Run(tmp_path / "run", recipe=plan).play():
            if progress.images == 96:
                os.kill(os.getpid(), signal.SIGKILL)

    assert ended(forked(dying)) == -signal.SIGKILL
    assert len(Run(tmp_path / "run").records) == 6
    said = []
    gan.resume(tmp_path / "run", notify=said.append)
    assert [line for line in said if not line.startswith("doctor:")] == [
        "the run has no checkpoint yet: it starts from the beginning"
    ]
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_the_folder_is_free_after_kill_9(tmp_path):
    plan = resolve(DUEL, LONG)
    folder = tmp_path / "run"
    assert signalled(lambda: play(plan, folder), folder, signal.SIGKILL, 480) == -signal.SIGKILL
    gan.resume(tmp_path / "run", images=2400)
