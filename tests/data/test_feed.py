import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganarium.data.batches import Conditioned
from ganarium.data.dataset import Dataset
from ganarium.data.feed import Feed
from ganarium.data.modalities.points import Points
from ganarium.data.rows import Rows, Stream
from ganarium.data.settings import Data
from ganarium.data.sources.arrays import Arrays

torch.set_num_threads(1)


def numbered(count, **keys):
    """Picture i holds 2 i on its left half and 2 i + 1 on its right half."""
    levels = np.arange(count, dtype=np.uint16)[:, None, None, None] * 2 + np.arange(2, dtype=np.uint16)
    images = np.broadcast_to(levels, (count, 1, 1, 2)).copy()
    return Dataset(Arrays("numbers", images, np.arange(count) % 3), Data(source="numbers", **keys))


def order(pictures):
    """Numbers of the pictures, negative where mirrored."""
    levels = ((pictures + 1) / 2 * 65535).round().long()[:, 0, 0]
    return torch.where(levels[:, 0] % 2 == 1, -(levels[:, 1] // 2) - 1, levels[:, 0] // 2)


def taken(feed, calls):
    batches = [next(feed) for _ in range(calls)]
    feed.close()
    return batches


def stream(dataset, batches, *, size=1, accumulate=1, **keys):
    """The whole batches that all processes see together."""
    shares = [
        taken(Feed(dataset, size=size, rank=rank, accumulate=accumulate, **keys), batches * accumulate)
        for rank in range(size)
    ]
    return torch.cat([share[call] for call in range(batches * accumulate) for share in shares])


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 30),
    share=st.integers(1, 4),
    size=st.sampled_from([1, 2, 3]),
    accumulate=st.sampled_from([1, 2, 4]),
    workers=st.integers(0, 3),
    seed=st.integers(-5, 2**40),
    flip=st.booleans(),
)
def test_one_stream_for_any_processes_micro_batches_and_workers(
    count, share, size, accumulate, workers, seed, flip
):
    dataset = numbered(count)
    keys = {"batch_size": share * 24, "seed": seed, "flip": flip}
    alone = order(stream(dataset, 3, workers=0, **keys))
    shared = order(stream(dataset, 3, size=size, accumulate=accumulate, workers=workers, **keys))
    assert torch.equal(alone, shared)
    shown = torch.where(alone < 0, -alone - 1, alone)
    for epoch in shown.split(count):
        assert epoch.unique().numel() == len(epoch), "in an epoch each is shown once"
    assert flip or (alone >= 0).all()


def test_seeds_and_epochs_differ_and_half_is_mirrored():
    dataset = numbered(500)
    one = order(stream(dataset, 2, batch_size=500, flip=True))
    other = order(stream(dataset, 2, batch_size=500, flip=True, seed=1))
    assert not torch.equal(one[:500], one[500:])
    assert not torch.equal(one, other)
    assert 430 < (one < 0).sum() < 570
    assert ((one[:500] < 0) != (other[:500] < 0)).any()


def test_the_order_is_the_same_tomorrow():
    two_epochs = order(stream(numbered(8), 1, batch_size=16, seed=7, flip=True))
    assert two_epochs.tolist() == [-8, 5, 6, -1, 3, -5, -2, 2, -5, -2, 6, 7, -4, 0, -6, 2]


@pytest.mark.parametrize(("size", "accumulate"), [(1, 1), (2, 1), (4, 1), (1, 3), (2, 2)])
def test_a_count_goes_on_with_any_number_of_processes(size, accumulate):
    dataset = numbered(30)
    whole = stream(dataset, 7, batch_size=12)
    first = Feed(dataset, batch_size=12, size=2, rank=1, accumulate=2, workers=2)
    for _ in range(2 * 4):
        next(first)
    state = first.state_dict()
    first.close()
    assert state == {"batches": 4}
    shares = []
    for rank in range(size):
        feed = Feed(dataset, batch_size=12, size=size, rank=rank, accumulate=accumulate)
        next(feed)
        feed.load_state_dict(state)
        assert feed.images == 48
        shares.append(taken(feed, 3 * accumulate))
    rest = torch.cat([share[call] for call in range(3 * accumulate) for share in shares])
    assert torch.equal(rest, whole[48:])


def test_images_counts_all_processes_and_only_what_was_handed_out():
    feed = Feed(numbered(30), batch_size=12, size=2, accumulate=3)
    assert feed.images == 0
    for _ in range(4):
        assert next(feed).shape == (2, 1, 1, 2)
    assert feed.images == 16
    assert feed.state_dict() == {"batches": 1}
    feed.close()


def test_uneven_shares_and_few_samples():
    dataset = numbered(5)
    with pytest.raises(
        ValueError, match="batch_size=10 cannot be shared out among 2 processes times 2 micro-batches"
    ):
        Feed(dataset, batch_size=10, size=2, accumulate=2)
    with pytest.raises(ValueError, match="batch_size=0"):
        Feed(dataset, batch_size=0)
    Feed(dataset, batch_size=8, workers=0)
    assert dataset.report.notes == ["only 5 samples for batches of 8: each is shown more than once a batch"]


def test_conditions_go_with_their_samples():
    feed = Feed(numbered(9, condition="label"), batch_size=9, flip=True, channels_last=True)
    batch = next(feed)
    feed.close()
    assert isinstance(batch, Conditioned)
    shown = order(batch.real)
    assert torch.equal(batch.condition, torch.where(shown < 0, -shown - 1, shown) % 3)


def test_channels_last():
    images = np.random.default_rng(0).integers(0, 255, (6, 3, 4, 5), dtype=np.uint8)
    dataset = Dataset(Arrays("noise", images), Data())
    plain, last = (taken(Feed(dataset, batch_size=6, channels_last=c), 1)[0] for c in (False, True))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(plain, last)


class Watched:
    """A set that records which thread asks, can be slow, and can fail."""

    in_memory, streams, modality = False, (Stream(np.arange(1000)),), Points()

    def __init__(self, seconds=0.0, fails_at=None):
        self.seconds, self.fails_at = seconds, fails_at
        self.threads, self.asked = set(), 0

    def __len__(self):
        return 1000

    def join(self, parts):
        ((batch, _),) = parts
        return batch

    def part(self, stream, indices, *, places, mirrored=None, corners=None):
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        time.sleep(self.seconds)
        if self.asked == self.fails_at:
            raise ValueError("holiday.png: on fire")
        return torch.zeros(len(indices), 2), Rows(indices, places)


def test_workers_run_ahead_but_not_away():
    dataset = Watched()
    feed = Feed(dataset, batch_size=4, workers=2)
    next(feed)
    time.sleep(0.05)
    assert dataset.asked == 5, "one handed out, two ahead for each worker"
    assert all(name.startswith("ganarium-feed") for name in dataset.threads)
    feed.close()


def test_workers_rest_when_all_is_decoded():
    dataset = Watched()
    feed = Feed(dataset, batch_size=4, workers=2)
    next(feed)
    time.sleep(0.05)
    dataset.in_memory = True
    taken(feed, 6)
    assert dataset.asked == 7, "what was decoded ahead is used first, and none twice"
    assert threading.current_thread().name in dataset.threads
    feed.close()


def test_without_workers_the_caller_decodes():
    dataset = Watched()
    taken(Feed(dataset, batch_size=4, workers=0), 3)
    assert dataset.asked == 3
    assert dataset.threads == {threading.current_thread().name}


def test_waiting_is_told_from_working():
    slow = Feed(Watched(seconds=0.03), batch_size=4, workers=1)
    taken(slow, 3)
    assert slow.waited > 0.06
    ahead = Feed(Watched(seconds=0.005), batch_size=4, workers=2)
    next(ahead)
    before = ahead.waited
    for _ in range(5):
        time.sleep(0.03)
        next(ahead)
    assert ahead.waited - before < 0.03
    ahead.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_what_goes_wrong_in_a_worker_is_raised_at_its_turn(workers):
    feed = Feed(Watched(fails_at=3), batch_size=4, workers=workers)
    next(feed), next(feed)
    with pytest.raises(ValueError, match=r"holiday\.png: on fire"):
        next(feed)
    assert feed.images == 8
    feed.close()


def test_a_failed_batch_is_not_skipped():
    feed = Feed(Watched(fails_at=1), batch_size=4, workers=1)
    for _ in range(2):
        with pytest.raises(ValueError, match="on fire"):
            next(feed)
    assert feed.images == 0
    feed.close()
