"""Classes of samples in files by a model that classifies, and its accuracy on those whose class is known."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganarium.data.batches import real_samples
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.settings import Data
from ganarium.inference.files import FilePath
from ganarium.metrics.classes import ClassAccuracy, class_accuracy
from ganarium.models.loading import opened
from ganarium.models.model import Model

_CHUNK = 64


@dataclass(frozen=True)
class Classification:
    """Predicted classes of N images.

    Attributes:
        classes: names of the classes.
        names: names of the images: their files, if they have any.
        probabilities: probabilities of the classes, `[N, K]`.
        labels: true classes, int64 `[N]`; -1 if unknown.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    probabilities: Tensor
    labels: Tensor

    @property
    def accuracy(self) -> ClassAccuracy | None:
        """Accuracy on the images whose class is known; None if there are none."""
        known = self.labels >= 0
        if not known.any():
            return None
        return class_accuracy(self.probabilities[known].log(), self.labels[known])

    def rows(self) -> Iterator[tuple[str, str, float]]:
        """Yield each image's name, most probable class and the probability of that class."""
        for name, row in zip(self.names, self.probabilities, strict=True):
            yield name, self.classes[int(row.argmax())], float(row.max())

    def to_csv(self) -> str:
        """Return a table with a column for the probability of each class."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["image", "class", *self.classes])
        for (name, found, _), row in zip(self.rows(), self.probabilities.tolist(), strict=True):
            table.writerow([name, found, *(f"{value:.6g}" for value in row)])
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """Return a plain tree for JSON."""
        images = [{"image": name, "class": found, "probability": value} for name, found, value in self.rows()]
        accuracy = self.accuracy
        if accuracy is None:
            return {"images": images}
        by_class = {self.classes[label]: share for label, share in accuracy.by_class.items()}
        known = int((self.labels >= 0).sum())
        return {
            "accuracy": {"overall": accuracy.overall, "known": known, "by_class": by_class},
            "images": images,
        }


def classify(
    source: FilePath | Model,
    data: FilePath,
    *,
    count: int | None = None,
    device: str = "cpu",
) -> Classification:
    """Classify images with a model that learned classes (`semi-supervised-gan`).

    Args:
        source: folder of a run or of a model, or a model.
        data: folder or file of images, as in `data.source` of a recipe; resized to the shape of training. If
            they have labels of the same names as the model's classes, these are the true classes. The
            built-in world gives other images than those of training.
        count: number of images, evenly spread over the data; all if None.
        device: device of a model that is loaded.

    Raises:
        FileNotFoundError: there is no such model, or there are no such data.
        ValueError: the model does not classify, or nothing in the data can be used.
    """
    model = opened(source, device=device)
    model.task("classify")
    shape, axes = model.spec.shape, len(model.spec.modality.windowed)
    dataset = open_data(
        Data(
            source=str(data),
            channels=shape[0] if axes else None,
            size=shape[len(shape) - axes :] if axes else None,
            count=count,
        ),
        seed=model.recipe.seed + 1,
    )
    parts = torch.arange(len(dataset)).split(_CHUNK)
    found = torch.cat([model.classify(_images(dataset, part.tolist())) for part in parts])
    # Broken images were replaced by others.
    whole = [i for i in range(len(dataset)) if dataset.name(i) not in dataset.report.broken]
    return Classification(
        model.spec.classes,
        tuple(dataset.name(i) for i in whole),
        found[whole],
        _truth(dataset, model.spec.classes)[whole],
    )


def _images(dataset: Dataset, indices: list[int]) -> Tensor:
    return real_samples(dataset.batch(indices))


def _truth(dataset: Dataset, classes: tuple[str, ...]) -> Tensor:
    """Return the samples' labels in the model's numbering; -1 if there is none, or no such class."""
    numbers = [classes.index(name) if name in classes else -1 for name in dataset.report.classes]
    return torch.from_numpy(np.array([*numbers, -1])[dataset.labels])
