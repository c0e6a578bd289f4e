"""Recipes: everything a run needs, typed, in one value that can be read back from its YAML."""

from typing import Any, Literal

from pydantic import Field, field_validator

from ganarium.common.schema import Strict
from ganarium.data.settings import Data

VERSION = 2
"""Of the recipe's layout; a recipe of another version is refused, not guessed at."""


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
