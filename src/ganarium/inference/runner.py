"""Runner of a task on samples of any size, whole or window by window."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganarium.common.text import nearest
from ganarium.core.devices import PRECISIONS
from ganarium.models.model import Model, TaskCall
from ganarium.networks.layers.norms import shared_statistics
from ganarium.tasks.base import Input, Options, draw_latents
from ganarium.tasks.windows import TILE, in_windows, plan

WHOLE = 1_500_000
"""Number of places (pixels) above which a sample is cut into windows by default; also the most of a batch."""
WEIGHTS_PER_PLACE = 192
"""Weights of a network for each place of a batch on a CPU.

A batch shares the reading of the weights, but maps of many places do not fit into the caches. ResNet-9 and
U-Net-256 are about the fastest with this number.
"""

Values = Callable[[Tensor], Tensor]
"""Function that makes values `[N, C, ...]` of stored levels."""


class TaskRunner:
    """Task of a model with what is the same for all samples: options, words, latents and precision.

    Args:
        model: the model.
        call: task, options and words; words of inputs that are samples are files, which are given to `run`.
        count: number of samples.
        seed: seed of the latents, which are the same for all samples; 0 if None.
        precision: name in `ganarium.core.devices.PRECISIONS`.

    Attributes:
        outputs: outputs of the task.
        reverse: options with which the task makes an input of its output again; None if it cannot.

    Raises:
        ValueError: a word is not known, the seed has no effect, or there is no such precision.
    """

    def __init__(self, model: Model, call: TaskCall, count: int, *, seed: int | None, precision: str):
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise ValueError(f"--precision {precision}: choose from {known}{nearest(precision, PRECISIONS)}")
        self.model, self.precision = model, PRECISIONS[precision]
        self.task, self.options, inputs, words = call
        replaced = [
            each
            for each in self.task.variants(model.game, model.spec)
            if each.takes and all(name in words for name in each.takes)
        ]
        omitted = {name for each in replaced for name in each.omits}
        self._latents = tuple(each for each in inputs if each.is_latent and each.name not in omitted)
        if seed is not None and not self._latents:
            taken = ", ".join(name for each in replaced for name in each.takes)
            why = f"{taken} is given" if taken else "the output depends on the inputs only"
            raise ValueError(
                f"--seed {seed} has no effect on this {model.provenance.what} model: {why}; leave it out"
            )
        self._seed = seed or 0
        self._words = {
            each.name: each.kind.parse(words.get(each.name), count)
            for each in inputs
            if each.modality is None and (each.name in words or not (each.is_latent or each.optional))
        }
        self.outputs = self.task.outputs(model.game, model.spec, self.options)
        self.sizes = self.task.sizes(model.game, model.spec, self.options)
        self.reverse = self.task.reverse(model.game, model.spec, self.options)
        self.networks = nn.ModuleList(self.task.windowed_networks(model.game))

    @property
    def places_at_once(self) -> float:
        """Number of places of a batch above which it would be slower."""
        if self.model.device.type != "cpu":
            return math.inf
        weights = max(sum(each.numel() for each in part.parameters()) for part in self.networks)
        return weights / WEIGHTS_PER_PLACE

    def needs_windows(self, lengths: Sequence[int], window: int | None, overlap: int) -> bool:
        """Return True if a sample of these lengths is cut into windows, or padded to the least length.

        Args:
            lengths: lengths along the windowed axes.
            window: length of the windows, 0 for none; if None, `TILE` for more than `WHOLE` places.
            overlap: overlap of the windows.

        Raises:
            ValueError: the task takes samples of another size only, or its outputs cannot be joined.
        """
        multiples = self.sizes.along(len(lengths))
        fixed = self.sizes.fixed
        joins = all(
            each.modality is not None and len(each.modality.windowed) == len(lengths) for each in self.outputs
        )
        if window is None:
            cut = math.prod(lengths) > WHOLE and fixed is None and joins
        else:
            cut = 0 < window < max(lengths, default=0)
        if cut and not joins:
            names = ", ".join(each.name for each in self.outputs)
            raise ValueError(f"{names} of {self.task.name} cannot be joined from windows; set --window 0")
        if fixed is not None:
            steps = [multiple for multiple, _, _ in multiples]
            run = [
                plan(n, window or TILE, overlap, m)[1] if cut else n
                for n, m in zip(lengths, steps, strict=True)
            ]
            if any(-n // m != -want // m for n, want, m in zip(run, fixed, steps, strict=True)):
                what = f"this {self.model.provenance.what} model"
                raise ValueError(f"it is {_by(lengths)}, but {what} takes {_by(fixed)} only: resize it")
        return cut or (joins and any(n < least for n, (_, least, _) in zip(lengths, multiples, strict=True)))

    def run(self, samples: Mapping[str, Tensor], numbers: Sequence[int]) -> dict[str, Tensor]:
        """Return the outputs by name, on the CPU.

        Args:
            samples: values of the inputs that are samples, `[N, C, ...]`, or `[1, C, ...]` for all.
            numbers: numbers of the samples among all, `[N]`.

        Raises:
            ValueError: there are more outputs than inputs.
        """
        return self._run(samples, numbers, self.options)

    def run_reversed(self, samples: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
        """Return the inputs that the task makes again of outputs; see `reverse`."""
        return self._run(samples, [number], self.reverse or self.options)

    def run_in_windows(
        self,
        inputs: Mapping[str, tuple[Tensor, Values]],
        whole: Mapping[str, Tensor],
        number: int,
        *,
        window: int,
        overlap: int,
        progress: Callable[[float], object],
    ) -> dict[str, Tensor]:
        """Return the outputs `[1, C, ...]` of one sample, made window by window.

        Args:
            inputs: stored levels `[C, ...]` of the inputs that are cut, and what makes values of them.
            whole: values `[1, ...]` of the inputs that are not cut.
            number: number of the sample.
            window: length of a window.
            overlap: least overlap of two windows.
            progress: called with the share of the sample that is done.
        """
        names = list(inputs)
        first = next(each for each in self.outputs if each.modality is not None)
        assert first.modality is not None
        axes, made = len(first.modality.windowed), {}
        for done, output in enumerate(self.outputs):

            def run(*levels: Tensor, wanted: str = output.name) -> Tensor:
                values = {name: inputs[name][1](each) for name, each in zip(names, levels, strict=True)}
                return self.run({**values, **whole}, [number] * len(levels[0]))[wanted]

            def tell(share: float, before: int = done) -> None:
                progress((before + share) / len(self.outputs))

            made[output.name] = in_windows(
                run,
                [levels for levels, _ in inputs.values()],
                self.sizes,
                axes=axes,
                window=window,
                overlap=overlap,
                shared=partial(shared_statistics, self.networks),
                progress=tell,
            )[None]
        return made

    def _run(
        self, samples: Mapping[str, Tensor], numbers: Sequence[int], options: Options
    ) -> dict[str, Tensor]:
        count, model = len(numbers), self.model
        words = {name: rows[numbers if len(rows) > 1 else [0] * count] for name, rows in self._words.items()}
        given = {**samples, **words}
        latents = draw_latents(self._sized(samples), 1, self._seed, given)
        values = {
            name: (each.expand(count, *each.shape[1:]) if len(each) == 1 else each).to(model.device)
            for name, each in {**given, **latents}.items()
        }
        lower = self.precision != torch.float32
        with torch.autocast(model.device.type, self.precision, enabled=lower):
            made = self.task.run(model.game, model.spec, values, options)
        if wrong := [name for name, value in made.items() if len(value) != count]:
            raise ValueError(
                f"{self.task.name} gives {len(made[wrong[0]])} {wrong[0]} for {count} samples, not one each"
            )
        return {name: value.cpu() for name, value in made.items()}

    def _sized(self, samples: Mapping[str, Tensor]) -> tuple[Input, ...]:
        """Return the latents with the lengths of the samples in place of the names of axes."""
        inputs = {
            each.name: each for each in self.task.inputs(self.model.game, self.model.spec, self.options)
        }
        lengths: dict[Any, int] = {}
        for name, value in samples.items():
            lengths |= dict(zip(inputs[name].shape, value.shape[1:], strict=True))
        return tuple(
            replace(
                each,
                shape=tuple(
                    lengths.get(axis, axis) if isinstance(axis, str) else axis for axis in each.shape
                ),
            )
            for each in self._latents
        )


def _by(lengths: Sequence[int]) -> str:
    return "x".join(map(str, lengths))
