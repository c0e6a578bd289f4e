"""Twelve small runs: six that learn, and six that fail in a known way."""

import argparse
import collections
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import ganarium as gan
from ganarium.data.sources.densities import ring
from ganarium.data.world import World
from ganarium.metrics.points import modes_covered

R1 = {"penalty": "r1", "penalty_weight": 0.1}
Changes = dict[str, Any]


@dataclass(frozen=True)
class DiagnosedRun:
    """Run with the diagnosis that the doctor should make: none if it learns."""

    method: str
    changes: Callable[[Path], Changes]
    """Changes of the method's recipe; the folder is for data that the run needs."""
    diagnosis: str = ""
    remedy: str = ""
    """Start of the remedy: the key to change."""


def adam(lr: float) -> Changes:
    return {"lr": lr, "betas": [0.0, 0.99]}


def points(
    rounds: int = 600,
    *,
    game: Changes,
    generator: float = 2e-3,
    discriminator: float = 2e-3,
    batch_size: int = 128,
) -> Callable[[Path], Changes]:
    """Return the changes for eight modes on a ring."""
    network = {"kind": "mlp", "width": 64, "depth": 2}
    changes = {
        "images": rounds * batch_size * game.get("discriminator_updates", 1),
        "batch_size": batch_size,
        "data": {"source": "ring", "count": 20_000},
        "game": {"noise_dim": 4, **game},
        "networks": {"generator": network, "discriminator": network},
        "optimizers": {"generator": adam(generator), "discriminator": adam(discriminator)},
        "averages": {"generator": {"half_life_kimg": 10}},
    }
    return lambda folder: changes


def images(
    length: int = 6000,
    *,
    game: Changes,
    generator: float = 1e-3,
    discriminator: float = 1e-3,
    norm: str = "batch",
    **data: Any,
) -> Callable[[Path], Changes]:
    """Return the changes for the built-in world at 16x16, or for the images of a folder."""
    changes = {
        "images": length,
        "batch_size": 16,
        "data": {"source": "world", "size": 16, "count": 2000, **data},
        "game": {"noise_dim": 16, **game},
        "networks": {
            "generator": {"kind": "dcgan", "width": 16},
            "discriminator": {"kind": "dcgan", "width": 16, "norm": norm},
        },
        "optimizers": {"generator": adam(generator), "discriminator": adam(discriminator)},
        "averages": {"generator": {"half_life_kimg": 2}},
    }
    return lambda folder: changes


def eight_images(folder: Path) -> Changes:
    """Write eight images, fifty copies of each, and return the changes for them."""
    (folder / "copies").mkdir(parents=True)
    for i, image in enumerate(World(16, seed=3).scenes(np.arange(8)).images()):
        for copy in range(50):
            Image.fromarray(image).save(folder / "copies" / f"{copy}-{i}.png")
    return images(4000, game=R1, source=str(folder / "copies"), count=None)(folder)


LEARNING = {
    "non-saturating": DiagnosedRun("gan", points(game=R1)),
    "hinge": DiagnosedRun("gan", points(game={**R1, "objective": "hinge"})),
    "least squares": DiagnosedRun("gan", points(game={**R1, "objective": "least-squares"})),
    "wgan-gp": DiagnosedRun(
        "wgan-gp", points(800, game={"penalty_weight": 0.1, "discriminator_updates": 3}, batch_size=64)
    ),
    "dcgan": DiagnosedRun("dcgan", images(game=R1)),
    "cgan": DiagnosedRun("cgan", images(game=R1, norm="none", condition="label")),
}
FAILING = {
    "a discriminator fifty times as fast": DiagnosedRun(
        "cgan",
        images(game={}, generator=2e-4, discriminator=1e-2, norm="none", condition="label"),
        "discriminator has won",
        "optimizers.discriminator.lr=",
    ),
    "a generator fifty times as fast": DiagnosedRun(
        "gan",
        points(game={"generator_first": True}, generator=1e-2, discriminator=2e-4),
        "samples lose diversity",
        "optimizers.generator.lr=",
    ),
    "a learning rate of ten": DiagnosedRun(
        "gan",
        points(game=R1, discriminator=10.0),
        "a term explodes",
        "optimizers.discriminator.lr=",
    ),
    "saturated": DiagnosedRun(
        "gan",
        points(300, game={"objective": "saturating", "discriminator_updates": 5}, generator=1e-4),
        "gradient dies",
        "game.objective=non-saturating",
    ),
    "a generator with tiny steps": DiagnosedRun(
        "gan",
        points(game=R1, generator=1e-6),
        "learning rates out of balance",
        "optimizers.generator.lr=",
    ),
    "eight images": DiagnosedRun("dcgan", eight_images, "data repeat", "data.source"),
}
RUNS: Mapping[str, DiagnosedRun] = {**LEARNING, **FAILING}


def trained(name: str, folder: Path, seed: int, **settings: Any) -> gan.Run:
    run = RUNS[name]
    changes = run.changes(folder)
    changes["data"]["workers"] = 0
    return gan.train(run.method, out=folder / "run", seed=seed, device="cpu", **changes, **settings)


def modes(run: gan.Run) -> int:
    """Return how many of the ring's eight modes the averaged generator covers."""
    return modes_covered(run.model().generate(2000, seed=1), ring())


def main() -> None:
    """Print how often each run got each diagnosis, over seeds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, diagnosed in RUNS.items():
        if arguments.only not in ("", name):
            continue
        counted: collections.Counter[str] = collections.Counter()
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as temporary:
                folder = (arguments.keep or Path(temporary)) / name.replace(" ", "-") / str(seed)
                run = trained(name, folder, seed)
                found = {f"{d.name} ({d.severity})": d.remedy for d in gan.doctor(run)}
                counted.update(list(found) or ["nothing"])
                if diagnosed.diagnosis:
                    own = found.get(f"{diagnosed.diagnosis} (error)", "")
                    counted.update(["RIGHT" if own.startswith(diagnosed.remedy) else "WRONG"])
                else:
                    counted.update(["WRONG" if any("(error)" in d for d in found) else "RIGHT"])
                if "ring" in str(run.recipe.data.source):
                    counted.update([f"{modes(run)} modes"])
        print(f"{name}: {dict(counted)}", flush=True)


if __name__ == "__main__":
    main()
