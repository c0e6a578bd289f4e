"""Translate: samples to samples of another kind."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from ganarium.data.conditions.base import index_of
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
    Variant,
    condition_input,
    latent_inputs,
)
from ganarium.tasks.windows import Sizes

Direction = tuple[int, int]
"""Numbers of the domains that a translation leads from and to."""


class Translate(Task):
    """Samples of any size to samples of another kind.

    Where the data are pairs, `translate(images)` takes the other sample of a pair, a label map say. Where
    samples come with labels or attributes, `translate(images, to)` gets those that the samples are to have.
    """

    name = "translate"
    description = "Translates samples."

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        if spec.condition is not None and (paired := spec.condition.modality) is not None:
            return (Input("images", paired, paired.open(int(spec.condition_shape[0]))),)
        modality = spec.modality
        return (Input("images", modality, modality.open(spec.shape[0])), *condition_input(spec, "to"))

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        axes = tuple(f"{axis}'" for axis in spec.modality.axes[1:])
        scaled = self.sizes(game, spec, options).scale != Fraction(1)
        return (
            Output(
                "translations",
                spec.modality,
                (spec.shape[0], *axes) if scaled else spec.modality.open(spec.shape[0]),
            ),
        )

    def case(self, game: Any, spec: DataSpec, batch: Any, rows: Rows, options: Options = NONE) -> Case:
        """Return pairs as input and truth; with targets, samples and the targets of other rows."""
        if spec.condition is not None and spec.condition.modality is not None:
            return Case({"images": batch.condition}, {"translations": batch.real})
        order = torch.from_numpy(rows.uniform("target", 1)[:, 0]).argsort()
        return Case({"images": batch.real, "to": batch.condition[order]})


class TranslateInStyle(Translate):
    """Samples to samples in a style, which is drawn or taken from a sample.

    The game's method is `translate(images, z=None, style=None)`; with `style`, `[N, C, h, w]`, the latent
    is not used. Sizes are those of training where a network of the game has `fixed_area`.
    """

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        (images,) = super().inputs(game, spec, options)
        if self._fixed(game):
            images = Input(images.name, images.kind, spec.condition_shape)
        style = Input("style", spec.modality, spec.modality.open(spec.shape[0]), optional=True)
        return (images, *latent_inputs(game), *([style] if game.takes_style else []))

    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """See `Task.outputs`."""
        (output,) = super().outputs(game, spec, options)
        return (Output(output.name, output.kind, spec.shape),) if self._fixed(game) else (output,)

    def sizes(self, game: Any, spec: DataSpec, options: Options = NONE) -> Sizes:
        """See `Task.sizes`."""
        sizes = super().sizes(game, spec, options)
        fixed = tuple(spec.shape[1:]) if self._fixed(game) else None
        return Sizes(sizes.multiple, sizes.least, sizes.scale, fixed)

    def variants(self, game: Any, spec: DataSpec) -> tuple[Variant, ...]:
        """Return a graph that takes the latent and one that takes a style sample; one graph without
        styles.
        """
        if not game.takes_style:
            return (Variant(),)
        latents = tuple(latent.argument for latent in game.latents)
        return Variant("random-style"), Variant("reference-style", takes=("style",), omits=latents)

    def examples(
        self, game: Any, spec: DataSpec, batch: Any, rows: Rows
    ) -> dict[str, tuple[Modality, Tensor]]:
        """Return input, output in a style that is drawn, output in the style of the truth, and truth."""
        case = self.case(game, spec, batch, rows)
        condition = spec.condition_modality
        assert condition is not None
        columns: dict[str, tuple[Modality, Tensor]] = {"input": (condition, case.inputs["images"])}
        columns["output"] = (spec.modality, self.run_case(game, spec, case)["translations"])
        if game.takes_style:
            styled = Case({**case.inputs, "style": case.truth["translations"]})
            made = self.run_case(game, spec, styled)["translations"]
            columns["in the truth's style"] = (spec.modality, made)
        return {**columns, "truth": (spec.modality, case.truth["translations"])}

    @staticmethod
    def _fixed(game: Any) -> bool:
        return any(getattr(module, "fixed_area", False) for module in game.modules())


class TranslateBetweenDomains(Translate):
    """Samples of one domain to samples of another.

    The game's method is `translate(images, direction)` with a direction of `Game.directions`: numbers of
    the domain
    that samples are from and of the domain that they are translated to. Options name both: `to`, `source`.
    """

    description = "Translates samples of one domain to another."

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        return (Input("images", spec.modality, spec.modality.open(spec.shape[0])),)

    def options(self, game: Any) -> dict[str, tuple[Any, Any]]:
        """Return `to` and `source`: domains by name or number, any if None; the first direction that fits
        is taken.
        """
        return {"to": (str | int | None, None), "source": (str | int | None, None)}

    def call_method(self, game: Any, spec: DataSpec, inputs: Mapping[str, Tensor], options: Options) -> Any:
        """See `Task.call_method`."""
        return game.translate(inputs["images"], find_direction(game.directions, spec.classes, **options))

    def variants(self, game: Any, spec: DataSpec) -> tuple[Variant, ...]:
        """Return a graph for each direction."""
        names = spec.classes
        return tuple(
            Variant(
                re.sub(r"[^\w.+-]+", "_", f"{names[source]}-to-{names[to]}"),
                {"to": names[to], "source": names[source]},
            )
            for source, to in game.directions
        )

    def case(self, game: Any, spec: DataSpec, batch: Any, rows: Rows, options: Options = NONE) -> Case:
        """Return samples of the domain that the options translate from."""
        source, _ = find_direction(game.directions, spec.classes, options.get("to"), options.get("source"))
        return Case({"images": batch.domains[source]})

    def examples(
        self, game: Any, spec: DataSpec, batch: Any, rows: Rows
    ) -> dict[str, tuple[Modality, Tensor]]:
        """Return for each direction input, output and, if there is a way back, the reconstruction."""
        columns: dict[str, tuple[Modality, Tensor]] = {}
        device = next(game.parameters()).device
        with torch.no_grad():
            for source, to in game.directions:
                real = batch.domains[source].to(device)
                fake = spec.modality.finish(game.translate(real, (source, to)))
                columns |= {f"{source}": (spec.modality, real), f"{source} as {to}": (spec.modality, fake)}
                if (to, source) in game.directions:
                    back = spec.modality.finish(game.translate(fake, (to, source)))
                    columns[f"{source} again"] = (spec.modality, back)
        return columns


def find_direction(
    directions: Sequence[Direction],
    names: Sequence[str],
    to: str | int | None = None,
    source: str | int | None = None,
) -> Direction:
    """Return the first of the directions that fits.

    Args:
        directions: numbers of source and target.
        names: names of the domains.
        to: name or number of the target; any if None.
        source: name or number of the source; any if None.

    Raises:
        ValueError: no direction fits.
    """
    wanted = (
        None if source is None else index_of(source, names, "domain"),
        None if to is None else index_of(to, names, "domain"),
    )
    for direction in directions:
        if all(want in (None, have) for want, have in zip(wanted, direction, strict=True)):
            return direction
    known = ", ".join(f"{names[a]} to {names[b]}" for a, b in directions)
    asked = " ".join(
        f"{word} {names[number]}"
        for word, number in zip(("from", "to"), wanted, strict=True)
        if number is not None
    )
    raise ValueError(f"this model does not translate {asked}; it translates {known}")
