"""The two-minute demo: a GAN learns the built-in world, is scored before and after, and can be used.

    python examples/demo.py [--images 140_000] [--out FOLDER]

It plays `cgan` with the preset `world`: told which shape to draw, a small generator learns all six.
"""

import argparse
import time
from pathlib import Path

import torch

import ganarium as gan
from ganarium.cli.progress import follow, say
from ganarium.common import grids
from ganarium.data.world import World
from ganarium.recipes.assemble import assemble
from ganarium.training.run import new_folder

COLUMNS = 12
SCORED = 600


def score(samples: torch.Tensor) -> str:
    """How many of the samples the world takes for its own, and what the rarest class has of them."""
    summary = World(32).judge(samples).summary()
    return (
        f"{summary['well_formed']:.1%} well formed, {summary['classes']:.0f} of 6 classes, "
        f"the rarest with {summary['smallest_class']:.1%} of all"
    )


def untrained(run: gan.Run) -> gan.Model:
    """The model as it is before the first round."""
    trainer = run.trainer()
    game = assemble(trainer.method, trainer.recipe, trainer.spec)
    return gan.Model(trainer.method, trainer.recipe, trainer.spec, game)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=lambda text: int(text.replace("_", "")), default=140_000)
    parser.add_argument("--out", type=Path, help="the run's folder; the next free one under runs/")
    arguments = parser.parse_args()

    folder = arguments.out or new_folder("demo")
    run = gan.prepare("cgan", preset="world", out=folder, images=arguments.images, say=say)
    say(f"Training cgan on the built-in world: {arguments.images:,} images, into {folder}.")
    say(f"The same by hand: ganarium train cgan --preset world images={arguments.images}")
    before = score(untrained(run).generate(SCORED))
    started = time.perf_counter()
    follow(run.play())
    seconds = time.perf_counter() - started

    model = run.model()
    shown = torch.cat([model.generate(COLUMNS, classes=name, seed=1) for name in model.spec.classes])
    grids.save(grids.grid(shown, columns=COLUMNS, scale=2), folder / "demo.png")
    say(f"Trained in {seconds:.0f} s.")
    say(f"Before:  {before}.")
    say(f"After:   {score(model.generate(SCORED))}.")
    say(f"Picture: {folder / 'demo.png'}, a row for each class")
    say(f"Model:   {folder / 'model'}")
    say(f"Use it:  .venv/bin/ganarium generate {folder} --class star --count 16")


if __name__ == "__main__":
    main()
