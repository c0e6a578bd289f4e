"""Tests of the benchmark on real images, and of its measurement of maps."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from small_runs import ROOT

SMALL = {"batch_size": 2, "data": {"size": 32}}
NARROW = {"generator": {"width": 2}, "discriminator": {"width": 2, "layers": 1}}


@pytest.fixture
def trial(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import real_pictures

    return real_pictures


def test_a_case_is_stopped_evaluated_and_shown(trial, real_data, monkeypatch, tmp_path):
    small = {**SMALL, "networks": NARROW}
    monkeypatch.setitem(trial.CASES, "maps", replace(trial.CASES["maps"], small=small))
    trial.main([str(real_data), "--out", str(tmp_path), "--cases", "maps", "--minutes", "0.005"])
    counts = {part: len([*(tmp_path / "data/maps" / part).glob("*/*")]) for part in ("train", "test")}
    assert counts == {"train": 50, "test": 10}
    found = json.loads((tmp_path / "maps.json").read_text())
    assert 0 < found["images"] < 10**7
    assert 0 <= found["mean_iou"] <= found["pixel_accuracy"] < 0.9
    with Image.open(tmp_path / "maps.jpg") as grid:
        assert grid.size == (
            4 * 43 + 3 * trial.GAP,
            2 * 32 + trial.GAP,
        )  # four photos of 4:3 above their maps


def test_maps_are_read_by_the_nearest_colour(trial, tmp_path):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, len(trial.CLASSES), (8, 8))
    for half, pixels in (("A", trial.COLORS[ids]), ("B", trial.COLORS[ids])):
        (tmp_path / half).mkdir()
        Image.fromarray(pixels).save(tmp_path / half / "0.png")

    def model(made):
        return SimpleNamespace(
            spec=SimpleNamespace(shape=(3, 8, 8)), device=torch.device("cpu"), translate=made
        )

    dim = trial._read_maps(model(lambda image: image + 0.05 * torch.randn_like(image)), tmp_path)
    assert dim["pixel_accuracy"] == dim["mean_iou"] == 1
    road = torch.tensor(trial.CLASSES["road"]).view(1, 3, 1, 1) / 127.5 - 1
    flat = trial._read_maps(model(lambda image: road.expand_as(image)), tmp_path)
    share = (ids == trial.NAMES.index("road")).sum() / (ids != trial.NAMES.index("unlabelled")).sum()
    assert flat["pixel_accuracy"] == pytest.approx(share)
    assert flat["mean_iou"] < 0.1


def test_missing_data_are_named(trial, tmp_path):
    with pytest.raises(FileNotFoundError, match="cat2dog"):
        trial.main([str(tmp_path), "--out", str(tmp_path / "out")])
