"""Classify: samples to probabilities of classes."""

from typing import Any

from ganarium.data.kinds import Vector
from ganarium.data.spec import DataSpec
from ganarium.tasks.base import Input, Options, Output, Task


class Classify(Task):
    """Samples of the shape of training to probabilities of the data's classes: `classify(images)`."""

    name = "classify"
    description = "Names the class of a sample."
    evaluated = False

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        return (Input("images", spec.modality, spec.shape),)

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        return (Output("probabilities", Vector(spec.classes), (len(spec.classes),)),)
