"""Model of a single network, as an official checkpoint holds it: without the game that it was trained in."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganarium.core.game import Clock, Game, Turn
from ganarium.data.kinds import Kind, Vector
from ganarium.data.modalities.image import CHANNELS, Image
from ganarium.data.modalities.label_map import LabelMap, LabelPlanes
from ganarium.data.spec import DataSpec
from ganarium.models.model import Model
from ganarium.networks import IMAGE_ENCODERS, PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.layers.padding import padded_forward
from ganarium.ops.label_maps import one_hot_planes
from ganarium.tasks.base import NONE, Input, Options, Output, Task, latent_inputs
from ganarium.tasks.latents import Latent
from ganarium.tasks.translate import Translate
from ganarium.tasks.windows import Sizes

NETWORKS: Mapping[str, Mapping[str, Callable[..., nn.Module]]] = {
    "translator": TRANSLATORS,
    "discriminator": PATCH_DISCRIMINATORS,
    "encoder": IMAGE_ENCODERS,
}
"""Networks that may stand alone, by role and kind."""


@dataclass(frozen=True)
class Origin:
    """Origin of imported weights, as far as it is known."""

    repository: str
    """GitHub repository, `owner/name`, whose networks have these tensors."""
    licence: str
    """Licence of that repository."""
    file: str = ""
    """Name of the checkpoint."""
    sha256: str = ""
    """Hash of the checkpoint, in hexadecimal digits."""
    network: str = ""
    """Name of the network there."""


class NetworkTranslate(Translate):
    """Images, or label maps, to images: `translate(images)`, with a style `z` if the network takes styles."""

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        axes = game.size or ("H", "W")
        kind: Kind = Image()
        labels, channels = game.settings.get("labels"), game.settings.get("inputs")
        if labels:
            kind, channels = LabelMap(tuple(map(str, range(labels)))), 1
        elif channels not in CHANNELS:
            kind = LabelPlanes(tuple(map(str, range(channels))))
        return (Input("images", kind, (channels, *axes)), *latent_inputs(game))

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        return (Output("translations", Image(), (game.settings["outputs"], *(game.size or ("H", "W")))),)

    def sizes(self, game: Any, spec: DataSpec, options: Options = NONE) -> Sizes:
        """See `Task.sizes`."""
        return dataclasses.replace(super().sizes(game, spec, options), fixed=game.size)


class Score(Task):
    """Images to scores of patches: `score(images)`."""

    name = "score"
    description = "Scores patches of images: larger is more real."
    evaluated = False

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        return (Input("images", Image(), (game.settings["inputs"], "H", "W")),)

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        count = game.settings.get("scales", 0)
        names = [f"scores_{i}" for i in range(count)] if count else ["scores"]
        return tuple(Output(name, Vector(), (1, f"h_{i}", f"w_{i}")) for i, name in enumerate(names))

    def sizes(self, game: Any, spec: DataSpec, options: Options = NONE) -> Sizes:
        """See `Task.sizes`."""
        return dataclasses.replace(super().sizes(game, spec, options), least=256, strict=True)


class Encode(Task):
    """Images to codes: `encode(images)`, or `encode(images, instances)` for features of instances."""

    name = "encode"
    description = "Encodes images."
    evaluated = False

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        images = Input("images", Image(), (game.settings["inputs"], "H", "W"))
        if game.kind == "style":
            return (images,)
        return images, Input("instances", LabelMap(tuple(map(str, range(5)))), (1, "H", "W"))

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        if game.kind == "style":
            return tuple(
                Output(name, Vector(), (game.settings["style_dim"],)) for name in ("mean", "log_variance")
            )
        return (Output("features", Vector(), (game.settings["features"], "H", "W")),)

    def sizes(self, game: Any, spec: DataSpec, options: Options = NONE) -> Sizes:
        """See `Task.sizes`."""
        return dataclasses.replace(super().sizes(game, spec, options), least=256, strict=True)


TASKS: Mapping[str, Task] = {"translator": NetworkTranslate(), "discriminator": Score(), "encoder": Encode()}


class NetworkGame(Game):
    """Game of one network, which is not played.

    Args:
        role: `translator`, `discriminator` or `encoder`.
        kind: kind of network of that role.
        settings: arguments of its constructor.
        network: the network.
    """

    saved_networks = ("network",)

    def __init__(self, role: str, kind: str, settings: Mapping[str, Any], network: nn.Module):
        super().__init__()
        self.role, self.kind, self.network = role, kind, network
        self.settings = defaults(NETWORKS[role][kind]) | dict(settings)
        self.tasks = (TASKS[role],)
        style_dim = self.settings.get("style_dim", 0) if role == "translator" else 0
        self.latents = (Latent("z", (style_dim,)),) if style_dim else ()

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width nearest to a square, if the network takes images of one area alone; else None."""
        if not self.latents:
            return None
        area, multiple = int(self.settings["bottom_area"]), int(self.network.multiple)  # type: ignore[arg-type]
        height = max(h for h in range(1, int(area**0.5) + 1) if area % h == 0)
        return height * multiple, area // height * multiple

    def play(self, data: Iterator[Any], clock: Clock) -> Iterator[Turn]:
        """Raise RuntimeError: one network is no game."""
        raise RuntimeError("a single network cannot be trained: it has no opponent")

    def translate(self, images: Tensor, z: Tensor | None = None) -> Tensor:
        """Translate images, or label maps of ids, in the style `z` if the network takes styles."""
        labels = self.settings.get("labels")
        planes = one_hot_planes(images, labels) if labels and not images.is_floating_point() else images
        return padded_forward(self.network, planes, *([] if z is None else [z]))

    def score(self, images: Tensor) -> Any:
        """Score patches of images; a tuple if there are several scales."""
        scores = self.network(images)
        return tuple(scores) if isinstance(scores, list) else scores

    def encode(self, images: Tensor, instances: Tensor | None = None) -> Any:
        """Encode images."""
        return self.network(images, *([] if instances is None else [instances]))


@dataclass(frozen=True)
class Imported:
    """Provenance of an imported network.

    Attributes:
        role: `translator`, `discriminator` or `encoder`.
        kind: kind of network of that role.
        settings: arguments of its constructor.
        origin: origin of the weights.
    """

    role: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    origin: Origin = Origin("", "")

    @property
    def title(self) -> str:
        """Name of the network."""
        return self.origin.network or self.what

    @property
    def what(self) -> str:
        """Kind and role."""
        return f"{self.kind} {self.role}"

    def details(self) -> Mapping[str, str]:
        """Return origin and licence in words."""
        origin = self.origin
        return {
            "network": f"{self.what}, imported without the game that it was trained in",
            "weights": f"`{origin.file}`, SHA-256 `{origin.sha256}`",
            "architecture": f"that of https://github.com/{origin.repository}",
            "licence": (
                f"{origin.licence} is that of {origin.repository}, and of its releases of weights unless "
                "they say otherwise; the file does not say who trained these weights, and on what: find out "
                "their licence before you pass them on"
            ),
            "settings": ", ".join(f"{name} {value}" for name, value in self.settings.items()),
        }

    def config(self) -> Mapping[str, Any]:
        """Return a plain tree."""
        return {
            "network": {"role": self.role, "kind": self.kind, "settings": self.settings},
            "origin": dataclasses.asdict(self.origin),
        }


class NetworkModel(Model):
    """Model of an imported network.

    Args:
        role: `translator`, `discriminator` or `encoder`.
        kind: kind of network of that role.
        settings: arguments of its constructor.
        network: the network, filled.
        origin: origin of its weights.
    """

    def __init__(self, role: str, kind: str, settings: Mapping[str, Any], network: nn.Module, origin: Origin):
        channels = settings.get("outputs", settings.get("inputs", 3))
        spec = DataSpec(Image(), (channels, 256, 256))
        game = NetworkGame(role, kind, settings, network)
        super().__init__(game, spec, Imported(role, kind, dict(settings), origin))

    @property
    def network(self) -> nn.Module:
        """The network."""
        return self.game.get_submodule("network")


def defaults(constructor: Callable[..., nn.Module]) -> dict[str, Any]:
    """Return the default settings of a network."""
    parameters = inspect.signature(constructor).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name != "size"}


def revived(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> NetworkModel:
    """Return the model of the network that a config describes, filled with its tensors.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: the two do not describe one.
    """
    role, kind, settings = (config["network"][key] for key in ("role", "kind", "settings"))
    # Spectral norm's power iterations take seconds on the meta device.
    with torch.device("cpu" if settings.get("spectral_norm") else "meta"):
        network = NETWORKS[role][kind](**settings)
    own = {key.removeprefix("network."): tensor for key, tensor in tensors.items()}
    network.load_state_dict(own, assign=True)
    return NetworkModel(role, kind, settings, network, Origin(**config["origin"]))
