"""State of a run in training, shared by its stages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ganarium.data.spec import DataSpec
from ganarium.evaluation.during_training import Best, Evaluation
from ganarium.monitoring.log import Log
from ganarium.monitoring.tensorboard import Board
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.training.checkpoint import Checkpoints
from ganarium.training.signals import StopRequest


@dataclass
class RunState:
    """State of a run in training, shared by its stages.

    Attributes:
        folder: the run's folder.
        method: method that is trained.
        recipe: recipe of the run.
        spec: specification of the run's data.
        samples: number of the run's samples.
        device: device of the networks.
        log: log of the run.
        checkpoints: checkpoints of the run.
        notify: receives messages for the user.
        evaluation: evaluation during training, if the recipe asks for it.
        board: TensorBoard writer, if the recipe asks for it.
        best: best model so far.
        stop: request to stop.
    """

    folder: Path
    method: Method
    recipe: Recipe
    spec: DataSpec
    samples: int
    device: torch.device
    log: Log
    checkpoints: Checkpoints
    notify: Callable[[str], None]
    evaluation: Evaluation | None = None
    board: Board | None = None
    best: Best | None = None
    stop: StopRequest = field(default_factory=StopRequest)
