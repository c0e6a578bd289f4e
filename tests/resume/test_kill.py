"""Runs that are killed at any moment, and go on as if nothing had been."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

import ganarium as gan
from ganarium import files, methods, recipe
from ganarium.run import Run
from small_runs import DUEL, LADDER, assert_same, ended, failed, finished, forked, left_over, newest, spawn

LONG = {"images": 3200, "every": {"log": 32, "samples": 960, "checkpoint": 96}}


def play(plan, folder):
    """Begin the run, or go on with it."""
    if (folder / "recipe.yaml").exists():
        gan.resume(folder)
    else:
        Run(folder, recipe=plan).finish()


def signalled(plan, folder, number, after):
    """How a process that plays the run ends that is sent a signal `after` so many seconds."""
    child = forked(lambda: play(plan, folder))
    time.sleep(after)
    os.kill(child, number)
    return ended(child)


def lasting(plan, folder):
    started = time.perf_counter()
    assert ended(forked(lambda: play(plan, folder))) == 0
    return time.perf_counter() - started


def killed_often(plan, tmp_path, times, seed=0):
    """The run is killed at random moments, spread over the time it takes, then goes on to its end."""
    dice = random.Random(seed)
    seconds = lasting(plan, tmp_path / "whole")
    begun = 0.0
    for _ in range(times):
        code = signalled(plan, tmp_path / "run", signal.SIGKILL, dice.uniform(0, 2 * seconds / times))
        begun += code == -signal.SIGKILL
    assert begun >= times // 2, "most kills must hit"
    play(plan, tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_kill_9_at_ten_random_moments(tmp_path):
    killed_often(recipe.resolve(DUEL, LONG), tmp_path, 10)


def test_kill_9_in_a_campaign(tmp_path):
    killed_often(recipe.resolve(LADDER, LONG), tmp_path, 6, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan", "dcgan", "wgan-gp", "sngan", "cgan"])
def test_kill_9_of_each_method(tmp_path, name):
    method = methods.find(name)
    every = {"log": 16, "samples": 160, "checkpoint": 32}
    plan = recipe.resolve(method, recipe.TINY, method.tiny, {"images": 800, "device": "cpu", "every": every})
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


STEPS = (
    "model.safetensors",
    "README.md",
    "config.json",
    "000000000320.pt",
    "recipe.yaml",
    "000000000000.png",
)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("moment", ["half written", "before the rename", "after the rename"])
def test_kill_9_while_a_file_is_written(tmp_path, name, moment):
    """Each file that a run writes is whole or not there, and whatever stands in the folder can go on."""
    plan = recipe.resolve(DUEL, {"images": 320, "every": {"checkpoint": 160}})
    Run(tmp_path / "whole", recipe=plan).finish()

    def killing():
        replace = os.replace

        def dying(source, target):
            if Path(target).name != name:
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
    assert gan.load(tmp_path / "run").images == 320


@pytest.mark.parametrize("stage", [0, 1, 2])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_kill_9_between_a_stages_last_checkpoint_and_the_next_stage(tmp_path, stage, moment):
    plan = recipe.resolve(LADDER, {"images": 320, "every": {"checkpoint": 80, "log": 40}})
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
    plan = recipe.resolve(DUEL, LONG)
    seconds = lasting(plan, tmp_path / "whole")

    def told():
        try:
            play(plan, tmp_path / "run")
        except gan.Interrupted as order:
            os._exit(order.signal_number)

    dice, obeyed = random.Random(int(number)), 0
    for _ in range(3):
        child = forked(told)
        time.sleep(0.2 + dice.uniform(0, seconds / 4))
        os.kill(child, number)
        code = ended(child)
        assert code in (0, number), "told to stop it saves and says so; only a finished run ends by itself"
        obeyed += code == number
    assert obeyed
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
    plan = recipe.resolve(DUEL, {"images": 1600, "every": {"log": 16, "checkpoint": 1600}})
    with pytest.raises(gan.Interrupted, match="after 160 images"):
        ordered_at(144, plan, tmp_path / "run", signal.SIGINT)
    assert newest(tmp_path / "run")["images"] == 160
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_order_heard_twice_at_once_is_one_order(tmp_path):
    """torchrun hands on what the terminal has told everybody already."""
    plan = recipe.resolve(DUEL, {"images": 1600, "every": {"log": 16, "checkpoint": 1600}})
    with pytest.raises(gan.Interrupted):
        ordered_at(16, plan, tmp_path / "run", signal.SIGINT, signal.SIGTERM)


def test_an_order_repeated_stops_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("ganarium.trainer.SAME_ORDER", 0.0)
    plan = recipe.resolve(DUEL, {"images": 1600, "every": {"log": 16}})
    with pytest.raises(KeyboardInterrupt):
        ordered_at(16, plan, tmp_path / "run", signal.SIGINT, signal.SIGINT)


def test_told_to_stop_in_its_last_round_a_run_is_finished(tmp_path):
    plan = recipe.resolve(DUEL, {"images": 64, "every": {"log": 16}})
    ordered_at(48, plan, tmp_path / "run", signal.SIGTERM)
    assert newest(tmp_path / "run")["images"] == 64


def test_the_folder_is_free_after_kill_9(tmp_path):
    plan = recipe.resolve(DUEL, LONG)
    assert signalled(plan, tmp_path / "run", signal.SIGKILL, 0.3) == -signal.SIGKILL
    gan.resume(tmp_path / "run", images=2400)
