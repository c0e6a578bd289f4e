"""Summary of a run's data beside its log: `data.json`, and `data.png` with a grid of real samples."""

import json
from pathlib import Path
from typing import Any

from ganarium.common import grids
from ganarium.common.files import write_text
from ganarium.data.batches import real_samples
from ganarium.data.dataset import Dataset
from ganarium.data.order import spread


def save(dataset: Dataset, folder: Path) -> None:
    """Write `data.json` and `data.png`.

    The grid shows evenly spaced samples. If the data have a condition, the grid shows the first samples
    instead: the sample grids of the run are generated with their conditions, in the same order.
    """
    count = min(dataset.modality.grid_count, len(dataset))
    in_order = dataset.condition is not None and dataset.condition.is_input
    batch = dataset.batch(range(count) if in_order else spread(len(dataset), count))
    save_report(dataset, folder)
    grids.save(dataset.modality.grid(real_samples(batch)), folder / "data.png")


def save_report(dataset: Dataset, folder: Path) -> None:
    """Write `data.json`: the data report with the broken files found so far."""
    write_text(folder / "data.json", json.dumps(dataset.report.to_dict(), indent=1) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """Read a run's `data.json`.

    Raises:
        FileNotFoundError: the file does not exist, as in runs of early versions.
        ValueError: the file is damaged.
    """
    path = folder / "data.json"
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(tree, dict):
        raise ValueError(f"{path} is damaged: it holds a {type(tree).__name__} instead of an object")
    return tree
