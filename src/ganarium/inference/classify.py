"""What a model that classifies says of pictures in files, and how often it is right where that is known."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganarium.data.batches import real_samples
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.settings import Data
from ganarium.metrics.classes import ClassAccuracy, class_accuracy
from ganarium.models.loading import load_model
from ganarium.models.model import Model

_CHUNK = 64


@dataclass(frozen=True)
class Classification:
    """N pictures and the classes that they are taken for."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    """Of the pictures: their files, where there are any."""
    probabilities: Tensor
    """`[N, K]`."""
    labels: Tensor
    """The true classes, int64 `[N]`; -1 where nothing is known."""

    @property
    def accuracy(self) -> ClassAccuracy | None:
        """How often it is right where the truth is known; None where it nowhere is."""
        known = self.labels >= 0
        if not known.any():
            return None
        return class_accuracy(self.probabilities[known].log(), self.labels[known])

    def rows(self) -> Iterator[tuple[str, str, float]]:
        """Each picture's name, likeliest class and that one's probability."""
        for name, row in zip(self.names, self.probabilities, strict=True):
            yield name, self.classes[int(row.argmax())], float(row.max())

    def to_csv(self) -> str:
        """A table with a column for each class' probability."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["picture", "class", *self.classes])
        for (name, found, _), row in zip(self.rows(), self.probabilities.tolist(), strict=True):
            table.writerow([name, found, *(f"{value:.6g}" for value in row)])
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """A plain tree for JSON."""
        pictures = [
            {"picture": name, "class": found, "probability": value} for name, found, value in self.rows()
        ]
        accuracy = self.accuracy
        if accuracy is None:
            return {"pictures": pictures}
        by_class = {self.classes[label]: share for label, share in accuracy.by_class.items()}
        known = int((self.labels >= 0).sum())
        return {
            "accuracy": {"overall": accuracy.overall, "known": known, "by_class": by_class},
            "pictures": pictures,
        }


def classify(
    source: str | os.PathLike[str] | Model,
    data: str | Path,
    *,
    count: int | None = None,
    device: str = "cpu",
) -> Classification:
    """The classes of pictures, as a model sees them that learned to name classes (`semi-supervised-gan`).

    Args:
        source: a run's folder, a model's; a Run or a Model.
        data: a folder or file of pictures, as in `data.source` of a recipe; brought into the form of those
            that the model was trained on. Where they have labels under the same names, these are the truth.
            The built-in world draws other pictures than those that the model has seen.
        count: only so many of them, evenly spread.
        device: where to compute.

    Raises:
        FileNotFoundError: there is no such model, or there are no such data.
        ValueError: the model does not classify, or nothing in the data can be used.
    """
    model = source if isinstance(source, Model) else load_model(Path(source), device=device)
    if len(model.spec.shape) != 3:
        raise ValueError(f"this {model.method.name} model was trained on points, not on pictures")
    channels, height, width = model.spec.shape
    dataset = open_data(
        Data(source=str(data), channels=channels, size=(height, width), count=count),
        seed=model.recipe.seed + 1,
    )
    parts = torch.arange(len(dataset)).split(_CHUNK)
    found = torch.cat([model.classify(_pictures(dataset, part.tolist())) for part in parts])
    # Whole ones stood in for those that turned out to be broken.
    whole = [i for i in range(len(dataset)) if dataset.name(i) not in dataset.report.broken]
    return Classification(
        model.spec.classes,
        tuple(dataset.name(i) for i in whole),
        found[whole],
        _truth(dataset, model.spec.classes)[whole],
    )


def _pictures(dataset: Dataset, indices: list[int]) -> Tensor:
    return real_samples(dataset.batch(indices))


def _truth(dataset: Dataset, classes: tuple[str, ...]) -> Tensor:
    """The samples' labels in the model's numbering; -1 where there is none, or no such class."""
    numbers = [classes.index(name) if name in classes else -1 for name in dataset.spec.classes]
    return torch.from_numpy(np.array([*numbers, -1])[dataset.labels])
