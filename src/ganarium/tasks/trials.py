"""Trials: ways in which a task is evaluated beside data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One way in which a task is evaluated: the task with these options, its outputs beside data.

    A trial that is not `generated` is given samples that the data hold back from training, where they do.

    Attributes:
        name: name of its results, `plain to inked` say; empty if the task has this trial alone and its
            results need no name.
        options: options of the task.
        generated: True if outputs are made of latents and conditions, so that there are any number of them.
        truth: True if `Task.case` may know what should come out.
        source: number of the data's stream whose samples are given to the task.
        target: number of the stream that outputs should resemble; None for all samples of the data.
        back: options with which outputs are given to the task again and become the inputs; None if that
            is not possible.
    """

    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    generated: bool = False
    truth: bool = True
    source: int = 0
    target: int | None = None
    back: Mapping[str, Any] | None = None
