"""Feature bank of instances."""

import random

import torch

from ganarium.ops.instance_features import InstanceFeatureBank


def taught(capacity=4):
    """Class 0 was seen as (1, -1), class 1 as (2, -2), class 2 never."""
    looks = InstanceFeatureBank(3, 2, capacity=capacity)
    ids = torch.tensor([[0, 1], [0, 1]])[None, None]
    features = torch.cat([ids + 1.0, -(ids + 1.0)], 1)
    looks.remember(features, ids)
    return looks, features, ids


def test_a_class_looks_as_it_was_seen():
    looks, *_ = taught()
    drawn = looks.drawn(torch.tensor([[0.0, 0.5, 1.0], [1.0, 1.0, 0.0]]))
    assert drawn.tolist() == [[[1, -1], [2, -2], [0, 0]]] * 2


def test_random_numbers_choose_among_all_stored_instances():
    looks, features, ids = taught()
    for k in range(1, 4):
        looks.remember(features * 10**k, ids)
    drawn = looks.drawn(torch.linspace(0, 1, 9)[:, None].expand(9, 3))
    assert drawn[:, 0, 0].tolist() == [1, 1, 10, 10, 100, 100, 1000, 1000, 1000]


def test_what_was_seen_long_ago_is_forgotten():
    looks, features, ids = taught()
    random.seed(0)
    for _ in range(60):
        looks.remember(features * 10, ids)
    assert looks.drawn(torch.rand(20, 3))[:, 0, 0].unique().tolist() == [10]


def test_it_goes_on_from_what_was_saved():
    looks, *_ = taught()
    again = InstanceFeatureBank(3, 2, capacity=4)
    again.load_state_dict(looks.state_dict())
    uniform = torch.rand(5, 3)
    assert torch.equal(again.drawn(uniform), looks.drawn(uniform))
    assert not torch.equal(InstanceFeatureBank(3, 2, capacity=4).drawn(uniform), looks.drawn(uniform))
