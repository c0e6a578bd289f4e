"""Recipe: everything that a run needs, typed, in one value that can be written as YAML and read back."""

from typing import Any, Literal

from pydantic import Field, field_validator

from ganarium.common.schema import Strict
from ganarium.data.settings import Data

VERSION = 2
"""Version of the recipe's keys; a recipe of another version is rejected."""


class Average(Strict):
    """A player's running average."""

    half_life_kimg: float = Field(gt=0)
    """Half-life of past weights, in thousands of images."""
    ramp_up: float | None = Field(0.05, gt=0)
    """The half-life is at most this share of the images shown so far."""


class Every(Strict):
    """Intervals of logs, sample grids and checkpoints, in images."""

    log: int | None = Field(None, gt=0)
    """Interval of lines in `log.jsonl`; by default a two-hundredth of the run."""
    samples: int | None = Field(None, gt=0)
    """Interval of sample grids; by default a twentieth of the run."""
    checkpoint: int | None = Field(None, gt=0)
    """Interval of checkpoints; by default a twentieth of the run."""


class Evaluate(Strict):
    """Evaluation during training, as by `ganarium evaluate`; the best model is saved."""

    every: int | None = Field(None, gt=0)
    """Interval of evaluations, in images; the last one is at the end. By default there is none."""
    features: str | None = None
    """File of a pretrained network for metrics of images; points and the built-in world need none."""
    metrics: tuple[str, ...] = ()
    """Metrics, such as `[fid, kid]`; by default a few quick ones."""
    count: int = Field(1000, gt=1)
    """Number of samples that are evaluated."""
    best: str | None = None
    """Metric that selects the best model; by default the first of `metrics`."""

    @field_validator("metrics", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Split `fid,kid` into a list."""
        return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


class Recipe(Strict):
    """Everything that a run needs. Lengths are in images shown to the discriminator, over all processes."""

    version: int = VERSION
    method: str
    images: int = Field(gt=0)
    """Length of the run."""
    epochs: float | None = Field(None, gt=0)
    """Length in passes over the data, in place of `images`; converted when the data are opened."""
    batch_size: int = Field(64, gt=0)
    """Number of samples in a batch, over all processes and micro-batches."""
    accumulate: int = Field(1, gt=0)
    """Number of micro-batches that a batch is split into, to save memory."""
    seed: int = Field(0, ge=0)
    device: str = "auto"
    """Name of a device; `auto` selects the first available of cuda, mps and cpu."""
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    """Compile the networks with torch.compile."""
    deterministic: bool = True
    """Use deterministic kernels on a GPU, so that a resumed run equals an uninterrupted one.

    False may be some percent faster. A CPU is always deterministic.
    """
    sync_batch_norm: bool = False
    """Compute batch statistics over all processes, not in each one separately."""
    game: dict[str, Any] = {}
    networks: dict[str, dict[str, Any]] = {}
    optimizers: dict[str, dict[str, Any]]
    averages: dict[str, Average] = {}
    data: Data = Data()
    every: Every = Every()
    evaluate: Evaluate = Evaluate()
    keep_checkpoints: int = Field(3, gt=0)
    """Number of checkpoints that are kept, the newest."""
    tensorboard: bool = False
    """Write event files for TensorBoard as well (needs `ganarium[tensorboard]`)."""
