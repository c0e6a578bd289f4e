"""Trial: one way in which a task is evaluated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One way in which a task is evaluated: its outputs with these options are compared with data.

    Attributes:
        name: name of the results, for example `plain to inked`; empty for the only trial of a task.
        options: options of the task.
        generated: True if latents and conditions are the only inputs, so that there are outputs of any
            number; else the task gets samples that the data hold back from training.
        truth: True if `Task.case` may return the true outputs.
        source: number of the stream of the data from which the task gets samples.
        target: number of the stream whose samples the outputs should resemble; None for all samples.
        back: options with which the task translates outputs back to inputs; None if it does not.
    """

    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    generated: bool = False
    truth: bool = True
    source: int = 0
    target: int | None = None
    back: Mapping[str, Any] | None = None

    @property
    def is_free(self) -> bool:
        """True if outputs should be distributed as all samples of the data are."""
        return self.target is None and not self.truth

    @classmethod
    def of_variants(cls, variants: Sequence[Any]) -> tuple["Trial", ...]:
        """Return a trial for each variant of a task, with its name; a single one has no name."""
        found = [cls(each.name.replace("-", " "), each.options) for each in variants]
        return tuple(found) if len(found) > 1 else (cls(options=found[0].options if found else {}),)
