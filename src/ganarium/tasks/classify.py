"""Classify: probabilities of the classes of samples."""

from typing import Any

from ganarium.data.batches import real_samples
from ganarium.data.kinds import Vector
from ganarium.data.rows import Rows
from ganarium.data.spec import DataSpec
from ganarium.tasks.base import NONE, Case, Input, Options, Output, Task


class Classify(Task):
    """Probabilities of the data's classes, of samples with the shape of the data: `classify(images)`."""

    name = "classify"
    description = "Names the class of a sample."
    evaluated = False

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        return (Input("images", spec.modality, spec.shape),)

    def case(self, game: Any, spec: DataSpec, batch: Any, rows: Rows, options: Options = NONE) -> Case:
        """Return the samples of the batch."""
        return Case({"images": real_samples(batch)})

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        return (Output("probabilities", Vector(spec.classes), (len(spec.classes),)),)
