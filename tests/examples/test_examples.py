"""Tests of the examples."""

import importlib.util
import subprocess
import sys

import pytest

import ganarium as gan
from ganarium.data.sources.densities import POINTS
from ganarium.metrics.points import modes_covered, share_of_good_samples
from ganarium.testing import check_game
from small_runs import ROOT, environment

FILE = ROOT / "examples" / "your_own_game.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("your_own_game", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["your_own_game"] = module
    spec.loader.exec_module(module)
    return module


def test_a_game_of_your_own_runs_as_a_script(tmp_path):
    done = subprocess.run(
        [sys.executable, FILE, "images=2_560", "device=cpu"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("runs/0001-relativistic-ring: ")
    assert "of 8 modes" in done.stdout
    assert (tmp_path / "runs" / "0001-relativistic-ring" / "model" / "config.json").exists()


def test_a_game_of_your_own_keeps_the_contract(example):
    check_game(example.METHOD)


def test_it_is_short_enough_to_read():
    code = FILE.read_text().split('"""', 2)[2]
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 60


@pytest.mark.slow
def test_a_game_of_your_own_finds_every_mode_and_does_not_without_learning(example, tmp_path):
    learned = gan.train(example.METHOD, out=tmp_path / "learned").model().generate(2500, seed=1)
    assert modes_covered(learned, POINTS["ring"]) == 8
    assert share_of_good_samples(learned, POINTS["ring"]) > 0.6
    still = [f"optimizers.{role}.lr=1e-12" for role in ("generator", "discriminator")]
    idle = gan.train(example.METHOD, out=tmp_path / "idle", overrides=["images=20_000", *still])
    assert modes_covered(idle.model().generate(2500, seed=1), POINTS["ring"]) < 4
