"""Cost of the trainer around the engine: a complete run against its bare rounds.

    python -m benchmarks.overhead [--images 20_000] [--threads 2]

The benchmark trains `dcgan` on 28x28 images: its rounds are short, so logging, sample grids, checkpoints and
models have the largest share. Complete runs and bare rounds alternate.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

import ganarium as gan
from ganarium.training.builder import engine_for
from ganarium.training.trainer import Trainer

SETTINGS = {"data": {"source": "world", "size": 28, "channels": 1}}


def whole_run(images: int) -> float:
    """Return the seconds of a complete run with all its files; the data are opened before."""
    with tempfile.TemporaryDirectory() as folder:
        run = gan.prepare("dcgan", out=Path(folder) / "run", images=images, **SETTINGS)
        run.trainer().dataset.batch(range(len(run.trainer().dataset)))
        started = time.perf_counter()
        run.finish()
        return time.perf_counter() - started


def bare_rounds(images: int) -> float:
    """Return the seconds of the same rounds with engine and feed only."""
    with tempfile.TemporaryDirectory() as folder:
        trainer: Trainer = gan.prepare("dcgan", out=Path(folder) / "run", images=images, **SETTINGS).trainer()
        trainer.dataset.batch(range(len(trainer.dataset)))
        stage = next(trainer.campaign().stages(images))
        started = time.perf_counter()
        engine = engine_for(stage.game, trainer.recipe, trainer.run.device)
        feed = trainer._feed(trainer.recipe, trainer.dataset, stage.game)
        while engine.clock.images < images:
            engine.round(feed)
        seconds = time.perf_counter() - started
        feed.close()
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=lambda text: int(text.replace("_", "")), default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    bare_rounds(2_000)
    pairs = [(bare_rounds(arguments.images), whole_run(arguments.images)) for _ in range(arguments.repeats)]
    bare, whole = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"bare rounds {bare:.2f} s, whole run {whole:.2f} s: the trainer costs {whole / bare - 1:.1%}")


if __name__ == "__main__":
    main()
