"""Prototypes of new modalities, conditions and tasks: each goes from data to an exported file."""

import importlib
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import ganarium as gan
from ganarium.cli.app import app
from ganarium.testing import CHECKS, MethodUnderTest, check_card

torch.set_num_threads(1)


FOLDER = Path(__file__).parent


@pytest.fixture
def prototype(monkeypatch):
    """Import a prototype's file anew; it adds to tables, which the test leaves as they were."""

    def load(name):
        monkeypatch.delitem(sys.modules, f"seams.{name}", raising=False)
        return importlib.import_module(f"seams.{name}")

    return load


@pytest.mark.parametrize("name", ["attributes", "clips", "inpainting", "signals", "upscaling"])
def test_a_prototype_is_one_short_file(name):
    assert len((FOLDER / f"{name}.py").read_text().splitlines()) <= 80


def go_the_whole_way(method, tmp_path, command, *, exported, data=None):
    """Check the conformance, train, look at the grids, evaluate, go from files to files, export.

    Returns what was measured.
    """
    gan.methods.add(method)
    changes = {} if data is None else {"data": {"source": str(data), "count": None}}
    for check in CHECKS:
        if check is not check_card:
            check(MethodUnderTest(method, changes))
    overrides = ["images=64", "batch_size=8", "every.samples=32", "data.workers=0"]
    run = gan.train(method, data=data, out=tmp_path / "run", overrides=overrides)
    assert len(list((run.folder / "samples").glob("*.png"))) == 3, "grids"
    measured = gan.evaluate(run, count=8, resamples=0)
    done = CliRunner().invoke(app, [str(word).replace("RUN", str(run.folder)) for word in command])
    assert done.exit_code == 0, done.output
    (written,) = gan.export(run.folder, out=tmp_path / "exported")
    assert written.path.name == exported
    assert written.difference < 1e-3
    return measured


def test_images_get_other_attributes(prototype, tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(2):
        Image.new("RGB", (20, 17), "blue").save(tmp_path / "in" / f"{i}.png")
    command = ["translate", "RUN", tmp_path / "in", tmp_path / "out", "--to", "left"]
    measured = go_the_whole_way(prototype("attributes").METHOD, tmp_path, command, exported="translate.onnx")
    assert Image.open(tmp_path / "out" / "1.png").size == (20, 17)
    assert 0 <= measured["world"]["well_formed"] <= 1


def test_clips_follow_a_first_frame(prototype, tmp_path):
    data, frame, made = (tmp_path / name for name in ("clips", "frame.png", "made"))
    data.mkdir()
    for i in range(10):
        np.save(data / f"{i}.npy", np.random.default_rng(i).uniform(-1, 1, (3, 5, 8, 6)))
    Image.new("RGB", (6, 8), "red").save(frame)
    command = ["generate", "RUN", "--count", 2, "--condition", frame, "--out", made]
    measured = go_the_whole_way(
        prototype("clips").METHOD, tmp_path, command, exported="generate.onnx", data=data
    )
    assert np.load(sorted(made.glob("*.npy"))[1]).shape == (3, 5, 8, 6)
    assert 0 <= measured["energy_distance"] <= 1


def test_holes_are_filled(prototype, tmp_path):
    image, mask, filled = (tmp_path / f"{name}.png" for name in ("image", "mask", "filled"))
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (19, 22, 3), np.uint8)).save(image)
    hole = np.zeros((19, 22), np.uint8)
    hole[4:9, 5:15] = 255
    Image.fromarray(hole).save(mask)
    command = ["apply", "inpaint", "RUN", image, mask, filled]
    measured = go_the_whole_way(prototype("inpainting").METHOD, tmp_path, command, exported="inpaint.onnx")
    before, after = (np.asarray(Image.open(path)) for path in (image, filled))
    assert (before[hole == 0] == after[hole == 0]).all()
    assert (before[hole > 0] != after[hole > 0]).any()
    assert measured["psnr"] > 5


def test_signals_of_a_class_are_generated(prototype, tmp_path):
    module = prototype("signals")
    for i in range(12):
        path = tmp_path / "sounds" / ("low" if i % 2 else "high") / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            module.Signal(11_025).encode(torch.randn(1, 64).clamp(-1, 1), stream)
    data, made = tmp_path / "sounds", tmp_path / "made"
    command = ["generate", "RUN", "--count", 3, "--condition", "low", "--out", made]
    measured = go_the_whole_way(module.METHOD, tmp_path, command, exported="generate.onnx", data=data)
    with wave.open(str(sorted(made.glob("*low.wav"))[2])) as file:
        assert (file.getframerate(), file.getnframes()) == (11_025, 48)
    assert 0 <= measured["energy_distance"] <= 1


def test_images_are_enlarged(prototype, tmp_path):
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.new("RGB", (21, 13), "red").save(small)
    command = ["apply", "upscale", "RUN", small, large]
    measured = go_the_whole_way(prototype("upscaling").METHOD, tmp_path, command, exported="upscale.onnx")
    assert Image.open(large).size == (42, 26)
    assert measured["psnr"] > 5
