"""Two-minute demo: train a GAN on the built-in world, score it before and after, and keep the model.

    python examples/demo.py [--images 140_000] [--out FOLDER]

The demo trains `cgan` with the preset `world`: a small generator that is conditioned on the class of a shape.
"""

import argparse
import time
from pathlib import Path

import torch

import ganarium as gan
from ganarium.cli.progress import follow, say
from ganarium.common import grids
from ganarium.data.modalities.image import to_image
from ganarium.data.world import World
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_game
from ganarium.training.run import new_folder

COLUMNS = 12
SCORED = 600


def score(samples: torch.Tensor) -> str:
    """Return the share of well-formed samples, the number of classes and the share of the rarest class."""
    summary = World(32).judge(samples).summary()
    return (
        f"{summary['well_formed']:.1%} well formed, {summary['classes']:.0f} of 6 classes, "
        f"the rarest with {summary['smallest_class']:.1%} of all"
    )


def untrained(run: gan.Run) -> gan.Model:
    """Return the model before the first round."""
    state = run.trainer().run
    game = build_game(state.method, state.recipe, state.spec)
    return gan.Model(game, state.spec, Trained(state.method, state.recipe, state.spec))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=lambda text: int(text.replace("_", "")), default=140_000)
    parser.add_argument("--out", type=Path, help="folder of the run; default: the next free one under runs/")
    arguments = parser.parse_args()

    folder = arguments.out or new_folder("demo")
    run = gan.prepare("cgan", preset="world", out=folder, images=arguments.images, notify=say)
    say(f"Training cgan on the built-in world: {arguments.images:,} images, into {folder}.")
    say(f"The same by hand: ganarium train cgan --preset world images={arguments.images}")
    before = score(untrained(run).generate(SCORED))
    started = time.perf_counter()
    follow(run.play())
    seconds = time.perf_counter() - started

    model = run.model()
    rows = torch.cat([model.generate(COLUMNS, condition=name, seed=1) for name in model.spec.classes])
    grid = grids.tiled([to_image(sample) for sample in rows], columns=COLUMNS, scale=2)
    grids.save(grid, folder / "demo.png")
    say(f"Trained in {seconds:.0f} s.")
    say(f"Before:  {before}.")
    say(f"After:   {score(model.generate(SCORED))}.")
    say(f"Image:   {folder / 'demo.png'}, one row per class")
    say(f"Model:   {folder / 'model'}")
    say(f"Use it:  .venv/bin/ganarium generate {folder} --condition star --count 16")


if __name__ == "__main__":
    main()
