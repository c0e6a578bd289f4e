"""Twelve small runs: six that learn, and six that are sick in a known way."""

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
class Patient:
    """A run, and what the doctor should say of it: nothing, where it learns."""

    method: str
    changes: Callable[[Path], Changes]
    """Of the method's recipe; the folder is for data of its own."""
    disease: str = ""
    remedy: str = ""
    """What the remedy begins with: the key to change."""


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
    """Eight modes on a ring."""
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


def pictures(
    images: int = 6000,
    *,
    game: Changes,
    generator: float = 1e-3,
    discriminator: float = 1e-3,
    norm: str = "batch",
    **data: Any,
) -> Callable[[Path], Changes]:
    """The built-in world at 16x16, or the pictures of a folder."""
    changes = {
        "images": images,
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


def eight_pictures(folder: Path) -> Changes:
    """Eight pictures, fifty copies of each."""
    (folder / "copies").mkdir(parents=True)
    for i, picture in enumerate(World(16, seed=3).scenes(np.arange(8)).images()):
        for copy in range(50):
            Image.fromarray(picture).save(folder / "copies" / f"{copy}-{i}.png")
    return pictures(4000, game=R1, source=str(folder / "copies"), count=None)(folder)


HEALTHY = {
    "non-saturating": Patient("gan", points(game=R1)),
    "hinge": Patient("gan", points(game={**R1, "objective": "hinge"})),
    "least squares": Patient("gan", points(game={**R1, "objective": "least-squares"})),
    "wgan-gp": Patient(
        "wgan-gp", points(800, game={"penalty_weight": 0.1, "discriminator_updates": 3}, batch_size=64)
    ),
    "dcgan": Patient("dcgan", pictures(game=R1)),
    "cgan": Patient("cgan", pictures(game=R1, norm="none", condition="label")),
}
SICK = {
    "a discriminator fifty times as fast": Patient(
        "cgan",
        pictures(game={}, generator=2e-4, discriminator=1e-2, norm="none", condition="label"),
        "discriminator has won",
        "optimizers.discriminator.lr=",
    ),
    "a generator fifty times as fast": Patient(
        "gan",
        points(game={"generator_first": True}, generator=1e-2, discriminator=2e-4),
        "samples lose diversity",
        "optimizers.generator.lr=",
    ),
    "a learning rate of ten": Patient(
        "gan",
        points(game=R1, discriminator=10.0),
        "a term explodes",
        "optimizers.discriminator.lr=",
    ),
    "saturated": Patient(
        "gan",
        points(300, game={"objective": "saturating", "discriminator_updates": 5}, generator=1e-4),
        "gradient dies",
        "game.objective=non-saturating",
    ),
    "a generator that crawls": Patient(
        "gan",
        points(game=R1, generator=1e-6),
        "learning rates out of balance",
        "optimizers.generator.lr=",
    ),
    "eight pictures": Patient("dcgan", eight_pictures, "data repeat", "data.source"),
}
PATIENTS: Mapping[str, Patient] = {**HEALTHY, **SICK}


def trained(name: str, folder: Path, seed: int, **settings: Any) -> gan.Run:
    patient = PATIENTS[name]
    changes = patient.changes(folder)
    changes["data"]["workers"] = 0
    return gan.train(patient.method, out=folder / "run", seed=seed, device="cpu", **changes, **settings)


def modes(run: gan.Run) -> int:
    """How many of the ring's eight modes the averaged generator draws."""
    return modes_covered(run.model().generate(2000, seed=1), ring())


def main() -> None:
    """How often each patient got each diagnosis, over seeds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, patient in PATIENTS.items():
        if arguments.only not in ("", name):
            continue
        counted: collections.Counter[str] = collections.Counter()
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as temporary:
                folder = (arguments.keep or Path(temporary)) / name.replace(" ", "-") / str(seed)
                run = trained(name, folder, seed)
                said = {f"{d.name} ({d.severity})": d.remedy for d in gan.doctor(run)}
                counted.update(list(said) or ["nothing"])
                if patient.disease:
                    own = said.get(f"{patient.disease} (sick)", "")
                    counted.update(["RIGHT" if own.startswith(patient.remedy) else "WRONG"])
                else:
                    counted.update(["WRONG" if any("(sick)" in d for d in said) else "RIGHT"])
                if "ring" in str(run.recipe.data.source):
                    counted.update([f"{modes(run)} modes"])
        print(f"{name}: {dict(counted)}", flush=True)


if __name__ == "__main__":
    main()
