"""Comparisons of image translators on the built-in world, where the true translation is known.

    python -m benchmarks.comparisons losses   # L1 alone, GAN alone, both (Isola et al. 2017, sec. 4.2, 4.4)
    python -m benchmarks.comparisons norms    # instance norm, batch norm or none; batches of 1 and 4
    python -m benchmarks.comparisons teacher  # pix2pix on translations of a CycleGAN instead of true pairs

Prints a table, and with `--out FOLDER` writes it there with the values of every seed and an image. All values
are measured on scenes outside the training set. `--jobs N` trains N models at a time, each in a process of
its own with one thread; with `--device cuda` they share the GPU.

- `psnr`, `ssim`, `l1`: against the true image, in [-1, 1].
- `sharpness`: mean squared difference of neighbouring pixels, divided by that of the true images. Below 1
  means blur; noise and invented edges raise it above 1, so a value of 1 alone proves nothing.
- `well formed`: share of images that the world could have rendered, whatever the truth is.
- `right`: share with the class and colour of the scene; chance level 1/24.
"""

import argparse
import contextlib
import json
import multiprocessing
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

import ganarium as gan
from ganarium.common import grids
from ganarium.common.files import write_text
from ganarium.core.devices import device_named
from ganarium.data.batches import Conditioned
from ganarium.data.dataset import open_data
from ganarium.data.modalities.image import to_image
from ganarium.data.world import Scenes, World
from ganarium.metrics import absolute_error, psnr, ssim, world_translations
from ganarium.metrics.world_translation import STYLES

SIZE, COUNT, UNSEEN = 32, 2_000, 2**40
"""Side of the images; number of training scenes; index of the first held-out scene."""
SHOWN, ENLARGED = 8, 2
"""Images of a model in the grid, and their magnification."""

Tree = Mapping[str, Any]


class Settings(NamedTuple):
    """Settings shared by all models of a comparison."""

    seed: int
    images: int
    scenes: int
    """Number of scenes for the measurement."""
    device: str


class Outcome(NamedTuple):
    """Result of a model."""

    values: dict[str, float]
    images: Tensor
    """First outputs, `[N, 3, H, W]` in [-1, 1]."""


class Task(NamedTuple):
    """Inputs and true outputs for the image grid: `[N, 3, H, W]` in [-1, 1]."""

    given: Tensor
    truth: Tensor


@dataclass(frozen=True)
class Comparison:
    """Parts that are trained independently; each gives one row or more."""

    images: int
    """Default number of training images of each model."""
    parts: tuple[str, ...]
    play: Callable[[str, Settings], dict[str, Outcome]]
    tasks: Callable[[int], dict[str, Task]]
    """Tasks of a seed by name; the rows whose names begin with it belong to the task."""


# ---- shared functions


def trained(method: str, folder: Path, settings: Settings, changes: Tree) -> gan.Model:
    """Train the method's preset for the world, with changes."""
    images = settings.images
    own = {"seed": settings.seed, "device": settings.device, "images": images}
    every = {"samples": images, "checkpoint": images}
    run = gan.train(method, preset="world", out=folder, every=every, **own, **changes)
    return run.model().to(device_named(run.recipe.device))


def tensor(drawn: np.ndarray) -> Tensor:
    """Convert rendered images of the world to [-1, 1]."""
    return torch.from_numpy(drawn).permute(0, 3, 1, 2) / 127.5 - 1


def edge_energy(images: Tensor) -> float:
    """Compute the mean squared difference of neighbouring pixels."""
    return sum(images.diff(dim=dim).square().mean().item() for dim in (2, 3))


def held_out_scenes(settings: Settings) -> Scenes:
    """Return scenes outside the training set."""
    return World(SIZE, seed=settings.seed).scenes(np.arange(UNSEEN, UNSEEN + settings.scenes))


# ---- losses

LOSSES: Mapping[str, Tree] = {
    "L1 alone": {"game": {"adversarial_weight": 0.0}},
    "GAN alone": {"game": {"l1_weight": 0.0}},
    "L1 and GAN": {},
}
PATCHES: Mapping[str, Tree] = {
    "L1 and GAN, patches of 1x1": {"kind": "pixel", "width": 64, "norm": "batch", "bias": False},
    "L1 and GAN, patches of 16x16": {"kind": "patch", "width": 32, "layers": 1},
}
WHOLE: Tree = {"kind": "patch", "width": 32, "layers": 2}
"""Discriminator of the other rows: patches of 34x34, larger than the image."""
UNCERTAIN = ("mask", "silhouette")
"""Conditions that do not determine the centre, or the colour."""
CONTROL = "untrained"


def play_loss(part: str, settings: Settings) -> dict[str, Outcome]:
    """Train pix2pix on an input that does not determine the output."""
    condition, _, name = part.partition(": ")
    changes = dict(LOSSES.get(name, {}))
    if name == CONTROL:
        settings, changes = without_learning(settings, "generator", "discriminator")
    else:
        changes["optimizers"] = {player: {"lr": 5e-4} for player in ("generator", "discriminator")}
    changes["networks"] = {"discriminator": PATCHES.get(name, WHOLE)}
    changes["data"] = {"size": SIZE, "count": COUNT, "condition": condition}
    with tempfile.TemporaryDirectory() as folder:
        model = trained("pix2pix", Path(folder) / "run", settings, changes)
    pairs = held_out_pairs(condition, settings)
    made = model.translate(pairs.condition, batch_size=100)
    values = {
        "psnr": psnr(made, pairs.real).mean().item(),
        "l1": absolute_error(made, pairs.real).mean().item(),
        "ssim": ssim(made, pairs.real).mean().item(),
        "sharpness": edge_energy(made) / edge_energy(pairs.real),
        "well formed": World(SIZE, seed=settings.seed).judge(made).well_formed.double().mean().item(),
    }
    return {part: Outcome(values, made[:SHOWN])}


def without_learning(settings: Settings, *players: str) -> tuple[Settings, dict[str, Any]]:
    """Return settings of a short run with a negligible learning rate."""
    frozen = {"optimizers": {player: {"lr": 1e-12} for player in players}}
    return settings._replace(images=min(settings.images, 64)), frozen


def held_out_pairs(condition: str, settings: Settings) -> Conditioned:
    """Return conditions and images of scenes outside the training set."""
    data = gan.Data(size=SIZE, count=settings.scenes, condition=condition, split="test")
    pairs = open_data(data, seed=settings.seed).batch(range(settings.scenes))
    assert isinstance(pairs, Conditioned)
    return pairs


def loss_tasks(seed: int) -> dict[str, Task]:
    tasks = {}
    for condition in UNCERTAIN:
        truth, given = held_out_pairs(condition, Settings(seed, 0, SHOWN, ""))
        tasks[condition] = Task(given.expand(-1, 3, -1, -1), truth)
    return tasks


# ---- norms

TRANSLATORS: Mapping[str, Tree] = {
    "U-Net": {"kind": "unet", "downsamplings": 4, "width": 16, "dropout": 0.0, "bias": True},
    "ResNet": {"kind": "resnet", "width": 16, "blocks": 3},
}
NORMS = ("instance, 1", "instance, 4", "batch, 1", "batch, 4", "none, 4")
"""Norms, and batch sizes."""
RATES = {"1": 2e-4, "4": 6e-4}
PLAYERS = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")


def play_norm(part: str, settings: Settings) -> dict[str, Outcome]:
    """Train CycleGAN between plain and inked drawings with one kind of norm."""
    network, norm, batch_size = (word.split(" ")[0] for word in part.split(", "))
    changes = {
        "batch_size": int(batch_size),
        "networks": {
            "translator": {**TRANSLATORS[network], "norm": norm},
            "discriminator": {"kind": "patch", "width": 24, "layers": 2, "norm": norm},
        },
        "optimizers": {player: {"lr": RATES[batch_size]} for player in PLAYERS},
        "data": {"size": SIZE, "count": COUNT},
    }
    with tempfile.TemporaryDirectory() as folder:
        model = trained("cyclegan", Path(folder) / "run", settings, changes)
    outcome = both_directions(model, held_out_scenes(settings))
    with own_statistics(model):
        own = both_directions(model, held_out_scenes(settings), batch_size=1)
    outcome.values["right by own statistics"] = own.values["right"]
    return {part: outcome}


def both_directions(model: gan.Model, scenes: Scenes, batch_size: int = 100) -> Outcome:
    """Return means over plain to inked and inked to plain, and inked images."""
    drawn = {style: tensor(draw(scenes)) for style, draw in STYLES.items()}
    made = {
        target: model.translate(drawn[source], to=target, source=source, batch_size=batch_size)
        for source, target in (("plain", "inked"), ("inked", "plain"))
    }
    summaries = [world_translations(images, scenes, style).summary() for style, images in made.items()]
    names = {"right": "translation_accuracy", "class": "class_kept", "colour": "color_kept", "psnr": "psnr"}
    values = {name: statistics.mean(each[key] for each in summaries) for name, key in names.items()}
    return Outcome(values, made["inked"][:SHOWN])


@contextlib.contextmanager
def own_statistics(model: gan.Model) -> Iterator[None]:
    """Use the batch statistics of the current images in batch norms, without updating running averages."""
    norms = [each for each in model.game.modules() if isinstance(each, nn.BatchNorm2d)]
    momenta = [each.momentum for each in norms]
    for each in norms:
        each.train().momentum = 0.0
    yield
    for each, momentum in zip(norms, momenta, strict=True):
        each.eval().momentum = momentum


def style_tasks(seed: int) -> dict[str, Task]:
    scenes = held_out_scenes(Settings(seed, 0, SHOWN, ""))
    return {"": Task(tensor(scenes.images()), tensor(scenes.styled()))}


# ---- teacher

TEACHERS = ("U-Net", "ResNet")


def play_teacher(part: str, settings: Settings) -> dict[str, Outcome]:
    """Train a teacher, and a student on plain images and the teacher's translations of them."""
    scenes = held_out_scenes(settings)
    known = World(SIZE, seed=settings.seed).scenes(2 * np.arange(COUNT))  # the plain images of a teacher
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(known.images(), folder / "plain")
        target: Tensor | None = None
        if part in TEACHERS:
            changes = {"networks": {"translator": TRANSLATORS[part]}, "data": {"size": SIZE, "count": COUNT}}
            teacher = trained("cyclegan", folder / "teacher", settings, changes)
            gan.translate(teacher, folder / "plain", folder / "target", to="inked", batch_size=100)
            target = teacher.translate(tensor(scenes.images()), to="inked", batch_size=100)
            outcomes[f"CycleGAN, {part}"] = inked(target, scenes)
        else:
            save(known.styled(), folder / "target")
        settings, frozen = (
            without_learning(settings, "generator", "discriminator") if part == CONTROL else (settings, {})
        )
        pairs = [str(folder / "plain"), str(folder / "target")]
        changes = {"data": {"source": pairs, "condition": "pair", "size": SIZE, "count": None}, **frozen}
        student = trained("pix2pix", folder / "student", settings, changes)
    made = student.translate(tensor(scenes.images()), batch_size=100)
    row = f"pix2pix on pairs of CycleGAN, {part}" if part in TEACHERS else f"pix2pix {part}"
    outcomes[row] = inked(made, scenes)
    if target is not None:
        outcomes[row].values["psnr against the teacher"] = psnr(made, target).mean().item()
    return outcomes


def save(images: np.ndarray, folder: Path) -> None:
    """Write images as PNG files named by their numbers."""
    folder.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number:05}.png")


def inked(made: Tensor, scenes: Scenes) -> Outcome:
    """Measure translations of plain scenes into inked ones."""
    summary = world_translations(made, scenes, "inked").summary()
    values = {"right": summary["translation_accuracy"], "class": summary["class_kept"]}
    values |= {"colour": summary["color_kept"], "psnr": summary["psnr"]}
    return Outcome(values, made[:SHOWN])


COMPARISONS: Mapping[str, Comparison] = {
    "losses": Comparison(
        16_000,
        (
            *(f"mask: {name}" for name in (*LOSSES, *PATCHES, CONTROL)),
            *(f"silhouette: {name}" for name in (*LOSSES, CONTROL)),
        ),
        play_loss,
        loss_tasks,
    ),
    "norms": Comparison(
        2_000,
        tuple(f"{network}, {norm} at a time" for network in TRANSLATORS for norm in NORMS),
        play_norm,
        style_tasks,
    ),
    "teacher": Comparison(4_000, (*TEACHERS, "on true pairs", CONTROL), play_teacher, style_tasks),
}


# ---- all parts and seeds, the table and the image


def play(comparison: str, part: str, settings: Settings) -> dict[str, Outcome]:
    """Train a part of a comparison in this process."""
    torch.set_num_threads(1)
    return COMPARISONS[comparison].play(part, settings)


def outcomes(
    comparison: str, seeds: Iterable[int], settings: Settings, jobs: int
) -> dict[str, dict[int, Outcome]]:
    """Return the outcomes of every row by seed; rows are in the order of the parts."""
    requested = [
        (part, settings._replace(seed=seed)) for part in COMPARISONS[comparison].parts for seed in seeds
    ]
    found: dict[tuple[str, int], dict[str, Outcome]] = {}

    def record(part: str, own: Settings, made: dict[str, Outcome]) -> None:
        found[part, own.seed] = made
        for row, outcome in made.items():
            values = ", ".join(f"{name} {value:.4f}" for name, value in outcome.values.items())
            print(
                f"{time.strftime('%H:%M:%S')} seed {own.seed}, {row}: {values}", file=sys.stderr, flush=True
            )

    if jobs == 1:
        for part, own in requested:
            record(part, own, play(comparison, part, own))
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            waiting = {pool.submit(play, comparison, part, own): (part, own) for part, own in requested}
            for done in as_completed(waiting):
                record(*waiting[done], done.result())
    rows: dict[str, dict[int, Outcome]] = {}
    for part, own in requested:
        for row, outcome in found[part, own.seed].items():
            rows.setdefault(row, {})[own.seed] = outcome
    return rows


def table(rows: Mapping[str, Mapping[int, Outcome]]) -> str:
    """Return a table of means over the seeds, with minimum and maximum."""
    names = list(dict.fromkeys(n for row in rows.values() for each in row.values() for n in each.values))
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, by_seed in rows.items():
        cells = [cell([each.values.get(name) for each in by_seed.values()], name) for name in names]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cell(values: list[float | None], name: str) -> str:
    """Return `0.71 (0.65 to 0.80)`; decibels have one digit, a mean error three."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    digits = 1 if name.startswith("psnr") else 3 if name == "l1" else 2
    mean = f"{statistics.mean(known):.{digits}f}"
    return mean if len(known) == 1 else f"{mean} ({min(known):.{digits}f} to {max(known):.{digits}f})"


def image_of(tasks: Mapping[str, Task], rows: Mapping[str, Outcome]) -> Image.Image:
    """Return rows of images for each task: inputs, one row per model, truth; names to the left."""
    named: list[tuple[str, Tensor]] = []
    for task, (given, truth) in tasks.items():
        start = f"{task}: " if task else ""
        own = {row: each.images for row, each in rows.items() if row.startswith(start) and CONTROL not in row}
        named += [(f"{start}input", given), *own.items(), (f"{start}truth", truth)]
    strips = [
        grids.tiled([to_image(each) for each in images], columns=len(images), scale=ENLARGED)
        for _, images in named
    ]
    font = ImageFont.load_default(15)
    margin = 12 + max(int(font.getlength(name)) for name, _ in named)
    height = strips[0].height
    out = Image.new("RGB", (margin + strips[0].width, height * len(strips)), "#202020")
    draw = ImageDraw.Draw(out)
    for number, ((name, _), each) in enumerate(zip(named, strips, strict=True)):
        out.paste(each, (margin, number * height))
        draw.text((margin - 6, (number + 0.5) * height), name, "#ffffff", font, anchor="rm")
    # This method keeps the colours of small shapes; others drop colours of few pixels.
    return out.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4)


def heading(comparison: str, seeds: Iterable[int], settings: Settings, jobs: int) -> str:
    """Return the date, machine and settings of a comparison as text."""
    device = device_named(settings.device)
    machine = platform.processor() or platform.machine()
    if device.type == "cuda":
        machine = torch.cuda.get_device_name(device)
    return (
        f"{date.today()}, {comparison}: {machine}, torch {torch.__version__}, 1 thread, {jobs} at a time; "
        f"seeds {', '.join(map(str, seeds))}, {settings.images:,} images per model, "
        f"{settings.scenes:,} held-out scenes"
    )


def compare(comparison: str, seeds: list[int], settings: Settings, jobs: int, out: Path | None) -> str:
    """Train all models and return the table; write it to `out` with all values and an image."""
    rows = outcomes(comparison, seeds, settings, jobs)
    text = f"{heading(comparison, seeds, settings, jobs)}\n\n{table(rows)}"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / f"{comparison}.md", text)
        values = {row: {seed: each.values for seed, each in own.items()} for row, own in rows.items()}
        write_text(out / f"{comparison}.json", json.dumps(values, indent=1) + "\n")
        first = {row: own[seeds[0]] for row, own in rows.items()}
        image = image_of(COMPARISONS[comparison].tasks(seeds[0]), first)
        grids.save(image, out / f"{comparison}.png")
    return text


def main() -> None:
    """Run the comparison named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("comparison", choices=COMPARISONS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--images", type=int, help="training images of each model")
    parser.add_argument("--scenes", type=int, default=500, help="held-out scenes for the measurement")
    parser.add_argument("--jobs", type=int, default=1, help="models trained at a time")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="folder for the table, all values and an image")
    given = parser.parse_args()
    images = given.images or COMPARISONS[given.comparison].images
    settings = Settings(given.seeds[0], images, given.scenes, given.device)
    print(compare(given.comparison, given.seeds, settings, given.jobs, given.out), end="")


if __name__ == "__main__":
    main()
