"""Recipes: everything a run needs, typed, in one value that can be read back from its YAML."""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator

from ganarium import optimizers
from ganarium.campaign import Campaign
from ganarium.game import Game
from ganarium.tables import Strict, checked, completed_kind, merge, plain, refuse_unknown, schema

VERSION = 1
"""Of the recipe's layout; a recipe of another version is refused, not guessed at."""


Sources = str | Path | Sequence[str | Path]
"""What `source_of` takes for data: one source or several."""


class Data(Strict):
    """Which samples, and in which form the networks see them."""

    source: str | tuple[str, ...] = "world"
    """A folder or file, or a name: `world`, `ring`, `grid`, `spiral`, `mnist`, `fashion-mnist`, `cifar10`.

    Or several of them: each a class, a domain (`condition=domains`) or a side of pairs (`pair`, `map`).
    """
    size: int | tuple[int, int] | None = None
    """Height and width in pixels. Inferred from the data where it is not said, `largest` at most."""
    load_size: int | tuple[int, int] | None = None
    """Resize to this first, then cut `size` out at a random place, the same one in both of a pair."""
    largest: int = Field(64, gt=0)
    """The longest side, in pixels, that an inferred size may have."""
    channels: int | None = Field(None, gt=0)
    """1 grey, 3 RGB, 4 RGBA; inferred from the data where it is not said."""
    condition: str | None = None
    """What each sample comes with: `label`, `attributes`, or a picture: one made from it (`edges`, ...),
    the other one of a `pair`, a label `map`. With `domains` each batch has as many of each class."""
    direction: Literal["a-to-b", "b-to-a"] = "a-to-b"
    """Which picture of a pair is the wished one; `b-to-a` changes both, so that a map is what comes out."""
    split: Literal["train", "test"] = "train"
    """`test` takes the samples that the data hold back from training."""
    labels: int | None = Field(None, gt=0)
    """Keep only so many labels, evenly over the classes; beside each batch, as many of these samples come."""
    flip: bool = False
    """Mirror half of the pictures left to right."""
    count: int | None = Field(None, gt=0)
    """Use only so many samples, of each domain (of the world: draw so many)."""
    workers: int = Field(2, ge=0)
    """Threads that decode ahead of the engine; 0 decodes in the engine's own."""
    cache_gib: float = Field(2.0, ge=0)
    """Decoded samples are kept in memory up to this many GiB, whole run."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources, one or several."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def place(self) -> str:
        """The sources in words."""
        return ", ".join(self.sources)


def source_of(data: Sources) -> str | tuple[str, ...]:
    """`Data.source` of one source or several."""
    several = (data,) if isinstance(data, str | Path) else tuple(data)
    return str(several[0]) if len(several) == 1 else tuple(map(str, several))


class Average(Strict):
    """A player's running average."""

    half_life_kimg: float = Field(gt=0)
    """After so many thousand images the past counts half."""
    ramp_up: float | None = Field(0.05, gt=0)
    """The half-life is at most this share of the images shown so far."""


class Every(Strict):
    """When the trainer does what it does beside training; intervals in images."""

    log: int | None = Field(None, gt=0)
    """A line in `log.jsonl`; a two-hundredth of the run where it is not said."""
    samples: int | None = Field(None, gt=0)
    """A grid of samples; a twentieth of the run where it is not said."""
    checkpoint: int | None = Field(None, gt=0)
    """A checkpoint; a twentieth of the run where it is not said."""


class Evaluate(Strict):
    """Judging the model while it is trained, as `ganarium evaluate` would; the best one is kept."""

    every: int | None = Field(None, gt=0)
    """Judge whenever so many images more are shown, and at the end; never where it is not said."""
    features: str | None = None
    """File of a pretrained network to compare pictures by; points and the built-in world need none."""
    metrics: tuple[str, ...] = ()
    """What is measured, such as `[fid, kid]`; a few quick ones where it is not said."""
    count: int = Field(1000, gt=1)
    """How many samples are judged."""
    best: str | None = None
    """The measure that says which model is the best; the first of `metrics` where it is not said."""

    @field_validator("metrics", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        """`fid,kid` is a list, too."""
        return [name.strip() for name in given.split(",")] if isinstance(given, str) else given


class Recipe(Strict):
    """Everything a run needs. Lengths are in images shown to the discriminator, over all processes."""

    version: int = VERSION
    method: str
    images: int = Field(gt=0)
    """Length of the run."""
    epochs: float | None = Field(None, gt=0)
    """Length in passes over the data instead; turned into `images` when the data are known."""
    batch_size: int = Field(64, gt=0)
    """Of the whole run: all processes and micro-batches together."""
    accumulate: int = Field(1, gt=0)
    """Micro-batches that a batch is cut into to save memory."""
    seed: int = Field(0, ge=0)
    device: str = "auto"
    """`auto` takes cuda, then mps, then cpu; or name one."""
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    """Compile the networks with torch.compile."""
    deterministic: bool = True
    """On a GPU: only kernels that give the same numbers every time, so that a resumed run is the
    uninterrupted one; false may be some percent faster. A CPU always gives the same."""
    sync_batch_norm: bool = False
    """Batch statistics over all processes instead of each one's own."""
    game: dict[str, Any] = {}
    networks: dict[str, dict[str, Any]] = {}
    optimizers: dict[str, dict[str, Any]]
    averages: dict[str, Average] = {}
    data: Data = Data()
    every: Every = Every()
    evaluate: Evaluate = Evaluate()
    keep_checkpoints: int = Field(3, gt=0)
    """How many of the newest checkpoints stay."""
    tensorboard: bool = False
    """Write event files for TensorBoard, too (needs `ganarium[tensorboard]`)."""


@dataclass(frozen=True)
class Method:
    """A row of the method table."""

    name: str
    """As the literature writes it, in kebab-case."""
    game: type[Game] | type[Campaign]
    recipe: Callable[[], Recipe]
    """The paper's settings."""
    tiny: Mapping[str, Any]
    """What makes the recipe tiny, with all its parts: for tests."""

    @property
    def card(self) -> str:
        """What the method is, its formulas and its deviations from the paper."""
        return inspect.cleandoc(sys.modules[self.recipe.__module__].__doc__ or "")

    @property
    def headline(self) -> tuple[str, str]:
        """What the method is, and its paper: the card's first line, `NAME: what it is (paper).`."""
        first = " ".join(self.card.partition("\n\n")[0].split()).removesuffix(".")
        what, _, paper = first.partition(": ")[2].rpartition(" (")
        return (what, paper.removesuffix(")")) if what else (first, "")


class _Loader(yaml.SafeLoader):
    """YAML that takes 1e-4 for a number, as its version 1.2 does."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def override(text: str) -> dict[str, Any]:
    """`optimizers.generator.lr=1e-4` as a tree; the value is YAML, numbers may read 200_000 or 1e-4.

    Raises:
        ValueError: there is no `=`, or the value is no YAML.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ValueError(
            f"{text!r} is no setting; write key=value, for example images=200_000 (data go behind --data)"
        )
    try:
        node: Any = yaml.load(value, _Loader)
    except yaml.YAMLError:
        raise ValueError(f"{text!r}: its value is not YAML; a bracket or quote may be missing") from None
    for key in reversed(path.strip().split(".")):
        node = {key: node}
    return node


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """Several overrides as one tree, so that a kind and its settings may come in any order.

    Raises:
        ValueError: as `override`.
    """
    tree: dict[str, Any] = {}
    for text in texts:
        _lay_over(tree, override(text))
    return tree


def _lay_over(tree: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), dict):
            _lay_over(tree[key], value)
        else:
            tree[key] = value


TINY: dict[str, Any] = {"images": 64, "batch_size": 8, "data": {"size": 16, "count": 16, "workers": 0}}
"""What makes any picture method's recipe tiny; each adds its own networks."""


def tiny(method: Method) -> Recipe:
    """The smallest recipe with all the method's parts: for tests."""
    return resolve(method, TINY, method.tiny)


def resolve(method: Method, *layers: Mapping[str, Any]) -> Recipe:
    """The method's own recipe, changed by each layer in turn, complete and checked.

    Raises:
        ValueError: a key that is unknown, missing or of the wrong type; the message names it, what it
            may be, and the nearest known key.
    """
    tree = method.recipe().model_dump(mode="json")
    for layer in layers:
        tree = changed(tree, layer)
    return complete(method, tree)


def changed(tree: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's tree with a layer over it; of `images` and `epochs` the one said last is the length.

    Raises:
        ValueError: the layer says both.
    """
    if layer.get("images") is not None and layer.get("epochs") is not None:
        raise ValueError("images and epochs both say how long the run is: give one of them")
    length = {"epochs": None} if "images" in layer else {}
    return merge(tree, {**length, **layer})


def complete(method: Method, tree: Mapping[str, Any]) -> Recipe:
    """The recipe that `tree` describes, every default of its game, networks and optimizers written out."""
    if (version := tree.get("version", VERSION)) != VERSION:
        raise ValueError(
            f"this recipe is of version {version!r}, this program reads version {VERSION}; "
            "start from the method's present recipe: ganarium show METHOD"
        )
    recipe = checked(Recipe, tree, "")
    if recipe.method != method.name:
        raise ValueError(
            f"method is {recipe.method!r}, but this is the recipe of {method.name!r}; "
            "to play another method name it in the first place"
        )
    changes: dict[str, Any] = {
        "game": plain(schema(method.game), recipe.game, "game"),
        "networks": {
            role: completed_kind(table, recipe.networks.get(role, {}), f"networks.{role}")
            for role, table in method.game.roles.items()
        },
        "optimizers": {
            player: optimizers.completed(spec, f"optimizers.{player}")
            for player, spec in recipe.optimizers.items()
        },
    }
    refuse_unknown(recipe.networks, method.game.roles, "networks")
    return recipe.model_copy(update=changes)


def to_yaml(recipe: Recipe) -> str:
    """The recipe as a file that `from_yaml` reads back."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def from_yaml(text: str, where: str = "the recipe") -> dict[str, Any]:
    """The tree in a recipe file.

    Raises:
        ValueError: it is no YAML table, or has keys that look like two.
    """
    try:
        tree = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is not YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ValueError(f"{where} must be a table of keys, not {type(tree).__name__}")
    return tree
