import numpy as np
import pytest
import torch

from ganarium.data.dataset import Dataset, open_data
from ganarium.data.feed import Feed
from ganarium.data.settings import Data
from ganarium.data.sources.arrays import Arrays

torch.set_num_threads(1)

HEIGHT, WIDTH = 9, 11


def placed(count=6, **keys):
    """Of picture i pixel (y, x) holds its place, so that a cut tells where it was made."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    images = np.broadcast_to((y * WIDTH + x).astype(np.uint8), (count, 1, HEIGHT, WIDTH)).copy()
    source = Arrays("places", images, np.arange(count) % 2)
    return Dataset(source, Data(load_size=(HEIGHT, WIDTH), size=(6, 7), **keys))


def corners(pictures):
    """Upper left corners `[N, 2]` of cuts that are not mirrored."""
    first = ((pictures[:, 0, 0, 0] + 1) * 127.5).round().long()
    return torch.stack([first // WIDTH, first % WIDTH], dim=1)


def taken(dataset, calls, **keys):
    feed = Feed(dataset, **keys)
    batches = [next(feed) for _ in range(calls)]
    feed.close()
    return batches


def test_cuts_are_somewhere_else_each_time_and_whole():
    data = placed()
    assert data.spec.shape == (1, 6, 7)
    cuts = torch.cat(taken(data, 40, batch_size=10))
    found = corners(cuts)
    assert found.amin(dim=0).tolist() == [0, 0]
    assert found.amax(dim=0).tolist() == [3, 4]
    counts = torch.bincount(found[:, 0] * 5 + found[:, 1], minlength=20)
    assert counts.min() > 5, "all twenty places, each about twenty times"
    steps = ((cuts[:, 0] + 1) * 127.5).round()
    assert (steps.diff(dim=2) == 1).all()
    assert (steps.diff(dim=1) == WIDTH).all()
    assert "resized to 9x11, of which each time another part is seen" in data.report.notes


def test_without_the_stream_the_middle_is_seen():
    assert corners(placed().batch([0, 1])).tolist() == [[2, 2], [2, 2]]
    told = placed().batch([0, 1], corners=np.array([[0.0, 0.999], [0.999, 0.0]]))
    assert corners(told).tolist() == [[0, 4], [3, 0]]


@pytest.mark.parametrize(("size", "accumulate", "workers"), [(2, 1, 0), (1, 3, 2), (2, 2, 1)])
def test_one_stream_for_any_processes_micro_batches_and_workers(size, accumulate, workers):
    keys = {"batch_size": 12, "seed": 5, "flip": True}
    whole = torch.cat(taken(placed(), 3, workers=0, **keys))
    shares = [
        taken(placed(), 3 * accumulate, rank=rank, size=size, accumulate=accumulate, workers=workers, **keys)
        for rank in range(size)
    ]
    joined = torch.cat([share[call] for call in range(3 * accumulate) for share in shares])
    assert torch.equal(joined, whole)
    assert not torch.equal(torch.cat(taken(placed(), 3, **keys | {"seed": 6})), whole)


def test_domains_are_cut_independently():
    one, other = taken(placed(40, condition="domains"), 1, batch_size=20)[0].domains
    assert not torch.equal(corners(one), corners(other))


def test_a_condition_made_from_a_sample_is_made_from_the_cut():
    batch = taken(placed(condition="grey"), 1, batch_size=6)[0]
    assert torch.equal(batch.real, batch.condition)


def test_the_world_and_what_it_shows_are_cut_alike():
    data = open_data(Data(condition="semantic", count=8, load_size=40, size=32))
    batch = taken(data, 1, batch_size=8)[0]
    assert batch.real.shape == (8, 3, 32, 32)
    background = batch.real[:, :, 0, 0].mean(dim=0)[None, :, None, None]
    shape = (batch.real - background).abs().sum(dim=1, keepdim=True) > 0.5
    assert (shape == (batch.condition > -1)).float().mean() > 0.97


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match=r"data\.load_size=40 is to be cut to data\.size: set it, too"):
        open_data(Data(load_size=40, count=4))
    with pytest.raises(ValueError, match=r"data\.size=\(32, 48\) cannot be cut out of data\.load_size=40"):
        open_data(Data(load_size=40, size=(32, 48), count=4))
    with pytest.raises(ValueError, match=r"data\.load_size=4 is for pictures"):
        open_data(Data(source="ring", load_size=4, size=2))
