"""The history of generated samples."""

import random

import pytest
import torch

from ganarium.ops.image_pool import Pool


def batch(start, count=4):
    """Samples that are distinguished by their number."""
    return torch.arange(float(start), start + count).view(-1, 1, 1).expand(-1, 2, 3)


def numbers(samples):
    return samples[:, 0, 0].tolist()


def test_until_it_is_full_samples_pass_through():
    pool = Pool(8)
    assert numbers(pool(batch(0))) == [0, 1, 2, 3]
    assert numbers(pool(batch(4))) == [4, 5, 6, 7]
    assert numbers(pool.history) == list(range(8))


def test_full_it_hands_back_half_old_ones():
    random.seed(0)
    pool = Pool(50)
    pool(batch(0, 50))
    old = sum(number < 50 + 4 * i for i in range(250) for number in numbers(pool(batch(50 + 4 * i))))
    assert old / 1000 == pytest.approx(0.5, abs=0.05)
    assert pool.history.shape == (50, 2, 3)


def test_every_sample_is_handed_back_once_at_most_twice_kept():
    """What goes out old was let in before, and leaves its place to the new one."""
    random.seed(1)
    pool = Pool(3)
    seen = [number for i in range(50) for number in numbers(pool(batch(4 * i)))]
    assert len(seen) == 200
    assert max(seen.count(number) for number in set(seen)) <= 2


def test_a_pool_of_none_hands_back_what_it_is_given():
    samples = batch(0).clone().requires_grad_()
    out = Pool(0)(samples)
    assert torch.equal(out, samples)
    assert not out.requires_grad


def test_what_it_hands_back_is_detached_and_its_own():
    samples = batch(0).clone().requires_grad_()
    pool = Pool(8)
    out = pool(samples)
    assert not out.requires_grad
    out.zero_()
    assert numbers(pool.history) == [0, 1, 2, 3]


def test_its_history_is_part_of_the_state(tmp_path):
    pool, other = Pool(6), Pool(6)
    pool(batch(0))
    torch.save(pool.state_dict(), tmp_path / "pool.pt")
    other.load_state_dict(torch.load(tmp_path / "pool.pt", weights_only=True))
    random.seed(2)
    ours = pool(batch(4))
    random.seed(2)
    assert torch.equal(other(batch(4)), ours)


def test_a_loaded_history_is_a_copy():
    pool, other = Pool(6), Pool(6)
    pool(batch(0))
    other.load_state_dict(pool.state_dict())
    other.history.zero_()
    assert numbers(pool.history) == [0, 1, 2, 3]


def test_it_takes_samples_of_one_batch_larger_than_itself():
    random.seed(0)
    pool = Pool(2)
    out = pool(batch(0, 10))
    assert len(out) == 10
    assert pool.history.shape == (2, 2, 3)
