"""Inspect data before training."""

from pathlib import Path
from typing import Any

import torch

from ganarium.common import grids
from ganarium.common.schema import checked
from ganarium.data.dataset import open_data
from ganarium.data.order import spread
from ganarium.data.report import Report
from ganarium.data.settings import Data, Sources, source_of
from ganarium.data.sources.sample_files import SURVEYED
from ganarium.evaluation.evaluate import CHUNK, ON_A_SHEET, read_samples


def inspect(data: Sources, *, sheet: str | Path | None = None, **keys: Any) -> Report:
    """What is recognised in data, which of its files are broken, and how a network would see it.

    Up to 2,000 samples, evenly spread, are decoded.

    Args:
        data: a folder, a file or a name, as in `data.source` of a recipe, or several of them.
        sheet: PNG that shows 64 samples, evenly spread, in the form in which a network would see them.
        keys: those of `ganarium.Data`: `size=64`, `condition="label"` ...

    Raises:
        FileNotFoundError, ValueError: there are no such data, or nothing in them can be used.
    """
    dataset = open_data(checked(Data, {"source": source_of(data), **keys}, "data"))
    for part in torch.as_tensor(spread(len(dataset), SURVEYED)).split(CHUNK):
        dataset.batch(part.tolist())
    if sheet is not None:
        count = ON_A_SHEET if len(dataset.spec.shape) == 3 else SURVEYED
        grids.save(grids.grid(read_samples(dataset, count)[0]), Path(sheet))
    return dataset.report
