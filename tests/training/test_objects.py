"""Runs on data that are given as objects in Python, and what a run tells its user."""

import functools

import numpy as np
import pytest
import torch
from torch import nn

import ganarium as gan
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.data.sources import table
from ganarium.data.sources.arrays import Arrays
from ganarium.data.sources.densities import POINTS
from ganarium.data.sources.points import PlanePoints
from small_runs import DUEL, assert_same, newest

SHORT = {
    "images": 64,
    "batch_size": 8,
    "device": "cpu",
    "every": {"log": 16, "checkpoint": 16},
    "game": {"noise_dim": 4},
    "networks": {role: {"width": 8, "depth": 1} for role in ("generator", "discriminator")},
}


@pytest.fixture(autouse=True)
def _nothing_given_before(monkeypatch):
    monkeypatch.setattr(table, "_given", {})


def levels(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (40, 16, 16), dtype=np.uint8)


def left(run):
    """The run, left after its first line."""
    next(run.play())
    return run.folder


@pytest.mark.parametrize("as_given", [np.asarray, torch.from_numpy], ids=["array", "tensor"])
def test_a_run_on_an_array_goes_on_with_the_same_array(tmp_path, monkeypatch, as_given):
    whole = gan.train("gan", data=as_given(levels()), out=tmp_path / "whole", **SHORT)
    assert whole.recipe.data.source.startswith("given:array-")
    assert whole.model().generate(2).shape == (2, 1, 16, 16)
    part = left(gan.prepare("gan", data=as_given(levels()), out=tmp_path / "part", **SHORT))
    monkeypatch.setattr(table, "_given", {})
    with pytest.raises(FileNotFoundError, match=r"was given .*resume\(folder, data=\.\.\.\)"):
        gan.resume(part)
    with pytest.raises(FileNotFoundError, match="was given"):
        gan.resume(part, data=as_given(levels(seed=1)))
    gan.resume(part, data=as_given(levels()))
    assert_same(part, whole.folder)


def test_a_run_on_a_source_with_labels(tmp_path):
    source = Arrays("mine", levels()[:, None], np.arange(40) % 2, ("cat", "dog"))
    tiny = {**SHORT, "networks": {}}
    run = gan.train("cgan", data=source, out=tmp_path / "run", **tiny)
    assert run.model().spec.classes == ("cat", "dog")
    assert run.model().generate(3, condition="dog").shape == (3, 1, 16, 16)


def test_a_run_on_the_samples_of_a_data_set(tmp_path):
    dataset = open_data(Data(source="world", size=16, count=24))
    run = gan.train("gan", data=dataset, out=tmp_path / "run", **SHORT)
    assert run.model().spec.shape == (3, 16, 16)


def test_a_run_on_points_goes_on_with_the_same_points(tmp_path, monkeypatch):
    def points():
        return PlanePoints(POINTS["grid"], 64, 3)

    whole = gan.train(DUEL, data=points(), out=tmp_path / "whole", images=128)
    part = left(gan.prepare(DUEL, data=points(), out=tmp_path / "part", images=128))
    monkeypatch.setattr(table, "_given", {})
    gan.resume(part, data=points())
    assert_same(part, whole.folder)


class TwoHalves(nn.Module):
    """A generator of two parts, of which a game may use only one or both itself."""

    def __init__(self, inputs, shape, *, width: int = 8):
        super().__init__()
        self.first, self.second = Half(inputs, width), Half(width, shape[0])

    def forward(self, noise):
        return self.second(self.first(noise))


class Half(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)

    def forward(self, values):
        return self.layer(values)


class ByHalves(gan.Game):
    """Calls the halves of its generator, not the generator itself."""

    roles = {"generator": {"halves": TwoHalves}}

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(network("generator", 2, spec.shape))

    def play(self, data, clock):
        fake = self.generator.second(self.generator.first(next(data)))
        yield gan.turn(self.generator, size=fake.square().mean())


def recipe():
    return gan.Recipe(
        method="halves",
        images=64,
        batch_size=16,
        compile=True,
        device="cpu",
        networks={"generator": {"kind": "halves"}},
        optimizers={"generator": {"kind": "sgd"}},
        data=Data(source="ring", count=64, workers=0),
        every={"log": 16},
    )


@pytest.mark.parametrize("listed", [False, True])
def test_a_network_that_is_compiled_without_effect_is_told_once(tmp_path, monkeypatch, listed):
    compile_eagerly = functools.partialmethod(nn.Module.compile, backend="eager")
    monkeypatch.setattr(nn.Module, "compile", compile_eagerly)
    if listed:
        monkeypatch.setattr(TwoHalves, "compiled_parts", ("first", "second"), raising=False)
    said = []
    run = gan.train(gan.Method("halves", ByHalves, recipe, {}), out=tmp_path / "run", notify=said.append)
    about = [line for line in said if "compile=true" in line]
    assert newest(run.folder)["images"] == 64
    if listed:
        assert about == []
    else:
        (line,) = about
        assert "generator" in line
        assert "compiled_parts" in line
    torch._dynamo.reset()
