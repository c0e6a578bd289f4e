"""Few labels: which are kept, and the labelled samples that then stand beside every batch."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.data.batches import Conditioned, SemiSupervisedBatch
from ganarium.data.conditions.partial import PartialLabels
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.data.settings import Data
from ganarium.data.sources.arrays import Arrays
from ganarium.data.sources.folder import Folder, contents

CLASSES = 3


def numbered(count, *, seed=0, **keys):
    """Picture i is of level i, on its left half one less; its class is i mod 3."""
    levels = np.arange(1, count + 1, dtype=np.uint16)[:, None, None, None] * 2 + np.arange(2, dtype=np.uint16)
    source = Arrays("numbers", levels, np.arange(count) % CLASSES)
    return Dataset(source, Data(source="numbers", **keys), seed=seed)


def numbers(pictures):
    return ((pictures[:, 0, 0].amin(1) + 1) / 2 * 65535).round().long() // 2 - 1


def labeled_batch(dataset, indices):
    """Return the labeled samples of these numbers and their labels."""
    real, rows = dataset.part(1, indices)
    return Conditioned(real, torch.from_numpy(rows.column("label")))


def labeled_count(dataset):
    return len(dataset.streams[1])


def kept(dataset):
    return set(numbers(dataset.part(1, range(labeled_count(dataset)))[0]).tolist())


def test_so_many_labels_are_kept_evenly_over_the_classes():
    dataset = numbered(60, labeled_samples=11)
    batch = labeled_batch(dataset, range(11))
    assert dataset.spec.condition == PartialLabels(("0", "1", "2"))
    assert not dataset.spec.condition.is_input
    assert len(kept(dataset)) == labeled_count(dataset) == 11
    both = dataset.batch(range(11))
    assert isinstance(both, SemiSupervisedBatch)
    assert numbers(both.real).tolist() == list(range(11))
    assert all(map(torch.equal, both.labeled, batch))
    assert torch.equal(batch.condition, numbers(batch.real) % CLASSES)
    assert sorted(batch.condition.bincount().tolist()) == [3, 4, 4]
    assert "11 of 60 samples keep their labels, 3 to 4 a class" in dataset.report.notes


def test_the_seed_draws_them_and_more_keep_the_same_ones():
    assert kept(numbered(60, labeled_samples=9)) == kept(numbered(60, labeled_samples=9))
    assert kept(numbered(60, labeled_samples=9)) != kept(numbered(60, labeled_samples=9, seed=1))
    assert kept(numbered(60, labeled_samples=9)) < kept(numbered(60, labeled_samples=12))


def test_of_a_rare_class_there_are_as_many_as_there_are():
    images = np.zeros((30, 1, 2, 2), np.uint8)
    source = Arrays("rare", images, np.repeat([0, 1], [28, 2]))
    dataset = Dataset(source, Data(source="rare", labeled_samples=10))
    assert labeled_batch(dataset, range(10)).condition.bincount().tolist() == [8, 2]


def test_more_than_there_are_is_told():
    dataset = numbered(6, labeled_samples=100)
    assert kept(dataset) == set(range(6))
    assert "data.labeled_samples=100, but only 6 samples have one: all are kept" in dataset.report.notes


def test_without_the_key_batches_are_what_they_were():
    dataset = numbered(60)
    assert len(dataset.streams) == 1
    assert dataset.spec.condition is None
    assert isinstance(next(Feed(dataset, batch_size=4, workers=0)), torch.Tensor)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        (
            {"labeled_samples": 2},
            "data.labeled_samples=2, but there are 3 classes: keep at least one label of each",
        ),
        (
            {"labeled_samples": 9, "condition": "label"},
            "data.labeled_samples=9 sets .* data.condition=label gives .*: leave one of them out",
        ),
    ],
)
def test_what_does_not_go_together_is_told(keys, complaint):
    with pytest.raises(ValueError, match=complaint):
        numbered(60, **keys)


def test_labels_that_are_not_there_are_told(tmp_path):
    picture(tmp_path / "a.png")
    with pytest.raises(
        ValueError, match=r"data.labeled_samples=5, but .* has none: looked for a sub-folder for each"
    ):
        open_data(Data(source=str(tmp_path), labeled_samples=5))


def taken(dataset, batches, *, size=1, accumulate=1, **keys):
    """The whole batches that all processes see together."""
    feeds = [
        Feed(dataset, batch_size=24, size=size, rank=rank, accumulate=accumulate, **keys)
        for rank in range(size)
    ]
    calls = [[next(feed) for feed in feeds] for _ in range(batches * accumulate)]
    shares = [share for call in calls for share in call]
    for feed in feeds:
        feed.close()
    assert all(isinstance(share, SemiSupervisedBatch) for share in shares)
    labeled = Conditioned(*map(torch.cat, zip(*(share.labeled for share in shares), strict=True)))
    return SemiSupervisedBatch(torch.cat([share.real for share in shares]), labeled)


def equal(ours, theirs):
    return all(map(torch.equal, (ours.real, *ours.labeled), (theirs.real, *theirs.labeled)))


def test_beside_every_batch_stand_as_many_labelled_samples():
    dataset = numbered(60, labeled_samples=9)
    batch = taken(dataset, 5)
    assert torch.equal(batch.real, stream(numbered(60), 5)), "the others come as they would without labels"
    shown = numbers(batch.labeled.real)
    assert torch.equal(batch.labeled.condition, shown % CLASSES)
    for epoch in shown[: 9 * 13].split(9):
        assert set(epoch.tolist()) == kept(dataset), "in an epoch each is shown once"
    assert not torch.equal(shown[:9], shown[9:18])


def stream(dataset, batches):
    feed = Feed(dataset, batch_size=24, workers=0)
    return torch.cat([next(feed) for _ in range(batches)])


@pytest.mark.parametrize(("size", "accumulate", "workers"), [(2, 1, 2), (1, 3, 0), (2, 2, 1)])
def test_processes_micro_batches_and_workers_change_nothing(size, accumulate, workers):
    dataset = numbered(60, labeled_samples=9)
    alone = taken(dataset, 3, flip=True, seed=5)
    assert equal(
        taken(dataset, 3, size=size, accumulate=accumulate, workers=workers, flip=True, seed=5), alone
    )


def test_a_count_goes_on():
    dataset = numbered(60, labeled_samples=9)
    whole, part = (Feed(dataset, batch_size=24, workers=0) for _ in range(2))
    for _ in range(3):
        next(whole)
    part.load_state_dict(whole.state_dict())
    assert equal(next(part), next(whole))
    assert part.images == whole.images == 96, "labelled samples are not counted"


def test_labelled_samples_are_mirrored_by_a_chance_of_their_own():
    batch = taken(numbered(60, labeled_samples=9), 20, flip=True)
    of_all, of_labeled = (
        pictures[:, 0, 0, 0] > pictures[:, 0, 0, 1] for pictures in (batch.real, batch[1][0])
    )
    assert 180 < of_labeled.sum() < 300
    assert 180 < (of_all == of_labeled).sum() < 300


def picture(path, level=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), level, np.uint8)).save(path)
    return path


@pytest.fixture
def folders(tmp_path):
    """Cats and dogs, and many of which nothing is known."""
    for number in range(4):
        picture(tmp_path / "cats" / f"{number}.png", number)
        picture(tmp_path / "dogs" / f"{number}.png", 100 + number)
    for number in range(20):
        picture(tmp_path / "unlabelled" / f"{number}.png", 200 + number)
    return tmp_path


def test_an_unlabelled_folder_is_no_class(folders):
    dataset = open_data(Data(source=str(folders), labeled_samples=100))
    assert dataset.spec.classes == ("cats", "dogs")
    assert (len(dataset), labeled_count(dataset)) == (28, 8)
    assert dataset.report.classes == {"cats": 4, "dogs": 4}
    assert labeled_batch(dataset, range(8)).condition.tolist() == [0] * 4 + [1] * 4


def test_where_each_sample_needs_a_label_the_unlabelled_are_left_out(folders):
    dataset = open_data(Data(source=str(folders), condition="label"))
    assert len(dataset) == 8
    assert "20 samples have no label and are left out" in dataset.report.notes


def test_for_a_broken_labelled_sample_another_labelled_one_stands_in(folders):
    source = Folder(folders, contents(folders))
    broken = folders / "cats" / "1.png"
    data = Data(source=str(folders), labeled_samples=8)
    dataset = Dataset(source, data)
    broken.write_bytes(broken.read_bytes()[:40])
    batch = labeled_batch(dataset, [0, 1, 7])
    levels = ((batch.real[:, 0, 0, 0] + 1) * 127.5).round().tolist()
    assert (levels, batch.condition.tolist()) == ([0, 2, 103], [0, 0, 1])
    for path in (folders / "cats").iterdir():
        path.write_bytes(b"")
    assert set(labeled_batch(dataset, range(8)).condition.tolist()) <= {0, 1}


def test_no_labelled_sample_is_whole(folders):
    dataset = open_data(Data(source=str(folders), labeled_samples=8, cache_gib=0))
    for name in ("cats", "dogs"):
        for path in (folders / name).iterdir():
            path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"not one sample is whole; the last: dogs/3.png: empty file"):
        labeled_batch(dataset, [0])
