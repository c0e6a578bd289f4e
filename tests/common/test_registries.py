"""Modalities, conditions, sources, networks, schedules and presets of other packages."""

import dataclasses
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from ganarium import methods, networks
from ganarium.common import registry
from ganarium.common.registry import Registry
from ganarium.core.schedules import SCHEDULES
from ganarium.data.batches import Conditioned
from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.dataset import open_data
from ganarium.data.modalities.base import Header, Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.table import MODALITIES, modality_of_file
from ganarium.data.settings import Data
from ganarium.data.sources.arrays import Arrays
from ganarium.data.sources.table import OPENERS
from ganarium.data.spec import DataSpec
from ganarium.methods.noise_to_image.dcgan import METHOD as DCGAN
from ganarium.methods.resolve import chosen_recipe
from ganarium.networks.mlp import MLPGenerator
from ganarium.recipes import extensions
from ganarium.recipes.assemble import build_game
from ganarium.recipes.presets import preset_settings, presets


@dataclass
class Entry:
    """Entry point of a package; `load` returns its object, or raises it if it is an exception."""

    name: str
    item: object
    group: str = ""
    value: str = "elsewhere:item"

    def load(self):
        if isinstance(self.item, Exception):
            raise self.item
        return self.item


def install(monkeypatch, module, group, *entries):
    """Let a module find these entry points in a group, and none in others."""
    found = [dataclasses.replace(each, group=group) for each in entries]
    monkeypatch.setattr(module, "entry_points", lambda *, group: [e for e in found if e.group == group])


def words(items=("one", "two")):
    def check(item):
        if not isinstance(item, str):
            raise TypeError(f"{item!r} is no word")

    return Registry("word", "ganarium.words", items, name_of=str.lower, check=check)


def test_a_registry_is_a_table_of_all(monkeypatch):
    install(monkeypatch, registry, "ganarium.words", Entry("three", "Three"))
    table = words()
    assert table.add("Four") == "Four"
    assert dict(table) == {"one": "one", "two": "two", "three": "Three", "four": "Four"}
    assert table.find("three") == "Three"
    assert len(table) == 4
    with pytest.raises(ValueError, match=r"there is no word 'thre'. Did you mean 'three'\? \(see below\)"):
        table.find("thre", " (see below)")


def test_what_was_added_last_counts_and_built_in_ones_stay():
    table = words()
    table.add("Four")
    table.add("FOUR")
    assert table["four"] == "FOUR"
    with pytest.raises(ValueError, match="'one' is a built-in word; give yours another name"):
        table.add("ONE")
    table.add(table["one"])
    with pytest.raises(TypeError, match="3 is no word"):
        table.add(3)


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        (ImportError("no torchwords"), "no torchwords"),
        (3, "3 is no word"),
        ("ONE", "another word is named 'one'"),
    ],
)
def test_what_cannot_be_taken_is_omitted_with_a_warning(monkeypatch, item, complaint):
    install(monkeypatch, registry, "ganarium.words", Entry("bad", item), Entry("three", "three"))
    table = words()
    with pytest.warns(UserWarning, match=f"word 'bad' of elsewhere:item is omitted: {complaint}"):
        assert list(table) == ["one", "two", "three"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(table) == 3, "packages are asked once"


@dataclass(frozen=True)
class Signal(Modality):
    """A sequence of levels, from files of bytes; the first tells how many levels a second has."""

    rate: int = 0

    name, axes, windowed, suffixes = "signal", ("C", "T"), ("T",), frozenset({".sig"})

    def of(self, headers):
        (rate,) = {int(each.mode) for each in headers.values()}
        return Signal(rate)

    def read_header(self, stream):
        rate, *levels = stream.read()
        return Header((len(levels),), str(rate))

    def decode(self, stream, format):
        levels = np.frombuffer(stream.read()[1:], np.uint8).astype(np.float32) / 127.5 - 1
        return np.resize(levels, format.shape)


@dataclass(frozen=True)
class Loudness(Condition):
    """Greatest level of each sample."""

    unit: str
    name: ClassVar[str] = "loudness"

    @classmethod
    def from_source(cls, source, settings, shape):
        return cls(source.kind)

    def batch(self, real, rows):
        return Conditioned(real, real.flatten(1).amax(1, keepdim=True))

    def shape(self):
        return (1,)

    def draw(self, count, shape, generator):
        return torch.rand(count, 1, generator=generator)


@pytest.fixture
def extended(monkeypatch):
    """A process in which a package with a modality and a condition is installed."""
    for table, group, item in (
        (MODALITIES, "ganarium.modalities", Signal),
        (CONDITIONS, "ganarium.conditions", Loudness),
    ):
        install(monkeypatch, registry, group, Entry(item.name, item))
        monkeypatch.setattr(table, "_installed", None)
        assert item.name in table


def test_built_in_tables_have_all_that_is_built_in():
    assert list(MODALITIES) == ["image", "point", "label-map"]
    assert list(CONDITIONS)[:5] == ["label", "attributes", "domains", "pair", "map"]
    for table in (MODALITIES, CONDITIONS):
        with pytest.raises(TypeError, match=r"^3 is "):
            table.add(3)


@pytest.mark.usefixtures("extended")
def test_a_modality_and_a_condition_of_another_package(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.sig").write_bytes(bytes([8, *range(number, number + 12)]))
    (tmp_path / "notes.txt").write_text("hello")
    assert modality_of_file("a.sig") is Signal
    assert modality_of_file("a.png") is Image
    data = open_data(Data(source=str(tmp_path), condition="loudness"))
    assert data.report.kind == "folder of signals"
    assert data.spec == DataSpec(Signal(8), (1, 12), Loudness("folder of signals"))
    assert DataSpec.from_dict(data.spec.to_dict()) == data.spec
    batch = data.batch([0, 2])
    assert batch.real.shape == (2, 1, 12)
    assert ((batch.condition + 1) * 127.5).round().flatten().tolist() == [11, 13]
    cut = open_data(Data(source=str(tmp_path), load_size=(12,), size=(5,)))
    assert cut.spec.shape == (1, 5)
    with pytest.raises(ValueError, match=r"signals have no mirror image: set data\.flip=false"):
        data.batch([0], mirrored=[True])


@pytest.mark.usefixtures("extended")
def test_signals_of_two_folders_are_joined(tmp_path):
    for folder, rate in (("a", 8), ("b", 8), ("c", 9)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.sig").write_bytes(bytes([rate, *range(10)]))
    one, two, three = (str(tmp_path / name) for name in "abc")
    data = open_data(Data(source=(one, two), condition="domains"))
    assert data.spec.modality == Signal(8)
    with pytest.raises(ValueError, match=r"data\.source names samples of several kinds"):
        open_data(Data(source=(one, three), condition="domains"))


def test_a_source_of_another_package(monkeypatch):
    def numbers(name, data, seed):
        if not name.startswith("numbers:"):
            return None
        count = int(name.partition(":")[2])
        levels = np.arange(count, dtype=np.uint8)[:, None, None, None] + np.uint8(seed)
        return Arrays("numbers", levels)

    install(monkeypatch, registry, "ganarium.sources", Entry("numbers", numbers))
    monkeypatch.setattr(OPENERS, "_installed", None)
    data = open_data(Data(source="numbers:7"), seed=1)
    assert len(data) == 7
    assert ((data.batch([0]) + 1) * 127.5).item() == pytest.approx(1)
    assert len(open_data(Data(source="ring", count=9))) == 9
    with pytest.raises(TypeError, match=r"^3 is .* function"):
        OPENERS.add(3)


@pytest.fixture
def tables(monkeypatch):
    """The tables of networks and schedules as they were, afterwards."""
    generators, schedules = dict(networks.GENERATORS), dict(SCHEDULES)
    extensions.load_extensions.cache_clear()
    yield
    for table, before in ((networks.GENERATORS, generators), (SCHEDULES, schedules)):
        table.clear()
        table.update(before)
    extensions.load_extensions.cache_clear()


class Halved(nn.Module):
    """A generator of another package, with a setting of its own."""

    def __init__(self, inputs, shape, *, share: float = 0.5):
        super().__init__()
        self.body, self.share = MLPGenerator(inputs, shape, width=4, depth=1), share

    def forward(self, noise):
        return self.share * self.body(noise)


def jump(*, at: float = 0.5):
    return lambda progress: float(progress < at)


@pytest.mark.usefixtures("tables")
def test_networks_and_schedules_of_another_package(monkeypatch):
    found = [
        Entry("GENERATORS.halved", Halved, "ganarium.networks"),
        Entry("jump", jump, "ganarium.schedules"),
    ]
    monkeypatch.setattr(extensions, "entry_points", lambda *, group: [e for e in found if e.group == group])
    recipe = chosen_recipe(
        "gan",
        overrides=(
            "networks.generator.kind=halved",
            "networks.generator.share=0.25",
            "optimizers.generator.schedule.kind=jump",
        ),
    )
    assert recipe.networks["generator"] == {"kind": "halved", "share": 0.25}
    assert recipe.optimizers["generator"]["schedule"] == {"kind": "jump", "at": 0.5}
    game = build_game(methods.find("gan"), recipe, DataSpec(Image(), (3, 8, 8)))
    assert isinstance(game.generator, Halved)
    assert game.generate(torch.randn(2, 100)).abs().max() <= 0.25


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("name", "item", "complaint"),
    [
        ("GENERATORS.dcgan", Halved, ".*'dcgan'.* already"),
        ("GENERATORS", Halved, "the name must be TABLE.kind"),
        ("NOTHING.mine", Halved, "the name must be TABLE.kind"),
        ("DCGANGenerator.mine", Halved, "the name must be TABLE.kind"),
        ("GENERATORS.mine", ImportError("no torchnets"), "no torchnets"),
    ],
)
def test_a_network_that_cannot_be_taken_is_omitted_with_a_warning(monkeypatch, name, item, complaint):
    install(monkeypatch, extensions, "ganarium.networks", Entry(name, item))
    with pytest.warns(UserWarning, match=f"'{name}' of elsewhere:item is omitted: {complaint}"):
        extensions.load_extensions()
    assert "mine" not in networks.GENERATORS
    assert networks.GENERATORS["dcgan"] is not Halved


def test_a_method_of_another_package_brings_its_presets(tmp_path, monkeypatch):
    (tmp_path / "faces.yaml").write_text("batch_size: 7\nnetworks: {generator: {width: 12}}\n")
    monkeypatch.setattr(methods.table(), "_added", {})

    def recipe():
        return DCGAN.recipe().model_copy(update={"method": "dcgan-of-mine"})

    mine = dataclasses.replace(DCGAN, name="dcgan-of-mine", recipe=recipe, presets=tmp_path)
    assert presets(mine) == {"faces": tmp_path / "faces.yaml"}
    found = chosen_recipe(mine, preset="faces", changes={"images": 10})
    assert (found.method, found.batch_size, found.images) == ("dcgan-of-mine", 7, 10)
    assert found.networks["generator"]["width"] == 12
    with pytest.raises(FileNotFoundError, match="dcgan-of-mine has no preset 'world'; it has faces"):
        preset_settings(mine, "world")
    without = dataclasses.replace(mine, presets=None)
    with pytest.raises(FileNotFoundError, match="dcgan-of-mine has no preset 'faces'; it has none"):
        preset_settings(without, "faces")
