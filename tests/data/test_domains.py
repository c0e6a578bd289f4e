import numpy as np
import pytest
import torch

from ganarium.data.batches import Unpaired, real_samples
from ganarium.data.conditions.domains import Domains
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.data.modalities.image import Image
from ganarium.data.settings import Data
from ganarium.data.sources.arrays import Arrays
from ganarium.data.world import World

SIZES = (5, 12, 7)


def numbered(**keys):
    """Picture i holds 2 i on its left half and 2 i + 1 on its right half; three domains, interleaved."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(3), SIZES))
    levels = np.arange(sum(SIZES), dtype=np.uint16)[:, None, None, None] * 2 + np.arange(2, dtype=np.uint16)
    images = np.broadcast_to(levels, (sum(SIZES), 1, 1, 2)).copy()
    source = Arrays("numbers", images, labels, ("a", "b", "c"))
    return Dataset(source, Data(source="numbers", condition="domains", **keys)), labels


def numbers(pictures):
    """Of the pictures, and which are mirrored."""
    levels = ((pictures + 1) / 2 * 65535).round().long()[:, 0, 0]
    return levels.amin(dim=1) // 2, levels[:, 0] % 2 == 1


def sizes(dataset):
    return tuple(map(len, dataset.streams))


def taken(feed, calls):
    batches = [next(feed) for _ in range(calls)]
    feed.close()
    return batches


def joined(parts):
    return [torch.cat(domain) for domain in zip(*(part.domains for part in parts), strict=True)]


def test_each_domain_is_a_stream_of_its_own():
    dataset, labels = numbered()
    assert len(dataset) == 12
    assert sizes(dataset) == SIZES
    assert dataset.spec.condition == Domains(("a", "b", "c"))
    assert dataset.spec.condition_shape == ()
    assert dataset.spec.classes == ("a", "b", "c")
    feed = Feed(dataset, batch_size=4, flip=True, channels_last=True)
    batches = taken(feed, 105)
    assert feed.images == 420
    mirrors = []
    for domain, (stream, size) in enumerate(zip(joined(batches), SIZES, strict=True)):
        shown, mirrored = numbers(stream)
        own = np.flatnonzero(labels == domain)
        epochs = shown[: 420 // size * size].view(-1, size)
        assert all(sorted(epoch.tolist()) == own.tolist() for epoch in epochs)
        assert len({tuple(epoch.tolist()) for epoch in epochs}) > 2, "each epoch in another order"
        assert 170 < mirrored.sum() < 250
        mirrors.append(mirrored)
    assert not torch.equal(mirrors[0], mirrors[1]), "domains are mirrored independently"


def test_equal_domains_come_in_different_orders():
    source = Arrays("twins", np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1), np.arange(40) % 2)
    [batch] = taken(Feed(Dataset(source, Data(condition="domains")), batch_size=20), 1)
    ranks = [part.flatten().argsort().argsort() for part in batch.domains]
    assert not torch.equal(*ranks)


@pytest.mark.parametrize(("size", "accumulate", "workers"), [(2, 1, 0), (1, 3, 2), (2, 2, 1)])
def test_one_stream_for_any_processes_micro_batches_and_workers(size, accumulate, workers):
    keys = {"batch_size": 12, "seed": 3, "flip": True}
    whole = joined(taken(Feed(numbered()[0], workers=0, **keys), 6))
    shares = []
    for rank in range(size):
        feed = Feed(numbered()[0], size=size, rank=rank, accumulate=accumulate, workers=workers, **keys)
        next(feed)
        feed.load_state_dict({"batches": 2})
        shares.append(taken(feed, 4 * accumulate))
    rest = joined(share[call] for call in range(4 * accumulate) for share in shares)
    assert all(torch.equal(a, b[24:]) for a, b in zip(rest, whole, strict=True))


def test_plain_indices_begin_anew_in_the_smaller_domains():
    dataset, labels = numbered()
    batch = dataset.batch(range(12))
    assert isinstance(batch, Unpaired)
    for domain, size in enumerate(SIZES):
        own = np.flatnonzero(labels == domain)
        assert numbers(batch.domains[domain])[0].tolist() == own[np.arange(12) % size].tolist()
    assert len(real_samples(batch)) == 36
    some, rows = dataset.part(1, [11, 0, 12], mirrored=[False, True, False])
    assert rows.column("label").tolist() == [1, 1, 1]
    assert torch.equal(some[0], batch.domains[1][11])
    assert torch.equal(some[2], batch.domains[1][0])
    assert torch.equal(some[1], batch.domains[1][0].flip(-1))


def test_count_is_of_each_domain():
    dataset, _ = numbered(count=6)
    assert sizes(dataset) == (5, 6, 6)
    assert "data.count=6, but there are 5 of a: all of them are used" in dataset.report.notes
    assert dataset.report.samples == 17
    assert dataset.report.classes == {"a": 5, "b": 6, "c": 6}
    Feed(dataset, batch_size=6, workers=0)
    assert dataset.report.notes[-1].startswith("only 5 samples for batches of 6")


def test_the_worlds_domains_have_no_scene_in_common():
    dataset = open_data(Data(condition="domains", size=16, count=24), seed=5)
    assert dataset.spec.classes == ("plain", "inked")
    assert sizes(dataset) == (24, 24)
    plain, inked = dataset.batch(range(24)).domains
    scenes = World(16, seed=5).scenes(range(48))
    assert torch.equal(plain, pictures(scenes.images()[::2]))
    assert torch.equal(inked, pictures(scenes.styled()[1::2]))
    more = open_data(Data(condition="domains", size=16, count=48), seed=5)
    assert torch.equal(more.batch(range(24)).domains[1], inked), "more scenes, the same ones first"


@pytest.mark.parametrize("condition", [None, "style", "domains"])
def test_scenes_held_back_are_others(condition):
    keys = {"size": 16, "count": 300, "condition": condition}
    train, test = (open_data(Data(split=split, **keys), seed=5) for split in ("train", "test"))
    assert train.has_test
    assert train.spec == test.spec
    seen = {picture.numpy().tobytes() for picture in real_samples(train.batch(range(300)))}
    held_back = {picture.numpy().tobytes() for picture in real_samples(test.batch(range(300)))}
    assert len(seen) > 250
    assert not seen & held_back
    again = open_data(Data(split="test", **keys), seed=5)
    assert torch.equal(real_samples(again.batch([7])), real_samples(test.batch([7])))


def test_sources_that_hold_nothing_back_say_so():
    with pytest.raises(ValueError, match=r"data.split=test, but ring .* holds nothing back: looked for"):
        open_data(Data(source="ring", split="test"))
    assert not open_data(Data(source="ring")).has_test


def test_domains_need_classes():
    images = np.zeros((4, 1, 2, 2), np.uint8)
    with pytest.raises(ValueError, match=r"data.condition=domains, but plain .* has none: looked for labels"):
        Dataset(Arrays("plain", images, labels_hint="labels"), Data(source="plain", condition="domains"))
    alone = Arrays("alone", images, np.zeros(4, int), ("horses",))
    with pytest.raises(ValueError, match="is of one kind, horses: give at least two classes"):
        Dataset(alone, Data(condition="domains"))
    gap = Arrays("gap", images, np.zeros(4, int), ("horses", "zebras"))
    with pytest.raises(ValueError, match="not one sample of zebras is whole"):
        Dataset(gap, Data(condition="domains"))
    with pytest.raises(ValueError, match=r"data.condition=domains: points of the ring come without one"):
        open_data(Data(source="ring", condition="domains"))


def pictures(levels):
    return torch.from_numpy(Image().normalize(levels)).permute(0, 3, 1, 2)
