"""Several sources that are no images, as one."""

import numpy as np
import pytest
import torch

from ganarium.data.dataset import open_data
from ganarium.data.feed import Feed
from ganarium.data.modalities.points import Points
from ganarium.data.settings import Data


def test_several_point_sources_are_joined():
    data = open_data(Data(source=("ring", "grid", "spiral"), count=50), seed=3)
    assert data.spec.shape == (2,)
    assert data.spec.modality == Points()
    assert len(data) == 50
    assert data.report.classes.keys() == {"ring", "grid", "spiral"}
    every = open_data(Data(source=("ring", "grid")), seed=3)
    assert len(every) == 200_000


def test_joined_points_are_those_of_their_sources():
    data = open_data(Data(source=("ring", "grid")), seed=3)
    ring, grid = (open_data(Data(source=name), seed=3) for name in ("ring", "grid"))
    some = [0, 5, 99_999]
    assert torch.equal(data.batch(some), ring.batch(some))
    assert torch.equal(data.batch(np.array(some) + 100_000), grid.batch(some))
    batch = next(Feed(data, batch_size=16, workers=0))
    assert batch.shape == (16, 2)


def test_points_and_images_are_not_joined():
    with pytest.raises(
        ValueError, match=r"data\.source names samples of several kinds: points of the ring, the"
    ):
        open_data(Data(source=("ring", "world"), count=8))
