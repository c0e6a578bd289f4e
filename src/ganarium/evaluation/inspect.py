"""Inspect data before training."""

from pathlib import Path
from typing import Any

import torch

from ganarium.common import grids
from ganarium.common.schema import checked
from ganarium.data.dataset import open_data
from ganarium.data.order import spread
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.data.sources.sample_files import SURVEYED
from ganarium.evaluation.evaluate import read_samples
from ganarium.recipes.sources import source_name


def inspect(data: Any, *, grid: str | Path | None = None, **keys: Any) -> Report:
    """Report what data contain and which of their files are broken.

    Up to 2,000 samples, evenly spread, are decoded.

    Args:
        data: folder, file or name, as in `data.source` of a recipe, or several of them; or an array.
        grid: PNG file to write: samples, evenly spread, as a network would be given them.
        keys: those of `ganarium.Data`: `size=64`, `condition="label"` ...

    Raises:
        FileNotFoundError, ValueError: there are no such data, or nothing in them can be used.
    """
    dataset = open_data(checked(Data, {"source": source_name(data), **keys}, "data"))
    for part in torch.as_tensor(spread(len(dataset), SURVEYED)).split(64):
        dataset.batch(part.tolist())
    if grid is not None:
        samples, _ = read_samples(dataset, dataset.modality.grid_count)
        grids.save(dataset.modality.grid(samples), Path(grid))
    return dataset.report
