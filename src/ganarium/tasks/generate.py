"""Generate: samples from random latents and a condition."""

from typing import Any

from torch import Tensor

from ganarium.data.modalities.base import Modality
from ganarium.data.rows import Rows
from ganarium.data.spec import DataSpec
from ganarium.tasks.base import (
    NONE,
    Case,
    Input,
    Options,
    Output,
    Task,
    condition_input,
    draw_latents,
    latent_inputs,
)
from ganarium.tasks.trials import Trial


class Generate(Task):
    """Samples from random latents, and from a condition if the data have one.

    The game's method is `generate(z, condition=None)`, with one argument for each of `Game.latents`.
    """

    name = "generate"
    description = "Generates samples from random latents."

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        return (*latent_inputs(game), *condition_input(spec))

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        return (Output("samples", spec.modality, spec.shape),)

    def trials(self, game: Any, spec: DataSpec) -> tuple[Trial, ...]:
        """See `Task.trials`."""
        return (Trial(generated=True, truth=False),)

    def grid_rows(self, spec: DataSpec) -> int:
        """See `Task.grid_rows`."""
        return spec.modality.grid_count

    def comparison(self, game: Any, spec: DataSpec, batch: Any) -> Case | None:
        """See `Task.comparison`."""
        return self.grid_case(game, spec, batch, spec.modality.grid_count)

    def grid_case(self, game: Any, spec: DataSpec, batch: Any, count: int) -> Case:
        """Return fixed latents and conditions for a grid of samples.

        Conditions are those of a batch, repeated; domains alternate with the same latents.
        """
        latents = draw_latents(self.inputs(game, spec, NONE), count, 0)
        values = dict(latents)
        if spec.condition is not None and spec.condition.is_input:
            conditions = spec.condition.values(batch, count)
            if conditions is not None:
                values["condition"] = conditions
            if spec.condition.separate:
                repeats = len(spec.classes)
                for name, value in latents.items():
                    values[name] = value.repeat_interleave(repeats, 0)[:count]
        return Case(values)

    def examples(
        self, game: Any, spec: DataSpec, batch: Any, rows: Rows
    ) -> dict[str, tuple[Modality, Tensor]]:
        """Return one column: samples for fixed latents and conditions."""
        outputs = self.run_case(game, spec, self.grid_case(game, spec, batch, spec.modality.grid_count))
        return {"samples": (spec.modality, outputs["samples"])}
