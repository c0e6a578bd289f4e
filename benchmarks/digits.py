"""Does a method's own recipe learn handwritten digits in minutes? Judged on digits that were held back.

    python -m benchmarks.digits DIGITS READER [--images 250_000] [--seeds 1 2 3] [--methods acgan infogan]

DIGITS is a folder with an idx file of pictures and one of labels, READER a file or folder with a network that
reads digits. A fifth of the digits, drawn once, is held back: nothing is trained on it, and the Frechet
distance (3,000 samples, the reader's features) is taken to it. The class is the one that the reader reads;
for `infogan`, which sees no labels, the table says how far its ten-way code agrees with it.
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
    """What a run came to."""

    cpu_seconds: float
    distance: float
    right: float | None
    """The share of samples of the class asked for, or that the code stands for."""


def split(digits: Path, training: Path) -> Tensor:
    """Four fifths of the digits into the `.npz` named `training`; the others, `[N, 1, H, W]` in [-1, 1]."""
    dataset = open_data(Data(source=str(digits), condition="label"))
    images, labels = dataset.batch(np.random.default_rng(0).permutation(len(dataset)))
    kept = len(dataset) * 4 // 5
    levels = ((images[:kept] + 1) * 127.5).round().byte()
    np.savez(training, images=levels.permute(0, 2, 3, 1).numpy(), labels=labels[:kept].numpy())
    return images[kept:]


def result(
    method: str, training: Path, real: Tensor, reader: FeatureNetwork, images: int, seed: int
) -> Result:
    """Train with the method's own recipe, and read what it draws."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        run = gan.train(method, data=training, out=Path(folder) / "run", images=images, seed=seed)
        seconds = time.process_time() - started
        model = run.model()
    asked = torch.arange(SAMPLES) % 10
    if method == "infogan":
        samples = model.walk("categorical-0", rows=SAMPLES // 10, steps=10, seed=7).flatten(0, 1)
    else:
        samples = model.generate(SAMPLES, seed=7)
    read = features_and_logits(reader, samples)
    right = None
    if method == "infogan":
        right = code_agreement(read.logits, asked).share
    elif run.recipe.data.condition:
        right = class_accuracy(read.logits, asked).overall
    return Result(seconds, frechet_distance(read.features, features_and_logits(reader, real).features), right)


def main() -> None:
    """Play the runs and print the table."""
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
    print(
        "| method | seed | images | CPU seconds | read as asked (infogan: as its code) | Frechet distance |"
    )
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
