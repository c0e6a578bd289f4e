"""Images of the site: samples of every method after a short training, and the figures of the laboratory.

    python docs/pictures.py               # all images; an hour on two cores
    python docs/pictures.py wgan-gp lab   # some of them

The command of the training is stored in the image and shown on the method's page; it gives the same image on
the same machine. Translators are trained with their preset for the built-in world, or a part of it. Other
methods without an entry in `SPECIAL` are trained on the ring if they accept points, otherwise on the world.
"""

import io
import json
import math
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from ganarium import Method, Model, methods
from ganarium.common import grids
from ganarium.common.files import atomic_write, write_text
from ganarium.common.text import leaves
from ganarium.data.dataset import open_data
from ganarium.data.sources.densities import POINTS
from ganarium.lab import EXPERIMENTS
from ganarium.lab.plotting import FAKE, REAL, STYLE, panels
from ganarium.lab.toy_training import ToyRun
from ganarium.metrics.points import sliced_wasserstein
from ganarium.training.run import Run, prepare

IMAGES = Path(__file__).parent / "pictures"
SIDE, REACH, FINER = 320, 2.6, 3
"""Scatter plot: side in pixels, half the length of its axes, factor of the supersampling."""
BLUE, RED = (31, 95, 168, 90), (209, 73, 91, 130)
COLORS = 64
"""Palette size of the image files."""

Tree = Mapping[str, Any]


def adam(lr: float) -> Tree:
    """Return an Adam optimizer for points and small images; its rate falls from the middle of the run on."""
    schedule = {"kind": "linear", "start": 0.5, "end_factor": 0.05}
    return {"kind": "adam", "lr": lr, "betas": [0.0, 0.99], "schedule": schedule}


def both(entry: Tree) -> Tree:
    """Return the same entry for both players."""
    return {"generator": entry, "discriminator": entry}


RING: Tree = {
    "images": 256_000,
    "batch_size": 128,
    "game": {"noise_dim": 4},
    "networks": both({"kind": "mlp", "width": 64, "depth": 2}),
    "optimizers": both(adam(2e-3)),
    "averages": {"generator": {"half_life_kimg": 20}},
}
WORLD: Tree = {
    "images": 100_000,
    "batch_size": 32,
    "precision": "bfloat16",
    "data": {"size": 32},
    "networks": {"generator": {"kind": "upsampling", "width": 16}},
    "optimizers": both(adam(1.5e-3)),
    "averages": {"generator": {"half_life_kimg": 5}},
}
R1: Tree = {"game": {"penalty": "r1", "penalty_weight": 0.1}}
LAZY_R1: Tree = {
    "game": {"penalty": "r1", "penalty_weight": 0.05, "penalty_interval": 8},
    "networks": {"discriminator": {"kind": "dcgan", "width": 32, "norm": "none"}},
}
WORLD_ONLY = ("dcgan", "sngan", "ebgan", "wgan", "semi-supervised-gan")
"""Methods that need a network for images, or that do not learn the ring."""
RMSPROP: Tree = {"kind": "rmsprop", "lr": 1e-3, "schedule": adam(1)["schedule"]}
SPECIAL: Mapping[str, Tree] = {
    "gan": R1,
    "lsgan": {
        "images": 384_000,
        "game": {"penalty": "r1", "penalty_weight": 0.3},
        "optimizers": both(adam(1e-3)),
    },
    "relativistic-gan": R1,
    "infogan": R1,
    "f-gan": {"game": {"penalty": "r1", "penalty_weight": 1.0, "noise": "normal"}},
    "wgan-gp": {"images": 576_000, "game": {"penalty_weight": 0.1, "discriminator_updates": 3}},
    "wgan": {
        "game": {"clip_bound": 0.1, "discriminator_updates": 2},
        "networks": LAZY_R1["networks"],
        "optimizers": both(RMSPROP),
    },
    "dcgan": LAZY_R1,
    "cgan": LAZY_R1,
    "acgan": LAZY_R1,
    "projection-cgan": {
        "networks": {"discriminator": {"kind": "dcgan", "width": 32, "norm": "none", "spectral_norm": True}},
        "optimizers": both(adam(1e-3)),
    },
    "sngan": {"networks": {"discriminator": {"width": 16}}, "optimizers": both(adam(1e-3))},
    "ebgan": {
        "game": {"margin": 0.1, "pulling_away_weight": 0.1},
        "networks": {"discriminator": {"kind": "dcgan", "norm": "none", "width": 16, "code_dim": 32}},
        "optimizers": both(adam(1e-3)),
    },
}
PRESETS: Mapping[str, int] = {
    "pix2pix": 8_000,
    "pix2pixhd": 24_000,
    "gaugan": 24_000,
    "cyclegan": 4_000,
    "discogan": 8_000,
    "dualgan": 8_000,
    "direct-translation": 10_000,
    "dtn": 5_000,
    "cogan": 24_000,
    "unit": 2_400,
    "xgan": 2_400,
    "combogan": 2_400,
}
"""Methods trained with their preset for the world, and the number of images."""


def settings_of(method: Method) -> tuple[str, dict[str, Any]]:
    """Return the data and the recipe keys that a method is trained with."""
    tables = method.game.roles.values()
    points = all("mlp" in table for table in tables) and method.name not in WORLD_ONLY
    points = points and method.recipe().data.condition is None
    tree = dict(RING if points else WORLD)
    for key, value in SPECIAL.get(method.name, {}).items():
        tree[key] = {**tree.get(key, {}), **value} if isinstance(value, Mapping) else value
    return ("ring" if points else "world"), tree


def draw_method(method: Method) -> None:
    """Train the method and write an image of its samples."""
    if method.name in PRESETS:
        return draw_preset(method)
    source, tree = settings_of(method)
    settings = [f"{path}={_plain(value)}" for path, value in leaves(tree, ".")]
    with tempfile.TemporaryDirectory() as folder:
        run = prepare(method.name, data=source, out=Path(folder) / "run", overrides=settings, device="cpu")
        run = run.finish()
        image = scatter(run.model()) if source == "ring" else sample_grid(run.model())
    notes = PngInfo()
    notes.add_text("command", f"ganarium train {method.name} --data {source} {' '.join(settings)}")
    notes.add_text("shows", source)
    _save(image, IMAGES / f"{method.name}.png", notes)


def draw_preset(method: Method) -> None:
    """Train the preset of a method and write its samples, or translations of held-back images."""
    images = f"images={PRESETS[method.name]:_}"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run = prepare(method.name, preset="world", out=out, overrides=[images], device="cpu").finish()
        translates = "translate" in run.model().tasks
        image = translations(run) if translates else sample_grid(run.model())
    notes = PngInfo()
    notes.add_text("command", f"ganarium train {method.name} --preset world {images}")
    notes.add_text("shows", "translation" if translates else "world")
    _save(image, IMAGES / f"{method.name}.png", notes)


def translations(run: Run) -> Image.Image:
    """Return rows of inputs, outputs, and reconstructions or truths."""
    model, recipe = run.model(), run.recipe
    data = recipe.data.model_copy(update={"split": "test"})
    batch, rows = open_data(data, seed=recipe.seed).batch_and_rows(range(10))
    columns = model.task("translate").examples(model.game, model.spec, batch, rows).values()
    images = [kind.thumbnail(each, grids.CELL) for kind, samples in columns for each in samples]
    return grids.tiled(images, columns=10, scale=max(1, 32 // images[0].width)).quantize()


def scatter(model: Model) -> Image.Image:
    """Plot samples in red over as many real points in blue."""
    side = SIDE * FINER
    canvas = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(canvas, "RGBA")
    for points, color in ((POINTS["ring"].sample(1500, seed=1), BLUE), (model.generate(1500, seed=1), RED)):
        for x, y in _places(points, side):
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=color)
    return canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS).quantize(COLORS)


def _places(points: Tensor, side: int) -> Iterable[tuple[float, float]]:
    return (((1 + x / REACH) * side / 2, (1 - y / REACH) * side / 2) for x, y in points.tolist())


def sample_grid(model: Model) -> Image.Image:
    """Return an image grid of samples, with one row per class or domain for conditional models."""
    condition = model.spec.condition
    names = model.spec.classes if condition is not None and condition.is_input else ()
    rows = [model.generate(10, condition=name, seed=1) for name in names] or [model.generate(60, seed=1)]
    return model.spec.modality.grid(torch.cat(rows), columns=10).quantize(COLORS)


def draw_experiment(name: str) -> None:
    """Run an experiment of the laboratory and write its figure and its table."""
    result = EXPERIMENTS[name]()
    _save_figure(result.draw(), IMAGES / "lab" / f"{name}.png")
    text = json.dumps(result.to_dict(), indent=1, ensure_ascii=False)
    write_text(IMAGES / "lab" / f"{name}.json", text + "\n")


FOUR: Mapping[str, tuple[str, Tree, float | None]] = {
    "non-saturating, R1": ("gan", R1, 2 * math.log(2)),
    "non-saturating, no penalty,\ndiscriminator ten times as fast": (
        "gan",
        {"optimizers": {"generator": adam(3e-4), "discriminator": adam(3e-3)}},
        2 * math.log(2),
    ),
    "hinge, R1": ("gan", {"game": {"objective": "hinge", **R1["game"]}}, 2.0),
    "Wasserstein, GP": ("wgan-gp", {"game": {"penalty_weight": 0.1, "discriminator_updates": 3}}, 0.0),
}
"""Runs in the figure of losses: method, keys, and the discriminator's loss at chance level."""


def draw_losses(*, rounds: int = 1500, step: int = 25) -> None:
    """Draw the losses of four runs on the ring, and below them the distance to the data."""
    with rc_context(STYLE):
        figure, axes = panels(2, 4, size=(12, 5.2), title="Losses, and distance to the data", sharex=True)
        for (name, (method, changes, chance_level)), (above, below) in zip(FOUR.items(), axes.T, strict=True):
            run = ToyRun(method, POINTS["ring"], RING, changes, rounds=rounds, seed=0)
            played, terms, distances = _measured(run, step)
            for player, color in (("discriminator", REAL), ("generator", FAKE)):
                if method == "wgan-gp" and player == "generator":
                    continue  # a Wasserstein score has no zero; the curve would hide the other one
                curve = [each[f"{player}/adversarial"] for each in terms]
                above.plot(played, curve, color=color, label=f"{player}'s loss")
            above.axhline(chance_level, color=REAL, linestyle=":", label="discriminator at chance level")
            below.plot(played, distances, color="black", label="distance to the data (sliced W1)")
            above.set_title(name)
            below.set_ylim(0, 1.5)
            below.set_xlabel("rounds")
        for row in axes:
            row[0].legend(fontsize=8)
        _save_figure(figure, IMAGES / "losses.png")


def _measured(run: ToyRun, step: int) -> tuple[list[int], list[dict[str, float]], list[float]]:
    """Return rounds, mean terms and the distance of the samples, every `step` rounds."""
    real = POINTS["ring"].sample(2000, seed=7)
    played_rounds, terms, distances = [], [], []
    while run.engine.clock.progress < 1:
        played = [run.play(1) for _ in range(step)]
        played_rounds.append(run.engine.clock.round)
        terms.append({name: sum(float(each[name]) for each in played) / step for name in played[0]})
        distances.append(sliced_wasserstein(run.samples(2000, averaged=False), real))
    return played_rounds, terms, distances


def _plain(value: Any) -> str:
    return str(value).replace(" ", "")


def _save_figure(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    _save(Image.open(buffer).convert("RGB").quantize(COLORS), path, PngInfo())


def _save(image: Image.Image, path: Path, notes: PngInfo) -> None:
    with atomic_write(path) as file:
        image.save(file, format="PNG", optimize=True, pnginfo=notes)
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB", flush=True)


def main() -> None:
    """Draw the named images, or all."""
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or [*(method.name for method in methods.BUILT_IN), "losses", "lab"]
    for name in wanted:
        if name == "lab":
            for experiment in EXPERIMENTS:
                draw_experiment(experiment)
        elif name == "losses":
            draw_losses()
        elif name in EXPERIMENTS:
            draw_experiment(name)
        else:
            draw_method(methods.find(name))


if __name__ == "__main__":
    main()
