"""The reference: read when needed, its features kept on disk and computed again after any change."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.common.files import cache_folder
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.data.sources.world import _DRAWINGS
from ganarium.metrics import Reference
from ganarium.metrics.cache import identity
from ganarium.metrics.feature_networks import Convention
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.reference import REAL, reference
from ganarium.networks.classifiers import LeNet
from ganarium.recipes.sources import source_name

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANARIUM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture
def photos(tmp_path):
    for i in range(5):
        save(tmp_path / "photos" / "deep" / f"{i}.png", i)
    return tmp_path / "photos"


def save(path: Path, seed: int):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 12), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


class Counting(LeNet):
    """Counts the pictures that it sees."""

    seen = 0

    def both(self, images):
        self.seen += len(images)
        return super().both(images)


def network(sha256="ab" * 32):
    torch.manual_seed(0)
    return FeatureNetwork(
        Counting(),
        name="LeNet-5",
        layer="f6",
        convention=Convention((32, 32), 1),
        dimension=84,
        classes=10,
        sha256=sha256,
    )


def seen(data, by=None, seed=0, **settings):
    """How many real pictures a network sees when they are compared with, and what it says."""
    by = by or network()
    real = reference(open_data(data, seed=seed), data, seed, **settings)
    before = by.network.seen
    reading = real.reading(by)
    assert real.reading(by) is reading
    return by.network.seen - before, reading


def of(folder, **keys):
    return Data(source=str(folder), workers=0, **keys)


def test_the_second_time_the_network_sees_no_real_picture(photos, cache):
    first, reading = seen(of(photos))
    assert (first, len(reading.features), reading.logits.shape) == (5, 5, (5, 10))
    second, kept = seen(of(photos))
    assert second == 0
    assert torch.equal(kept.features, reading.features)
    assert torch.equal(kept.logits, reading.logits)
    assert len(list(cache.iterdir())) == 1


def test_without_the_cache_nothing_is_kept_or_looked_for(photos, cache):
    assert seen(of(photos), cached=False)[0] == 5
    assert not cache.exists()
    seen(of(photos))
    assert seen(of(photos), cached=False)[0] == 5


def changed_picture(photos):
    save(photos / "deep" / "3.png", 33)


def touched_picture(photos):
    status = (photos / "deep" / "3.png").stat()
    os.utime(photos / "deep" / "3.png", ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def another_name(photos):
    (photos / "deep" / "3.png").rename(photos / "deep" / "a.png")


def another_picture(photos):
    save(photos / "5.png", 5)


@pytest.mark.parametrize("change", [changed_picture, touched_picture, another_name, another_picture])
def test_a_change_of_the_data_is_noticed(photos, change):
    _, before = seen(of(photos))
    change(photos)
    passes, after = seen(of(photos))
    assert passes == len(after.features) >= 5
    if change is changed_picture:
        assert not torch.equal(before.features, after.features)


def test_a_change_behind_a_link_is_noticed(photos, tmp_path):
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "here").symlink_to(photos)
    (photos / "round").symlink_to(tmp_path / "linked")  # a loop is entered once
    assert seen(of(tmp_path / "linked"))[0] == 5
    assert seen(of(tmp_path / "linked"))[0] == 0
    changed_picture(photos)
    assert seen(of(tmp_path / "linked"))[0] == 5


@pytest.mark.parametrize("keys", [{"size": 10}, {"channels": 3}, {"count": 4}, {"max_size": 8}])
def test_another_form_of_the_data_is_another_real_side(photos, keys):
    seen(of(photos))
    assert seen(of(photos, **keys))[0] == keys.get("count", 5)


def test_what_changes_no_sample_changes_nothing(photos):
    seen(of(photos))
    assert seen(of(photos, cache_gib=0.0, flip=True))[0] == 0


def test_another_network_file_is_another_real_side(photos):
    seen(of(photos))
    assert seen(of(photos), network("cd" * 32))[0] == 5


def test_the_drawn_world_goes_by_its_seed():
    world = Data(source="world", size=16, count=24, workers=0)
    assert seen(world)[0] == 24
    assert seen(world)[0] == 0
    assert seen(world, seed=1)[0] == 24
    assert identity(world, 0)["seed"] == 0


def test_what_identifies_data(photos):
    assert "seed" not in identity(of(photos), 0)
    both = Data(source=(str(photos), "world"), workers=0)
    assert identity(both, 0) != identity(both, 1)
    assert identity(both, 0)["source"] == [str(photos), "world"]


def test_arrays_are_not_kept(cache):
    images = np.random.default_rng(0).integers(0, 255, (6, 12, 12), dtype=np.uint8)
    data = Data(source=source_name(images), workers=0)
    assert identity(data, 0) is None
    assert [seen(data)[0], seen(data)[0]] == [6, 6]
    assert not cache.exists()


def test_a_world_that_is_drawn_otherwise_is_another_real_side(monkeypatch):
    world = Data(source="world", size=16, count=24, workers=0)
    seen(world)
    monkeypatch.setitem(_DRAWINGS, "plain", lambda scenes: scenes.images()[:, ::-1])
    assert seen(world)[0] == 24


@pytest.mark.parametrize("damage", ["emptied", "cut", "one bit", "no such format", "another key's"])
def test_a_damaged_file_is_made_anew(photos, cache, damage):
    _, reading = seen(of(photos))
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    bit = bytearray(whole)
    bit[-100] ^= 1
    broken = {"emptied": b"", "cut": whole[:-7], "one bit": bytes(bit), "no such format": b"what" * 100}
    if damage == "another key's":
        seen(of(photos), network("cd" * 32))
        (other,) = (path for path in cache.iterdir() if path != file)
        broken[damage] = other.read_bytes()
    file.write_bytes(broken[damage])
    passes, again = seen(of(photos))
    assert passes == 5
    assert torch.equal(again.features, reading.features)
    assert seen(of(photos))[0] == 0, "and is kept again"


def test_where_nothing_can_be_kept_it_is_not(photos, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANARIUM_CACHE", str(tmp_path / "file" / "cache"))
    assert seen(of(photos))[0] == 5
    assert seen(of(photos))[0] == 5


def test_where_the_cache_is(tmp_path, monkeypatch):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("GANARIUM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "ganarium"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "ganarium"


def test_of_many_an_even_choice_is_looked_at(monkeypatch):
    monkeypatch.setattr("ganarium.metrics.reference.REAL", 6)
    data = Data(source="world", size=16, count=24, workers=0)
    dataset = open_data(data)
    real = reference(dataset, data, 0)
    assert len(real) == 6
    assert not real.seen
    assert torch.equal(real.samples, dataset.batch(range(0, 24, 4)))
    assert real.seen
    some, labels = real.some(3)
    assert torch.equal(some, dataset.batch([0, 8, 16]))
    assert labels is None
    assert REAL == 10_000


def test_labels_come_with_the_data_that_have_them():
    data = Data(source="world", size=16, count=24, workers=0, condition="label")
    dataset = open_data(data)
    some, labels = reference(dataset, data, 0).some(10)
    assert len(some) == 10
    assert labels.dtype == torch.int64
    data = Data(source="world", size=16, count=24, workers=0, condition="attributes")
    assert reference(open_data(data), data, 0).some(10)[1] is None


@pytest.mark.parametrize("condition", ["attributes", "map", "semantic", "domains"])
def test_other_conditions_are_no_labels(condition):
    data = Data(source="world", size=16, count=24, workers=0, condition=condition)
    assert reference(open_data(data), data, 0).some(10)[1] is None


def test_one_stream_or_all_of_several():
    data = Data(source="world", size=16, count=24, workers=0, condition="domains")
    dataset = open_data(data)
    both = dataset.batch(range(24)).domains
    for stream, domain in enumerate(both):
        real = reference(dataset, data, 0, stream=stream)
        assert len(real) == 24
        assert torch.equal(real.samples, domain)
        assert torch.equal(real.some(6)[0], domain[::4])
    real = reference(dataset, data, 0)
    assert len(real) == 48
    assert torch.equal(real.samples, torch.cat(both))
    assert torch.equal(real._read([40, 3, 25, 0])[0], torch.cat(both)[[40, 3, 25, 0]])


def test_each_stream_is_cached_on_its_own():
    data = Data(source="world", size=16, count=24, workers=0, condition="domains")
    readings = [seen(data, stream=stream) for stream in (0, 1, None, 0)]
    assert [passes for passes, _ in readings] == [24, 24, 48, 0]
    assert torch.equal(readings[0][1].features, readings[3][1].features)
    assert not torch.equal(readings[0][1].features, readings[1][1].features)


def test_samples_at_hand():
    samples = torch.rand(7, 1, 12, 12)
    real = Reference.of(samples)
    assert len(real) == 7
    assert torch.equal(real.samples, samples)
    by = network()
    assert len(real.reading(by).features) == 7
    assert by.network.seen == 7
