"""Rows of a batch: random numbers that belong to places of the stream, facts of the source, streams."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from ganarium.data.batches import Conditioned
from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.dataset import Dataset
from ganarium.data.feed import Feed
from ganarium.data.rows import Rows, Stream
from ganarium.data.settings import Data
from ganarium.data.sources.arrays import Arrays


def rows(places, seed=0):
    places = np.asarray(places)
    return Rows(places, places, seed)


def test_a_number_depends_on_seed_place_and_name_not_on_the_batch():
    whole = rows(range(100)).uniform("mask", 2, 3)
    assert whole.shape == (100, 2, 3)
    some = [70, 3, 3, 99]
    assert np.array_equal(rows(some).uniform("mask", 2, 3), whole[some])
    for other in (rows(range(100), seed=1).uniform("mask", 2, 3), rows(range(100)).uniform("noise", 2, 3)):
        assert not (other == whole).any()
    assert rows(range(5)).uniform("mask").shape == (5,)


def test_the_numbers_are_uniform():
    values = rows(range(2000)).uniform("mask", 5).ravel()
    assert values.min() >= 0
    assert values.max() < 1
    assert len(np.unique(values)) == len(values)
    counts = np.histogram(values, bins=10, range=(0, 1))[0]
    assert abs(counts - 1000).max() < 150
    assert abs(np.corrcoef(rows(range(2000)).uniform("mask", 2).T)[0, 1]) < 0.1


def test_the_numbers_are_the_same_tomorrow():
    assert rows([0, 7], seed=3).uniform("mask").tolist() == pytest.approx([0.3628981, 0.5591284], abs=1e-7)


def test_facts_are_those_of_the_rows():
    some = Rows(np.array([2, 0]), np.array([9, 5]), columns={"label": np.array([4, 5, 6])})
    assert some.column("label").tolist() == [6, 4]
    assert len(some) == 2
    assert len(Stream(np.arange(7))) == 7


@dataclass(frozen=True)
class Chance(Condition):
    """A random number beside each sample: what masks and degradations are made of."""

    name: ClassVar[str] = "chance"

    @classmethod
    def from_source(cls, source, settings, shape):
        return cls()

    def batch(self, real, rows):
        return Conditioned(real, torch.from_numpy(rows.uniform("chance")))

    def draw(self, count, shape, generator):
        return torch.rand(count, generator=generator)


@pytest.fixture
def dataset(monkeypatch):
    monkeypatch.setattr(CONDITIONS, "_added", {})
    CONDITIONS.add(Chance)
    levels = np.arange(30, dtype=np.uint8)[:, None, None, None]
    return Dataset(Arrays("numbers", levels), Data(condition="chance"), seed=5)


def taken(dataset, *, size=1, accumulate=1, workers=0):
    """Samples and numbers of three whole batches of 12."""
    feeds = [
        Feed(dataset, batch_size=12, size=size, rank=rank, accumulate=accumulate, workers=workers)
        for rank in range(size)
    ]
    parts = [next(feed) for _ in range(3 * accumulate) for feed in feeds]
    for feed in feeds:
        feed.close()
    return [torch.cat(values) for values in zip(*parts, strict=True)]


@pytest.mark.parametrize(("size", "accumulate", "workers"), [(2, 1, 0), (1, 3, 2), (2, 2, 1)])
def test_processes_micro_batches_and_workers_change_no_number(dataset, size, accumulate, workers):
    alone = taken(dataset)
    shared = taken(dataset, size=size, accumulate=accumulate, workers=workers)
    assert all(map(torch.equal, alone, shared))


def test_in_another_epoch_a_sample_has_another_number(dataset):
    real, numbers = taken(dataset)
    assert len(numbers.unique()) == 36
    shown = real.flatten().tolist()
    assert shown.count(shown[30]) == 2
    first = shown.index(shown[30])
    assert numbers[first] != numbers[30]


def test_in_evaluation_a_sample_keeps_its_number(dataset):
    batch, of_rows = dataset.batch_and_rows([3, 8])
    assert of_rows.places.tolist() == [3, 8]
    assert torch.equal(dataset.batch(range(10)).condition[[3, 8]], batch.condition)
