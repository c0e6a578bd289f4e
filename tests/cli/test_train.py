"""Training from the command line: what is said before, during and after, and how one stops and goes on."""

import errno
import fcntl
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import ganarium as gan
from command_line import TINY, done, refused, said, started
from ganarium import methods
from ganarium.cli import progress
from ganarium.data.sources.densities import POINTS
from ganarium.recipes.presets import presets
from ganarium.training.loop import Progress
from small_runs import assert_same, environment

PRESETS = [(method.name, name) for method in methods.BUILT_IN for name in presets(method)]


def test_what_is_said_before_during_and_after():
    out = done("train", "dcgan", "--out", "here", *TINY)
    before, _, after = out.partition("# run: here\n")
    recipe = yaml.safe_load(before)
    assert recipe["images"] == 64
    assert recipe["networks"]["generator"]["kind"] == "dcgan"
    assert "# data: world: the built-in world, 48 samples of 3 x 16 x 16" in before
    assert re.search(r"^# generator: dcgan, [\d,]+ parameters$", before, re.M)
    assert re.search(r"^# discriminator: dcgan, [\d,]+ parameters$", before, re.M)
    assert re.search(r"^# estimate: \d+ s, [\d,]+ MiB of memory on cpu in float32$", before, re.M)
    lines = after.splitlines()
    assert re.match(r"8/64 images  [\d,]+ images/s  \d+ s left  discriminator/adversarial", lines[0])
    assert re.match(r"64/64 images  [\d,]+ images/s  done  discriminator/adversarial", lines[1])
    assert "ganarium generate here" in after
    assert Path("here/model/model.safetensors").is_file()
    assert "\x1b" not in out


def test_it_is_what_python_does():
    done("train", "dcgan", "--out", "ours", *TINY)
    gan.train("dcgan", out="theirs", overrides=TINY)
    assert_same(Path("ours"), Path("theirs"))


def test_the_best_model_is_told_and_can_be_used():
    judged = ["evaluate.every=16", "evaluate.count=12", "evaluate.metrics=diversity,world", "every.log=32"]
    out = done("train", "dcgan", "--out", "here", *TINY, *judged)
    assert "# evaluated every 16 images by score; the best model is kept in model-best" in out
    assert re.search(r"^64/64 images .*  done  world/score \S+.*  ms_ssim_diversity \S+  discrim", out, re.M)
    assert re.search(r"^16/64 images .*  world/score \S+ \(the best so far\)  ms_ssim", out, re.M)
    (best,) = re.findall(r"^best     here/model-best, after (\d+) images$", out, re.M)
    assert gan.load("here/model-best").images == int(best)
    done("generate", "here/model-best", "--count", "2")
    assert len(list(Path("here/model-best/generated").iterdir())) == 2
    text = done("evaluate", "here/model-best", "--count", "12", "--metrics", "world", "--resamples", "0")
    assert re.search(r"^world/score +\S+ +↑", text, re.M)


def test_a_dry_run_writes_nothing_and_prints_a_recipe_file(tmp_path):
    out = done("train", "dcgan", "--dry-run", *TINY, "game.penalty=r1")
    assert list(tmp_path.iterdir()) == []
    assert "nothing was written" in out
    Path("mine.yaml").write_text(out)
    again = done("train", "mine.yaml", "--dry-run")
    assert yaml.safe_load(again) == yaml.safe_load(out)
    assert yaml.safe_load(again)["game"]["penalty"] == "r1"


def test_two_sources_are_two_kinds():
    for name, level in {"horses": 0, "zebras": 255}.items():
        Path(name).mkdir()
        for number in range(4):
            Image.new("L", (16, 16), level).save(Path(name, f"{number}.png"))
    both = ("--data", "horses", "--data", "zebras")
    out = done("train", "cgan", *both, "data.condition=label", "--dry-run")
    assert yaml.safe_load(out)["data"]["source"] == [
        str(Path(name).resolve()) for name in ("horses", "zebras")
    ]
    assert "2 classes: horses (4), zebras (4)" in out
    told = done("inspect", "horses", "--data", "zebras", "condition=pair", "--no-grid")
    assert "horses and zebras, paired by equal names, 4 samples" in told
    assert "names one source twice" in refused("inspect", "horses", "--data", "horses", "--no-grid")


def test_ones_own_recipe_needs_only_what_differs():
    Path("mine.yaml").write_text("method: sngan\nimages: 8\ndata: {count: 24, size: 16, workers: 0}\n")
    out = done("train", "mine.yaml", *TINY[1:], "--dry-run")
    recipe = yaml.safe_load(out)
    assert (recipe["method"], recipe["images"], recipe["data"]["count"]) == ("sngan", 8, 48)
    Path("bad.yaml").write_text("method: sngan\ngame: {noise_dims: 3}\n")
    assert "Did you mean 'noise_dim'" in refused("train", "bad.yaml")
    Path("none.yaml").write_text("images: 8\n")
    assert "the key `method` is missing" in refused("train", "none.yaml")


def test_epochs_become_images():
    out = done("train", "gan", "--dry-run", *TINY[1:], "epochs=2.5")
    assert yaml.safe_load(out)["images"] == 120
    assert "# length: 120 images, 2.5 epochs of 48 samples" in out


@pytest.mark.parametrize(("method", "preset"), PRESETS)
def test_every_preset_dry_runs(method, preset, tmp_path):
    source = methods.find(method).recipe().data.source
    tree = yaml.safe_load(presets(methods.find(method))[preset].read_text())
    source = tree.get("data", {}).get("source", source)
    there = source == "world" or source in POINTS
    out = done(
        "train",
        method,
        *("--preset", preset, "--dry-run", "--data", source if there else "world"),
        *("batch_size=4", "data.count=48", "device=cpu"),
    )
    assert "# estimate:" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dcgam"], "Did you mean 'dcgan'"),
        (["dcgan", "imges=3"], "unknown key imges"),
        (["dcgan", "optimizers.generator.learning_rate=1"], "unknown key optimizers.generator.learning_rate"),
        (["dcgan", "images=many"], "images: Input should be a valid integer"),
        (["dcgan", "game.objective=hnge"], "'hinge'"),
        (["dcgan", "images=["], "is not YAML"),
        (["dcgan", "photos/"], "--data"),
        (["dcgan", "--data", "nowhere"], "nowhere is neither a file nor a folder"),
        (["dcgan", "--preset", "nothing"], "no preset 'nothing'"),
        (["mine.yaml"], "there is no recipe file mine.yaml"),
        (["dcgan", "device=warp"], "device=warp cannot be used here"),
    ],
)
def test_wrong_uses(arguments, words, tmp_path):
    assert words in refused("train", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(run):
    recipe = (run / "recipe.yaml").read_bytes()
    assert f"ganarium resume {run}" in refused("train", "gan", "--out", run, *TINY)
    assert (run / "recipe.yaml").read_bytes() == recipe


def test_a_run_that_fails_says_why_and_exits_with_1():
    result = said("train", "dcgan", "--out", "bad", *TINY, "optimizers.generator.lr=1e30")
    assert result.code == 1
    assert "became infinite" in result.err
    assert "Traceback" not in result.err


def test_a_full_disk_is_a_failure(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "here/checkpoints")

    monkeypatch.setattr("ganarium.training.trainer.write", full)
    monkeypatch.setattr("ganarium.training.checkpoint.write", full)
    result = said("train", "dcgan", "--out", "here", *TINY)
    assert (result.code, result.err) == (1, "error: here/checkpoints: No space left on device\n")


def test_a_finished_run_says_so_and_can_be_made_longer():
    done("train", "dcgan", "--out", "here", *TINY)
    weights = Path("here/model/model.safetensors").read_bytes()
    out = done("resume", "here")
    assert "here is finished: its 64 images are played" in out
    assert Path("here/model/model.safetensors").read_bytes() == weights
    assert "96/96 images" in done("resume", "here", "images=96")
    assert Path("here/model/model.safetensors").read_bytes() != weights
    assert "no recipe.yaml" in refused("resume", "nowhere")


@pytest.mark.parametrize(("order", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_can_be_resumed(order, code, tmp_path):
    long = [*TINY[1:], "images=1_000_000", "every.log=400"]
    process = started("train", "dcgan", "--out", "here", *long, cwd=tmp_path)
    log = tmp_path / "here" / "log.jsonl"
    waited = time.monotonic() + 60
    while not log.exists() or not log.stat().st_size:
        assert time.monotonic() < waited
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(order)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "")
    found = re.search(r"stopped by \w+ after ([\d,]+) images; .*ganarium resume here$", out, re.M)
    assert found, out
    images = int(found[1].replace(",", ""))
    assert json.loads((tmp_path / "here/model/config.json").read_text())["images"] == images
    assert f"{images + 8:,} images" in done("resume", "here", f"images={images + 8}")
    done("train", "dcgan", "--out", "whole", *long, f"images={images + 8}")
    weights = [Path(name, "model/model.safetensors").read_bytes() for name in ("here", "whole")]
    assert weights[0] == weights[1]


def test_lines_are_few_and_end_with_the_last(monkeypatch, capsys):
    now = iter(np.arange(0, 1000, 0.5))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(now)))
    news = [Progress(i, i, 100, {"generator/loss": 1.0}, 10.0, 0.0) for i in range(1, 101)]
    assert progress.follow(news) == news[-1]
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 25
    assert lines[-1].startswith("100/100 images")


def test_lines_show_the_main_terms_and_when_data_are_slow(capsys):
    terms = {f"discriminator/{name}": 1.0 for name in ("a_penalty", "adversarial", "b_penalty")}
    terms |= {"generator/adversarial": 0.12345, "generator/cycle": 2.0}
    progress.follow([Progress(1, 1000, 3000, terms, 10.0, 0.5)])
    assert capsys.readouterr().out == (
        "1,000/3,000 images  10 images/s  3 min 20 s left  50% waiting for data  discriminator/a_penalty 1"
        "  discriminator/adversarial 1  generator/adversarial 0.123  generator/cycle 2\n"
    )


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    news = [Progress(i, i * 10, 40, {"generator/loss": float(i)}, 10.0, 0.0) for i in range(1, 5)]
    assert progress.follow(news) == news[-1]
    out = capsys.readouterr().out
    assert "\x1b[" in out
    for i in range(1, 5):
        assert f"{i * 10}/40 images" in out
        assert f"generator/loss {i}" in out


def test_of_several_processes_one_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    progress.say("hello")
    progress.follow([Progress(1, 1, 1, {}, 1.0, 0.0)])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations(seconds, words):
    assert progress.duration(seconds) == words


def test_torchrun(tmp_path):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    process = subprocess.run(
        [*launcher, "-m", "ganarium", "train", "dcgan", *TINY],
        cwd=tmp_path,
        env=environment(),
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("# estimate:") == 1
    assert process.stdout.count("64/64 images") == 1
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["0001-dcgan"]


def test_two_processes_on_one_run(run):
    with (run / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        result = said("resume", run, "images=128")
    assert result.code == 1
    assert re.match(r"error: another process .*is training in", result.err)
    assert yaml.safe_load((run / "recipe.yaml").read_text())["images"] == 64
