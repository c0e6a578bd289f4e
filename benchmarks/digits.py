"""Training of methods with their own recipes on handwritten digits, evaluated on held-back digits.

    python -m benchmarks.digits DIGITS READER [--images 250_000] [--seeds 1 2 3] [--methods acgan infogan]

DIGITS is a folder with an idx file of images and one of labels, READER a file or folder with a classifier of
digits. A random fifth of the digits is held back from training; the Frechet distance (3,000 samples, features
of the reader) is measured to it. The class of a sample is the reader's prediction. For `infogan`, which is
trained without labels, the table shows how often its ten-way code agrees with the predicted class.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import ganarium as gan
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.metrics import FeatureNetwork, class_accuracy, code_agreement, frechet_distance, load_features
from ganarium.metrics.features import features_and_logits

METHODS = ("dcgan", "acgan", "cgan", "projection-cgan", "infogan")
SAMPLES = 3_000


class Result(NamedTuple):
    """Result of a run."""

    cpu_seconds: float
    distance: float
    right: float | None
    """Share of the samples with the requested class, or with the class of the code."""


def split(digits: Path, training: Path) -> Tensor:
    """Write four fifths of the digits to the `.npz` `training`; return the others `[N, 1, H, W]`."""
    dataset = open_data(Data(source=str(digits), condition="label"))
    images, labels = dataset.batch(np.random.default_rng(0).permutation(len(dataset)))
    kept = len(dataset) * 4 // 5
    levels = ((images[:kept] + 1) * 127.5).round().byte()
    np.savez(training, images=levels.permute(0, 2, 3, 1).numpy(), labels=labels[:kept].numpy())
    return images[kept:]


def result(
    method: str, training: Path, real: Tensor, reader: FeatureNetwork, images: int, seed: int
) -> Result:
    """Train with the method's own recipe, and classify its samples."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        run = gan.train(method, data=training, out=Path(folder) / "run", images=images, seed=seed)
        seconds = time.process_time() - started
        model = run.model()
    requested = torch.arange(SAMPLES) % 10
    if method == "infogan":
        samples = model.traverse("categorical-0", rows=SAMPLES // 10, steps=10, seed=7).flatten(0, 1)
    else:
        samples = model.generate(SAMPLES, seed=7)
    found = features_and_logits(reader, samples)
    right = None
    if method == "infogan":
        right = code_agreement(found.logits, requested).share
    elif run.recipe.data.condition:
        right = class_accuracy(found.logits, requested).overall
    return Result(
        seconds, frechet_distance(found.features, features_and_logits(reader, real).features), right
    )


def main() -> None:
    """Train all runs and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("digits", type=Path)
    parser.add_argument("reader", type=Path)
    parser.add_argument("--images", type=int, default=250_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    given = parser.parse_args()
    reader = load_features(given.reader)
    print("| method | seed | images | CPU seconds | requested class (infogan: code) | Frechet distance |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        training = Path(folder) / "digits.npz"
        real = split(given.digits, training)
        for method in given.methods:
            for seed in given.seeds:
                seconds, distance, right = result(method, training, real, reader, given.images, seed)
                share = "" if right is None else f"{right:.1%}"
                print(
                    f"| {method} | {seed} | {given.images:,} | {seconds:.0f} | {share} | {distance:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
