"""Translators after ten minutes on real images: cats, streets, label maps, colouring, edges.

    python -m benchmarks.real_pictures DATA --out runs/real [--cases cats,streets] [--minutes 10]

DATA is a folder with `cat2dog` (A, B: 60 photos of cats, 60 of dogs), `camvid` (train, trainannot: 30 photos
of streets with their maps) and `kodak` (16 photos). A sixth is held back from training. Each case writes a
run into `--out`, its figures on held-back data, and `CASE.jpg`, an image grid. With `--free FOLDER` the grid
shows the images in `FOLDER/CASE`, and for label maps some that are drawn here: the licences of DATA allow
tests, but no copies.

A case is interrupted after its minutes, as by Ctrl-C. `--device cuda` trains the networks of the papers; on a
CPU they are smaller.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

import ganarium as gan
from ganarium.core.devices import described, device_named
from ganarium.data.conditions.derived import edges, gray
from ganarium.data.modalities.image import to_image
from ganarium.metrics.pairs import map_agreement

Tree = Mapping[str, Any]

CLASSES = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "person": (64, 64, 0),
    "bicycle": (0, 128, 192),
    "unlabelled": (0, 0, 0),
}
"""Classes of CamVid's maps in the order of their numbers, and their colours."""
NAMES = list(CLASSES)
COLORS = np.array(list(CLASSES.values()), np.uint8)
DERIVED = {"grey": gray, "edges": edges}
"""Functions that make the inputs of a condition from photos."""
GAP, WIDEST = 4, 1000
"""Gap between the images of a grid, and its largest width, in pixels."""
LOG = 64
"""Images between two lines of the log."""


@dataclass(frozen=True)
class Case:
    """Method and its training data.

    Attributes:
        method: name of the method.
        data: folder that `prepare` writes.
        condition: `data.condition`.
        small: keys of the recipe for a CPU.
        large: keys of the recipe for a GPU.
    """

    method: str
    data: str
    condition: str
    small: Tree
    large: Tree


def networks(width: int, layers: int = 3, **generator: Any) -> Tree:
    """Return settings of a generator and a discriminator of one width."""
    return {"generator": {"width": width, **generator}, "discriminator": {"width": width, "layers": layers}}


def sized(size: Any, loaded: Any) -> Tree:
    """Return data settings that resize images to `loaded` and crop them to `size`."""
    return {"data": {"size": size, "load_size": loaded, "flip": True}}


STREET, LARGE_STREET = sized((72, 96), (80, 108)), sized((192, 256), (210, 280))
PHOTO, LARGE_PHOTO = sized(96, 160), sized(256, 320)

CASES = {
    "cats": Case(
        "cyclegan",
        "cats",
        "domains",
        {
            "networks": {
                "translator": {"width": 24, "blocks": 6},
                "discriminator": {"width": 32, "layers": 2},
            },
            "data": {"size": 64, "load_size": 72},
        },
        {"batch_size": 4, "data": {"size": 128, "load_size": 143}},
    ),
    "streets": Case(
        "pix2pix",
        "streets",
        "map",
        {"batch_size": 4, "networks": networks(32, 2), **STREET},
        {"batch_size": 4, **LARGE_STREET},
    ),
    "painted-streets": Case(
        "gaugan",
        "streets",
        "map",
        {"batch_size": 4, "networks": networks(16, 2), **STREET},
        {"batch_size": 4, "networks": networks(32), **LARGE_STREET},
    ),
    "maps": Case(
        "pix2pix",
        "maps",
        "pair",
        {"batch_size": 4, "networks": networks(32, 2), **STREET},
        {"batch_size": 4, **LARGE_STREET},
    ),
    "colours": Case(
        "pix2pix",
        "photos",
        "grey",
        {"batch_size": 4, "networks": networks(32, 2), **PHOTO},
        {"batch_size": 4, **LARGE_PHOTO},
    ),
    "edges": Case(
        "pix2pix",
        "photos",
        "edges",
        {"batch_size": 4, "networks": networks(32, 2), **PHOTO},
        {"batch_size": 4, **LARGE_PHOTO},
    ),
}


def prepare(given: Path, out: Path) -> None:
    """Copy the data into folders that are recognised; every sixth sample is held back.

    Raises:
        FileNotFoundError: a folder of the data is missing.
    """
    for name in ("cat2dog", "camvid", "kodak"):
        if not (given / name).is_dir():
            raise FileNotFoundError(f"there is no folder {given / name}")

    def put(files: list[Path], train: Path, test: Path) -> None:
        for i, file in enumerate(sorted(files)):
            folder = test if i % 6 == 5 else train
            folder.mkdir(parents=True, exist_ok=True)
            if file.parent.name == "trainannot" and "maps" in folder.parts:
                Image.fromarray(COLORS[np.asarray(Image.open(file))]).save(folder / file.name)
            else:
                shutil.copyfile(file, folder / file.name)

    for letter in "AB":
        put(
            [*(given / "cat2dog" / letter).glob("*.jpg")],
            out / f"cats/train{letter}",
            out / f"cats/test{letter}",
        )
    photos, maps = ([*(given / "camvid" / part).glob("*.png")] for part in ("train", "trainannot"))
    for files, half, letter in ((photos, "images", "A"), (maps, "labels", "B")):
        put(files, out / "streets/train" / half, out / "streets/test" / half)
        put(files, out / f"maps/train/{letter}", out / f"maps/test/{letter}")
    put([*(given / "kodak").glob("*.png")], out / "photos/train", out / "photos/test")


def train(name: str, folder: Path, data: Path, minutes: float, device: str, seed: int) -> gan.Run:
    """Train a case until its minutes are over."""
    case = CASES[name]
    keys = case.small if device_named(device).type == "cpu" else case.large
    tree = {**keys, "images": 10**7, "device": device, "seed": seed}
    tree["data"] = {**keys["data"], "source": str(data / case.data), "condition": case.condition}
    tree["every"] = {"log": LOG, "samples": 2_000, "checkpoint": 10**7}
    run = gan.prepare(case.method, out=folder, **tree)
    stop = threading.Timer(60 * minutes, os.kill, (os.getpid(), signal.SIGTERM))
    with contextlib.suppress(gan.TrainingInterrupted):
        for progress in run.play():
            if progress.images <= LOG:  # the run handles signals from here on
                stop.start()
    return run


def figures(name: str, run: gan.Run, data: Path) -> dict[str, float]:
    """Measure the model on the held-back samples."""
    device = run.recipe.device
    if name == "maps":
        return _read_maps(run.model().to(device_named(device)), data / "maps/test")
    directions = gan.evaluate(run.folder, resamples=0, device=str(device_named(device)))["directions"]
    several = len(directions) > 1
    return {
        f"{direction}: {key}" if several else key: value
        for direction, values in directions.items()
        for key, value in values.items()
        if isinstance(value, float)
    }


def _read_maps(model: gan.Model, folder: Path) -> dict[str, float]:
    """Compare predicted maps with the truth.

    The class of a pixel is the one with the nearest colour; unlabelled pixels do not count.
    """
    height, width = model.spec.shape[1:]
    void = NAMES.index("unlabelled")
    colors = torch.from_numpy(COLORS[:void]).float().to(model.device)
    found, truth = [], []
    for file in sorted((folder / "A").iterdir()):
        with Image.open(file) as photo, Image.open(folder / "B" / file.name) as drawn:
            pixels = np.asarray(photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))
            labels = np.asarray(drawn.resize((width, height), Image.Resampling.NEAREST))
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 127.5 - 1
        made = (model.translate(image)[0].to(model.device) + 1) * 127.5
        found.append(torch.cdist(made.flatten(1).T, colors).argmin(1).view(height, width).cpu())
        truth.append(torch.from_numpy((labels[..., None, :] == COLORS).all(-1).argmax(-1)))
    pixel_accuracy, mean_iou, _ = map_agreement(
        torch.stack(found), torch.stack(truth), classes=len(CLASSES), ignore=void
    )
    commonest = max((torch.stack(truth) == i).float().mean().item() for i in range(void))
    labeled = (torch.stack(truth) != void).float().mean().item()
    return {"pixel_accuracy": pixel_accuracy, "mean_iou": mean_iou, "commonest_class": commonest / labeled}


def drawn_maps(height: int, width: int) -> list[Image.Image]:
    """Draw three streets with a handful of polygons: maps of class numbers."""

    def street(*areas: tuple[str, tuple[float, ...]]) -> Image.Image:
        image = Image.new("L", (width, height), NAMES.index("sky"))
        pen = ImageDraw.Draw(image)
        for name, corners in areas:
            points = [(x * width, y * height) for x, y in zip(corners[::2], corners[1::2], strict=True)]
            pen.polygon(points, fill=NAMES.index(name))
        return image

    road = ("road", (0.0, 1.0, 0.42, 0.55, 0.58, 0.55, 1.0, 1.0))
    left = ("pavement", (0.0, 1.0, 0.0, 0.78, 0.42, 0.55))
    right = ("pavement", (1.0, 1.0, 1.0, 0.78, 0.58, 0.55))
    car = ("car", (0.62, 0.84, 0.62, 0.7, 0.67, 0.6, 0.8, 0.6, 0.86, 0.7, 0.86, 0.84))
    pole = ("pole", (0.2, 0.75, 0.2, 0.2, 0.212, 0.2, 0.212, 0.75))
    return [
        street(
            ("building", (0.0, 0.8, 0.0, 0.0, 0.25, 0.1, 0.42, 0.4, 0.42, 0.56)),
            ("building", (1.0, 0.8, 1.0, 0.05, 0.75, 0.15, 0.58, 0.42, 0.58, 0.56)),
            ("tree", (0.4, 0.56, 0.41, 0.42, 0.48, 0.38, 0.58, 0.42, 0.6, 0.56)),
            road,
            left,
            right,
            car,
            pole,
        ),
        street(
            ("tree", (0.0, 0.8, 0.0, 0.2, 0.12, 0.1, 0.3, 0.2, 0.42, 0.45, 0.44, 0.58)),
            ("building", (1.0, 0.8, 1.0, 0.1, 0.62, 0.3, 0.5, 0.45, 0.44, 0.45, 0.44, 0.57)),
            road,
            left,
            right,
            ("car", (0.44, 0.7, 0.44, 0.6, 0.47, 0.55, 0.55, 0.55, 0.57, 0.6, 0.57, 0.7)),
        ),
        street(
            ("building", (0.0, 0.62, 0.0, 0.35, 0.3, 0.35, 0.35, 0.3, 0.6, 0.3, 0.6, 0.62)),
            ("tree", (0.55, 0.62, 0.6, 0.35, 0.75, 0.25, 0.9, 0.3, 1.0, 0.4, 1.0, 0.62)),
            ("fence", (0.0, 0.68, 0.0, 0.58, 1.0, 0.58, 1.0, 0.68)),
            ("road", (0.0, 1.0, 0.0, 0.66, 1.0, 0.66, 1.0, 1.0)),
            ("pavement", (0.0, 0.72, 0.0, 0.66, 1.0, 0.66, 1.0, 0.7)),
            ("person", (0.3, 0.85, 0.31, 0.6, 0.33, 0.55, 0.35, 0.6, 0.36, 0.85)),
        ),
    ]


def write_grid(name: str, run: gan.Run, data: Path, free: Path | None) -> Path:
    """Write an image grid of the model's outputs on images outside its training data, next to the run."""
    folder, case = run.folder / "shown", CASES[name]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "given").mkdir(parents=True)
    height, width = run.model().spec.shape[1:]
    if case.condition == "map" and free:
        for i, drawn in enumerate(drawn_maps(height, width)):
            drawn.save(folder / "given" / f"{i}.png")
    else:
        test_split = {"cats": "testA", "maps": "test/A", "streets": "test/labels", "photos": "test"}
        files = (free / name if free else data / case.data / test_split[case.data]).glob("*.*")
        for file in sorted(files)[:4]:
            with Image.open(file) as image:
                scale = max(height / image.height, width / image.width)
                size = (round(image.width * scale), round(image.height * scale))
                method = Image.Resampling.NEAREST if case.condition == "map" else Image.Resampling.LANCZOS
                image.resize(size, method).save(folder / "given" / f"{file.stem}.png")
    directions: Tree = {"domains": {"to": "B"}, "grey": {"from_": "picture"}, "edges": {"from_": "picture"}}
    gan.translate(run.folder, folder / "given", folder / "made", **directions.get(case.condition, {}))
    path = run.folder.parent / f"{name}.jpg"
    grid(case, folder).save(path, quality=88)
    return path


def grid(case: Case, folder: Path) -> Image.Image:
    """Return one column per file in `made`: input, output and, for derived inputs, the original photo."""
    columns = []
    for file in sorted((folder / "made").iterdir()):
        with Image.open(file) as made, Image.open(folder / "given" / file.name) as given:
            column = [_condition_image(case.condition, given), made.convert("RGB")]
            columns.append([*column, given.convert("RGB")] if case.condition in DERIVED else column)
    width, height = (max(size) for size in zip(*(column[0].size for column in columns), strict=True))
    size = (width + GAP) * len(columns) - GAP, (height + GAP) * len(columns[0]) - GAP
    whole = Image.new("RGB", size, "white")
    for x, column in enumerate(columns):
        for y, image in enumerate(column):
            whole.paste(image, (x * (width + GAP), y * (height + GAP)))
    whole.thumbnail((WIDEST, size[1]), Image.Resampling.LANCZOS)
    return whole


def _condition_image(condition: str, given: Image.Image) -> Image.Image:
    if condition == "map":
        return Image.fromarray(COLORS[np.asarray(given)])
    rgb = given.convert("RGB")
    if condition not in DERIVED:
        return rgb
    image = torch.from_numpy(np.asarray(rgb).copy()).permute(2, 0, 1)[None] / 127.5 - 1
    return to_image(DERIVED[condition](image)[0]).convert("RGB")


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--free", type=Path, help="folder with one folder of images per case, for its image grid"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    given = options(arguments)
    data = given.out / "data"
    if not data.is_dir():
        prepare(given.data, data)
    print(
        f"{described(device_named(given.device))}, torch {torch.__version__}, {given.minutes:g} minutes each"
    )
    for name in given.cases.split(","):
        started = time.perf_counter()
        run = train(name, given.out / name, data, given.minutes, given.device, given.seed)
        seconds = time.perf_counter() - started
        images, shape = run.model().images, "x".join(map(str, run.model().spec.shape[1:]))
        values = {"images": images, "size": shape, "seconds": round(seconds), **figures(name, run, data)}
        (given.out / f"{name}.json").write_text(json.dumps(values, indent=1), encoding="utf-8")
        print(name, json.dumps(values), write_grid(name, run, data, given.free), flush=True)


if __name__ == "__main__":
    main()
