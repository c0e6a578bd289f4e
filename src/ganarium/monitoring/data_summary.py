"""What the data of a run are, kept beside its log: `data.json`, and `data.png`, a sheet of real samples."""

import json
from pathlib import Path
from typing import Any

from ganarium.common import grids
from ganarium.common.files import write_text
from ganarium.data.batches import real_samples
from ganarium.data.dataset import Dataset
from ganarium.data.order import spread


def save(dataset: Dataset, folder: Path) -> None:
    """Write both.

    Where samples are drawn for a condition these are the real ones that came with it, one for one;
    else they are evenly spread over the data.
    """
    shown = grids.PICTURES if len(dataset.spec.shape) == 3 else grids.POINTS
    count = min(shown, len(dataset))
    batch = dataset.batch(range(count) if dataset.spec.condition else spread(len(dataset), count))
    real = real_samples(batch)
    save_report(dataset, folder)
    grids.save(grids.grid(real), folder / "data.png")


def save_report(dataset: Dataset, folder: Path) -> None:
    """Write what was recognised, with the broken files that have turned up so far."""
    write_text(folder / "data.json", json.dumps(dataset.report.to_dict(), indent=1) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """The tree in a run's `data.json`.

    Raises:
        FileNotFoundError: there is none; the run may be older than this habit.
        ValueError: it is damaged.
    """
    path = folder / "data.json"
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(tree, dict):
        raise ValueError(f"{path} is damaged: it holds a {type(tree).__name__}, no table")
    return tree
