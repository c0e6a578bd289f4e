"""What a model can do for other programs: functions of plain arrays."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganarium.data.spec import DataSpec
from ganarium.methods.translators import Direction, Translator
from ganarium.models.model import Model
from ganarium.models.network import NETWORKS, NetworkModel, defaults
from ganarium.networks.layers.padding import padded_forward

Shape = tuple[int | str, ...]
"""Of a batch: numbers, and the names of what may vary, `("N", 3, "H", "W")`."""
Draw = Callable[[int, tuple[int, int], torch.Generator], Tensor]
"""`count` random inputs, for pictures of a height and width."""

SHOWN = 16
"""How many samples an example draws."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's word for pictures of so many channels."""


@dataclass(frozen=True)
class Input:
    """One array that a task takes."""

    name: str
    shape: Shape
    meaning: str
    """Its values, in words."""
    draw: Draw
    code: str
    """How an example makes it: an expression of numpy and Pillow."""

    @property
    def type(self) -> str:
        """Of its values: `float32` or `int64`."""
        return str(self.draw(1, (8, 8), torch.Generator()).numpy().dtype)

    @property
    def open_axes(self) -> dict[int, str]:
        """The axes whose length may vary, and their names."""
        return {axis: size for axis, size in enumerate(self.shape) if isinstance(size, str)}


@dataclass(frozen=True)
class Task:
    """One function of a model.

    Attributes:
        name: `generate`, `translate`, `classify`, `discriminator` or `encoder`.
        stem: of the file that does it.
        network: what holds the weights.
        call: `call(network, *inputs)`, the function.
        inputs: what it takes.
        outputs: what it gives: names and shapes; pictures are in [-1, 1].
        multiple: heights and widths that it is tried on are multiples of this.
        least: heights and widths that it is tried on are at least this.
    """

    name: str
    stem: str
    network: nn.Module
    call: Callable[..., Any]
    inputs: tuple[Input, ...]
    outputs: dict[str, Shape]
    multiple: int = 1
    least: int = 64

    def drawn(self, count: int, size: tuple[int, int], chance: torch.Generator) -> tuple[Tensor, ...]:
        """Random inputs."""
        return tuple(given.draw(count, size, chance) for given in self.inputs)

    def size(self, chance: torch.Generator) -> tuple[int, int]:
        """A random height and width, not alike."""
        low = math.ceil(self.least / self.multiple)
        steps = torch.randperm(max(2, low // 2), generator=chance)[:2] + low
        height, width = (steps * self.multiple).tolist()
        return height, width


def tasks(model: Model | NetworkModel) -> list[Task]:
    """All that a model can do, its main task first; a translating game's is a task for each way.

    Raises:
        ValueError: nothing that can be exported.
    """
    if isinstance(model, NetworkModel):
        return [_translating_network(model) if model.role == "translator" else _judging_network(model)]
    game, found = model.game, []
    if isinstance(game, Translator):
        found += [_translating(model, way) for way in game.directions]
    if hasattr(game, "draw_noise") and hasattr(game, "generate"):
        found.append(_generating(model))
    if hasattr(game, "classify"):
        found.append(_classifying(model))
    if not found:
        raise ValueError(f"a {model.method.name} model neither generates nor translates nor names classes")
    return found


def _generating(model: Model) -> Task:
    game: Any = model.game
    pictured = len(model.spec.shape) == 3

    def generate(game: Any, noise: Tensor, *others: Tensor) -> Tensor:
        if codes is not None:
            noise, others = torch.cat([noise, others[0]], 1), others[1:]
        samples = game.generate(noise, *others).float()
        return samples.clamp(-1, 1) if pictured else samples

    (length,) = game.draw_noise(1, torch.Generator()).shape[1:]
    codes = _codes(game, length)
    noise = _noise(game, game.noise_dim if codes else length)
    told = _told(model.spec)
    inputs = tuple(given for given in (noise, codes, told) if given is not None)
    outputs: dict[str, Shape] = {"images" if pictured else "points": ("N", *model.spec.shape)}
    return Task("generate", "generate", game, generate, inputs, outputs)


def _noise(game: Any, length: int) -> Input:
    uniform = getattr(game, "noise_kind", "normal") == "uniform"
    code = (
        f"chance.uniform(-1, 1, ({SHOWN}, {length})).astype(np.float32)"
        if uniform
        else f"chance.standard_normal(({SHOWN}, {length}), dtype=np.float32)"
    )

    def draw(count: int, size: tuple[int, int], chance: torch.Generator) -> Tensor:
        return game.draw_noise(count, chance)[:, :length]

    return Input("noise", ("N", length), "uniform in [-1, 1]" if uniform else "standard normal", draw, code)


def _codes(game: Any, length: int) -> Input | None:
    """InfoGAN's, which stand behind the noise."""
    if not getattr(game, "walkable", ()):
        return None
    number = length - game.noise_dim
    columns = [f"np.eye({k})[chance.integers({k}, size={SHOWN})]" for k in game.categories]
    columns += [f"chance.uniform(-1, 1, ({SHOWN}, {game.numbers}))"] if game.numbers else []
    meaning = [f"one of {k} as a one-hot vector" for k in game.categories]
    meaning += [f"{game.numbers} in [-1, 1]"] if game.numbers else []

    def draw(count: int, size: tuple[int, int], chance: torch.Generator) -> Tensor:
        return game.codes(count, generator=chance)

    code = f"np.concatenate([{', '.join(columns)}], 1).astype(np.float32)"
    return Input("codes", ("N", number), "; ".join(meaning), draw, code)


def _told(spec: DataSpec) -> Input | None:
    """What a generator is told beside its noise."""
    if spec.condition is None:
        return None
    if spec.condition in ("label", "domains"):
        count = len(spec.classes)
        return Input("labels", ("N",), _named(spec.classes), _whole(count), f"np.arange({SHOWN}) % {count}")
    if spec.condition == "attributes":
        shape = len(spec.attributes)

        def draw(count: int, size: tuple[int, int], chance: torch.Generator) -> Tensor:
            return torch.randint(2, (count, shape), generator=chance).float()

        code = f"chance.integers(0, 2, ({SHOWN}, {shape})).astype(np.float32)"
        return Input("attributes", ("N", shape), f"0 or 1 each: {', '.join(spec.attributes)}", draw, code)
    channels, *size = spec.condition_shape
    told = _picture(channels, (size[0], size[1]), len(spec.classes) if spec.condition == "map" else 0)
    name = "maps" if told.name == "maps" else "pictures"
    return Input(name, told.shape, told.meaning, told.draw, f"np.repeat({told.code}, {SHOWN}, 0)")


def _named(classes: tuple[str, ...]) -> str:
    return ", ".join(f"{i} {name}" for i, name in enumerate(classes))


def _whole(below: int, *shape: int) -> Draw:
    return lambda count, size, chance: torch.randint(below, (count, *shape), generator=chance)


def _picture(channels: int, size: tuple[int, int] | None, classes: int = 0) -> Input:
    """Pictures of `size`, or of any; where there are `classes`, a map of them."""
    shape: Shape = ("N", channels, *(size or ("H", "W")))

    def draw(count: int, any_size: tuple[int, int], chance: torch.Generator) -> Tensor:
        form = (count, channels, *(size or any_size))
        if classes:
            return torch.randint(classes, form, generator=chance)
        return torch.rand(form, generator=chance) * 2 - 1

    opened, fitting = "Image.open(sys.argv[1])", f".resize({size[::-1]})" if size else ""
    if classes:
        code, meaning = f"np.int64({opened})[None, None]", "the number of each pixel's class"
        if channels == 2:
            code, meaning = "np.load(sys.argv[1])", f"{meaning}, and of its instance"
        return Input("maps", shape, meaning, draw, code)
    if channels not in MODES:
        return Input("images", shape, "in [-1, 1]", draw, "np.load(sys.argv[1])")
    pixels = f'np.float32({opened}.convert("{MODES[channels]}"){fitting})'
    axes = "[None, None]" if channels == 1 else ".transpose(2, 0, 1)[None]"
    return Input("images", shape, "in [-1, 1]", draw, f"{pixels}{axes} / 127.5 - 1")


def _classifying(model: Model) -> Task:
    spec, (channels, *size) = model.spec, model.spec.shape
    inputs = (_picture(channels, (size[0], size[1])),)
    outputs: dict[str, Shape] = {"probabilities": ("N", len(spec.classes))}
    return Task("classify", "classify", model.game, _classes, inputs, outputs)


def _classes(game: Any, images: Tensor) -> Tensor:
    return game.classify(images)


def _translating(model: Model, way: Direction) -> Task:
    spec, names = model.spec, model.domains
    paired = spec.condition != "domains"
    channels, *trained = spec.condition_shape if paired else spec.shape
    classes = len(spec.classes) if spec.condition == "map" else 0

    # Where a style is drawn, the one that `translate` draws is written into the graph.
    styled = hasattr(model.game, "draw_noise")
    look = model.game.draw_noise(1, torch.Generator().manual_seed(0)) if styled else None  # type: ignore[operator]

    def translate(game: Any, images: Tensor) -> Tensor:
        if look is None:
            return game.translate(images, way).float().clamp(-1, 1)
        return game.generate(look.expand(images.shape[0], -1), images).float().clamp(-1, 1)

    def task(size: tuple[int, int] | None) -> Task:
        outputs: dict[str, Shape] = {"translations": ("N", spec.shape[0], *(size or ("H", "W")))}
        inputs = (_picture(channels, size, classes),)
        return Task("translate", stem, model.game, translate, inputs, outputs, least=_least(model.game))

    stem = re.sub(r"[^\w.+-]+", "_", f"{names[way[0]]}-to-{names[way[1]]}")
    free = task(None)
    return free if _works(free, model.device) else task((trained[0], trained[1]))


@torch.no_grad()
def _works(task: Task, device: torch.device) -> bool:
    """Whether it takes pictures of another size than it was trained on; SPADE with a style does not."""
    chance = torch.Generator().manual_seed(0)
    try:
        task.call(task.network, *(x.to(device) for x in task.drawn(1, task.size(chance), chance)))
    except ValueError:
        return False
    return True


def _least(network: nn.Module) -> int:
    """Small enough to be quick, large enough that two pixels are left where the network is coarsest."""
    multiples = (getattr(module, "multiple", 1) for module in network.modules())
    return max(64, *(int(multiple) + 1 for multiple in multiples))


def _padded_forward(network: Any, images: Tensor, *told: Tensor) -> Tensor:
    return padded_forward(network, images, *told).float()


def _settings(model: NetworkModel) -> dict[str, Any]:
    return defaults(NETWORKS[model.role][model.kind]) | model.settings


def _translating_network(model: NetworkModel) -> Task:
    settings, network = _settings(model), model.network
    labels, style_dim = settings.get("labels"), settings.get("style_dim", 0)
    size = None
    if style_dim:  # pictures of one area alone; the shape nearest to a square
        area = int(settings["bottom_area"])
        height = max(h for h in range(1, math.isqrt(area) + 1) if area % h == 0)
        multiple = int(network.multiple)  # type: ignore[arg-type]
        size = (height * multiple, area // height * multiple)
    told = _picture(labels or settings["inputs"], size)
    if labels:
        code = f"np.eye({labels}, dtype=np.float32)[Image.open(sys.argv[1])].transpose(2, 0, 1)[None]"
        told = Input("maps", told.shape, "one-hot: 1 where a pixel is of the class", told.draw, code)
    inputs: tuple[Input, ...] = (told,)
    if style_dim:
        inputs += (
            Input(
                "styles",
                ("N", style_dim),
                "standard normal, or a StyleEncoder's",
                lambda count, size, chance: torch.randn(count, style_dim, generator=chance),
                f"chance.standard_normal((1, {style_dim}), dtype=np.float32)",
            ),
        )
    outputs: dict[str, Shape] = {"translations": ("N", settings["outputs"], *(size or ("H", "W")))}
    return Task("translate", "translate", network, _padded_forward, inputs, outputs, least=_least(network))


def _judging_network(model: NetworkModel) -> Task:
    """Discriminators and encoders, as they are."""
    settings, network = _settings(model), model.network
    inputs: tuple[Input, ...] = (_picture(settings["inputs"], None),)
    outputs: dict[str, Shape]
    if model.role == "discriminator":
        count = settings.get("scales", 0)
        names = [f"scores_{i}" for i in range(count)] if count else ["scores"]
        outputs = {name: ("N", 1, f"h_{i}", f"w_{i}") for i, name in enumerate(names)}
    elif model.kind == "style":
        outputs = dict.fromkeys(("mean", "log_variance"), ("N", settings["style_dim"]))
    else:
        whole = "which instance each pixel is of"
        code = "np.zeros((1, 1, *Image.open(sys.argv[1]).size[::-1]), np.int64)"

        def draw(count: int, size: tuple[int, int], chance: torch.Generator) -> Tensor:
            return torch.randint(5, (count, 1, *size), generator=chance)

        inputs += (Input("instances", ("N", 1, "H", "W"), whole, draw, code),)
        outputs = {"features": ("N", settings["features"], "H", "W")}
    multiple = int(getattr(network, "multiple", 1))
    return Task(model.role, model.role, network, _as_it_is, inputs, outputs, multiple=multiple, least=256)


def _as_it_is(network: nn.Module, *inputs: Tensor) -> Any:
    return network(*inputs)
