"""Traverse: samples along which one code of the generator changes."""

from typing import Any

from ganarium.data.spec import DataSpec
from ganarium.tasks.base import Input, Options, Output, Task, latent_inputs


class Traverse(Task):
    """Rows of samples, along each of which only one code changes.

    The game's method is `traverse(z, ..., *, code=None, steps=10)`; it returns `steps` samples for each
    row of `z`.
    """

    name = "traverse"
    description = "Varies one code of the generator at a time."
    exported = evaluated = False

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        return latent_inputs(game)

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        return (Output("samples", spec.modality, spec.shape),)
