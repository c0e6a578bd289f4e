"""Several processes play one match: they equal one process, agree, and end together."""

import os
import re
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

import ganarium as gan
from ganarium.core import processes
from ganarium.monitoring import log
from ganarium.training.run import Run, prepare
from small_runs import (
    DUEL,
    differing,
    environment,
    failed,
    finished,
    known,
    left_over,
    newest,
    side_by_side,
    spawn,
)

STEADY = [f"optimizers.{player}.schedule.kind=constant" for player in ("generator", "discriminator")]
SHORT = [*STEADY, "images=256", "every.log=64", "every.checkpoint=64", "every.samples=256"]
SAME_NOISE = [*SHORT, "game.noise=with the data"]


def trained(folder, *settings, processes=2):
    """A new run, played by several processes to its end."""
    said = attempted(folder, *settings, processes=processes)
    assert not any("Traceback" in text for text in said), said
    return folder


def attempted(folder, *settings, processes=2):
    """What the processes said."""
    run = prepare(DUEL, out=folder, overrides=settings)
    return side_by_side(run.finish, folder.parent / f"{folder.name} said", processes=processes)


def resumed(folder, processes=2, **changes):
    said = side_by_side(lambda: gan.resume(folder, **changes), folder.parent / "said", processes=processes)
    assert not any("Traceback" in text for text in said), said


def far(ours, theirs):
    """The greatest distance between two runs' weights and averages, and their logs' terms."""
    far_off = 0.0
    for part in ("game", "averages"):
        left, right = newest(ours)["engine"][part], newest(theirs)["engine"][part]
        for (name, a), b in zip(flat(left), (value for _, value in flat(right)), strict=True):
            if a.is_floating_point() and a.numel():
                far_off = max(far_off, (a - b).abs().max().item())
            else:
                assert torch.equal(a, b), name
    for left, right in zip(Run(ours).records, Run(theirs).records, strict=True):
        assert left["terms"].keys() == right["terms"].keys()
        far_off = max(far_off, *(abs(left["terms"][k] - right["terms"][k]) for k in left["terms"]))
    return far_off


def flat(tree, path=""):
    for key, value in sorted(tree.items()):
        if isinstance(value, torch.Tensor):
            yield f"{path}{key}", value
        else:
            yield from flat(value, f"{path}{key}.")


def without_norm():
    return ["networks.generator.norm=false", "networks.discriminator.norm=false"]


@pytest.fixture(autouse=True)
def _known():
    known()


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """One process, no batch statistics, the noise with the data."""
    folder = tmp_path_factory.mktemp("one") / "run"
    return gan.train(DUEL, out=folder, overrides=[*SAME_NOISE, *without_norm()]).folder


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two processes, the same."""
    folder = tmp_path_factory.mktemp("two") / "run"
    finished(spawn("train", "duel", folder, *SAME_NOISE, *without_norm(), processes=2))
    return folder


def test_two_under_torchrun_equal_one(one, two):
    assert far(one, two) < 1e-6
    assert left_over(two) == []


def test_the_comparison_can_fail(one, tmp_path):
    other = gan.train(DUEL, out=tmp_path / "run", overrides=[*SAME_NOISE, *without_norm(), "seed=1"]).folder
    assert far(one, other) > 1e-3


def test_synchronised_batch_norm_equals_one_process(tmp_path):
    # Not Adam: the norm takes away what the bias before it adds, and Adam would blow up the rounding that
    # is left of that bias' gradient to whole steps.
    plain = [f"optimizers.{player}.kind=sgd" for player in ("generator", "discriminator")]
    settings = [*SAME_NOISE, *plain, "networks.discriminator.norm=true"]
    one = gan.train(DUEL, out=tmp_path / "one", overrides=settings).folder
    two = trained(tmp_path / "two", *settings, "sync_batch_norm=true")
    assert far(one, two) < 1e-6
    assert far(one, trained(tmp_path / "each its own", *settings)) > 1e-3


def test_running_statistics_are_the_mean_of_all_processes(tmp_path):
    """In the first round, before weights part: the mean of two halves is the mean of the whole."""
    settings = [*SAME_NOISE, "images=16"]
    one = gan.train(DUEL, out=tmp_path / "one", overrides=settings).folder
    two = trained(tmp_path / "two", *settings)
    key = "generator.layers.1.running_mean"
    ours, theirs = (newest(run)["engine"]["game"][key] for run in (two, one))
    assert torch.allclose(ours, theirs, atol=1e-7)
    assert theirs.abs().max() > 1e-2


def test_with_noise_of_their_own_and_pools_two_go_on_bit_equal(tmp_path):
    """Buffers are averaged after every round, so one process' file holds everybody's."""
    settings = [*SHORT, "game.pool=12", "every.samples=64"]  # a run's end has a sheet, and its signs
    whole = trained(tmp_path / "whole", *settings)
    part = trained(tmp_path / "part", *settings, "images=128")
    pools = [state["pool._extra_state"] for state in newest(whole)["per_process_state"]]
    assert len(pools) == 2
    assert not torch.equal(*pools)
    resumed(part, images=256)
    assert differing(newest(part), newest(whole)) == []
    assert (part / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()


def waited_for():
    """What the first process took two seconds to make, in groups that wait for one."""
    torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=1))
    made = processes.on_first_process(lambda: time.sleep(2) or {"made by": processes.rank()})
    print(made, processes.on_first_process(lambda: 3), flush=True)
    processes.stop()


def test_all_wait_for_the_first_however_long_it_takes(tmp_path):
    assert side_by_side(waited_for, tmp_path) == ["{'made by': 0} 3\n"] * 2


def failing_first():
    processes.start(torch.device("cpu"))
    with processes.stop_together():
        processes.on_first_process(lambda: 1 / 0)


def test_a_first_process_that_fails_ends_the_others(tmp_path):
    first, second = side_by_side(failing_first, tmp_path)
    assert "ZeroDivisionError" in first
    assert "ProcessLostError: another process of this run has ended" in second


JUDGED = [*SAME_NOISE, *without_norm(), "every.samples=64", "evaluate.every=96", "evaluate.count=50"]


def test_two_are_judged_as_one(tmp_path):
    """The first judges the averaged model; all know what came of it, and go on."""
    one = gan.train(DUEL, out=tmp_path / "one", overrides=JUDGED).folder
    two = trained(tmp_path / "two", *JUDGED)
    assert far(one, two) < 1e-6
    ours, theirs = (
        {record["images"]: record["metrics"] for record in Run(run).records if "metrics" in record}
        for run in (one, two)
    )
    assert list(ours) == [96, 192, 256]
    for images, values in ours.items():
        assert theirs[images] == pytest.approx(values, abs=1e-5)
    assert gan.load(two / "model-best").images == gan.load(one / "model-best").images
    part = trained(tmp_path / "part", *JUDGED, "images=192")
    resumed(part, images=256)
    assert differing(newest(part), newest(two)) == []
    assert (part / "log.jsonl").read_bytes() == (two / "log.jsonl").read_bytes()


@pytest.mark.parametrize("count", [1, 4])
def test_a_run_of_two_goes_on_with_another_number(tmp_path, one, count):
    folder = trained(tmp_path / "run", *SAME_NOISE, *without_norm(), "images=128")
    resumed(folder, count, images=256)
    assert far(one, folder) < 1e-6
    assert len(newest(folder)["per_process_state"]) == count


@pytest.mark.parametrize("count", [1, 4])
def test_pools_are_dealt_out_anew(tmp_path, count):
    folder = trained(tmp_path / "run", *SHORT, "game.pool=12", "images=128")
    resumed(folder, count, images=256)
    pools = [state["pool._extra_state"] for state in newest(folder)["per_process_state"]]
    assert len(pools) == count
    assert all(len(pool) == 12 for pool in pools)


@pytest.mark.parametrize(
    ("fault", "sides"),
    [
        ("chance", "process 0 at the turn of discriminator in round 3; process 1 at the turn of generator"),
        ("early", "process 0 at the turn of discriminator in round 3; process 1 at the end in round 3"),
    ],
)
def test_processes_that_disagree_are_refused(tmp_path, fault, sides):
    settings = [*SHORT, f"game.fault={fault}", "game.after=3"]
    for said in attempted(tmp_path / "run", *settings):
        assert f"processes disagree about the turn: {sides}" in said


def test_replicas_that_drift_apart_are_noticed_before_they_are_saved(tmp_path):
    settings = [*SHORT, "game.fault=drift", "game.after=6"]
    for said in attempted(tmp_path / "run", *settings):
        assert "differ between processes: generator.layers.0.weight" in said
    assert newest(tmp_path / "run")["images"] == 64


def test_a_batch_that_cannot_be_shared_is_told(tmp_path):
    for said in attempted(tmp_path / "run", "batch_size=15"):
        assert "batch_size=15 cannot be shared out among 2 processes" in said
        assert "make it a multiple of 2" in said


def test_a_loss_that_is_no_number_on_one_process_is_told_by_all(tmp_path):
    settings = [*SHORT, "game.fault=loss there", "game.after=6"]
    for said in attempted(tmp_path / "run", *settings):
        assert re.search("NonFiniteError: .*generator/fool", said)
    assert newest(tmp_path / "run")["images"] == 64


def test_the_second_group_in_a_folder_is_refused(tmp_path):
    playing = prepare(DUEL, out=tmp_path / "run", overrides=SHORT).play()
    next(playing)
    said = side_by_side(lambda: gan.resume(tmp_path / "run"), tmp_path / "said")
    assert "is training in" in said[0]
    assert "another process of this run has ended" in said[1]
    playing.close()


@pytest.mark.parametrize("who", [pytest.param("0", marks=pytest.mark.slow), "1"])
def test_a_process_that_is_killed_ends_the_run_which_can_be_resumed(tmp_path, who):
    folder = tmp_path / "run"
    process = spawn("train", "duel", folder, *SHORT, "images=64_000", processes=2)
    wait_for(lambda: list(folder.glob("checkpoints/[0-9]*.pt")))
    (victim,) = [pid for pid, rank in workers(process.pid).items() if rank == who]
    os.kill(victim, signal.SIGKILL)
    said = failed(process, timeout=60)
    assert "SIGKILL" in said or "Signal 9" in said
    played = newest(folder)["images"]
    resumed(folder, images=played + 64)
    assert newest(folder)["images"] == played + 64
    assert left_over(folder) == []


def test_the_survivor_says_what_happened(tmp_path):
    """Whoever is left when a process goes away says that, not what the socket said."""
    folder = tmp_path / "run"
    survivor, dead = attempted(folder, *SHORT, "game.fault=die", "game.after=6")
    assert "ProcessLostError: another process of this run has ended, or does not answer" in survivor
    assert "can be resumed, with any number of processes" in survivor
    assert not dead
    assert newest(folder)["images"] == 64


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_order_to_stop_saves_once_and_goes_on_bit_equal(tmp_path, number):
    """Ctrl-C reaches everybody from the terminal, and the workers once more from torchrun."""
    folder = tmp_path / "run"
    settings = [*SHORT, "images=64_000", "every.log=16", "every.checkpoint=64_000"]
    process = spawn("train", "duel", folder, *settings, processes=2)
    wait_for(lambda: log.read(folder))
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    said = failed(process, timeout=60)
    assert f"TrainingInterrupted: {signal.Signals(number).name} after" in said
    (only,) = (folder / "checkpoints").glob("*.pt")
    played = newest(folder)["images"]
    assert int(only.stem) == played > 0
    assert Run(folder).records[-1]["images"] == played
    resumed(folder, images=played + 64)
    whole = trained(tmp_path / "whole", *settings, f"images={played + 64}")
    assert differing(newest(folder), newest(whole)) == []
    assert (folder / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()


def wait_for(there: Callable[[], Any]) -> None:
    patience = time.monotonic() + 60
    while not there():
        assert time.monotonic() < patience, "nothing has come in a minute"
        time.sleep(0.02)


def workers(launcher: int) -> dict[int, str]:
    """The processes that torchrun has started, and their ranks."""
    ranks = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(status[1]) == launcher:
                names = (folder / "environ").read_bytes().split(b"\0")
                ranks[int(folder.name)] = next(n[5:].decode() for n in names if n.startswith(b"RANK="))
        except (OSError, StopIteration):
            continue
    return ranks


def test_nothing_listens_beyond_this_machine():
    assert environment()["GLOO_SOCKET_IFNAME"] == "lo"
