"""Translate: samples of another kind from samples."""

import itertools
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from ganarium.data.batches import real_samples
from ganarium.data.conditions.base import index_of
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import Image
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
from ganarium.tasks.trials import Trial
from ganarium.tasks.windows import Sizes

Direction = tuple[int, int]
"""Numbers of the source and the target domain of a translation."""


class Translate(Task):
    """Translation of samples of any size into samples of another kind.

    If the data are pairs, `translate(images)` takes the input of a pair, for example a label map. If samples
    have labels or attributes, `translate(images, to)` also takes the target ones. If the data have no
    condition, it takes their samples.
    """

    name = "translate"
    description = "Translates samples."

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        if spec.condition is not None and (paired := spec.condition.modality) is not None:
            return (Input("images", spec.condition, paired.open(int(spec.condition_shape[0]))),)
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
        """Return inputs and truth of pairs; else samples, and as targets the labels of other rows."""
        if spec.condition_modality is not None:
            return Case({"images": batch.condition}, {"translations": batch.real})
        if not condition_input(spec):
            return Case({"images": real_samples(batch)})
        order = torch.from_numpy(rows.uniform("target", 1)[:, 0]).argsort()
        return Case({"images": batch.real, "to": batch.condition[order]})

    def trials(self, game: Any, spec: DataSpec) -> tuple[Trial, ...]:
        """See `Task.trials`."""
        if spec.condition is None or spec.condition_modality is None:
            return (Trial(truth=False),)
        what = "picture" if spec.modality.name == Image.name else spec.modality.name
        return (Trial(f"{spec.condition.name} to {what}"),)


class TranslateInStyle(Translate):
    """Translation of samples in a random style or in the style of another sample.

    The game's method is `translate(images, z=None, style=None)`; with `style`, `[N, C, h, w]`, the latent
    is not used. The game also has `takes_style` and `translator`, its network without the style encoder.
    Sizes are those of the data if a network of the game has `fixed_area`.
    """

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        (images,) = super().inputs(game, spec, options)
        if self._fixed(game):
            images = Input(images.name, images.kind, spec.condition_shape)
        size = (axis.lower() for axis in spec.modality.axes[1:])  # not that of the images
        style = Input("style", spec.modality, (spec.shape[0], *size), optional=True)
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
        """Return a graph with a latent and one with a style sample; without styles one graph."""
        if not game.takes_style:
            return (Variant(),)
        latents = tuple(latent.argument for latent in game.latents)
        return Variant("random-style"), Variant("reference-style", takes=("style",), omits=latents)

    def windowed_networks(self, game: Any) -> tuple[nn.Module, ...]:
        """Return the translator alone: styles are never cut into windows."""
        return (game.translator,)

    def examples(
        self, game: Any, spec: DataSpec, batch: Any, rows: Rows
    ) -> dict[str, tuple[Modality, Tensor]]:
        """Return input, output in a random style, output in the style of the truth, and truth."""
        case = self.case(game, spec, batch, rows)
        condition = spec.condition_modality
        assert condition is not None
        columns: dict[str, tuple[Modality, Tensor]] = {"input": (condition, case.inputs["images"])}
        columns["output"] = (spec.modality, self.run_case(game, spec, case)["translations"])
        if game.takes_style:
            styled = Case({**case.inputs, "style": case.truth["translations"]})
            translations = self.run_case(game, spec, styled)["translations"]
            columns["in the truth's style"] = (spec.modality, translations)
        return {**columns, "truth": (spec.modality, case.truth["translations"])}

    @staticmethod
    def _fixed(game: Any) -> bool:
        return any(getattr(module, "fixed_area", False) for module in game.modules())


class TranslateBetweenDomains(Translate):
    """Translation of samples of one domain into another.

    The game's method is `translate(images, direction)`, where `direction` is one of the game's `directions`:
    the numbers of source and target domain. The options `to` and `source` select it.
    """

    description = "Translates samples of one domain to another."

    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """See `Task.inputs`."""
        return (Input("images", spec.modality, spec.modality.open(spec.shape[0])),)

    def options(self, game: Any) -> dict[str, tuple[Any, Any]]:
        """Return `to` and `source`: names or numbers of domains; None allows any."""
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

    def reverse(self, game: Any, spec: DataSpec, options: Options) -> dict[str, Any] | None:
        """Return the opposite direction, if the game has it."""
        source, to = find_direction(game.directions, spec.classes, **options)
        return {"to": source, "source": to} if (to, source) in game.directions else None

    def case(self, game: Any, spec: DataSpec, batch: Any, rows: Rows, options: Options = NONE) -> Case:
        """Return the samples of the source domain."""
        source, _ = find_direction(game.directions, spec.classes, options.get("to"), options.get("source"))
        return Case({"images": batch.domains[source]})

    def trials(self, game: Any, spec: DataSpec) -> tuple[Trial, ...]:
        """Return one for each direction; of a class without directions, one for each pair of domains."""
        names = spec.classes
        directions = getattr(game, "directions", None) or itertools.permutations(range(len(names)), 2)
        known = tuple(directions)
        return tuple(
            Trial(
                f"{names[source]} to {names[to]}",
                {"to": names[to], "source": names[source]},
                truth=False,
                source=source,
                target=to,
                back={"to": names[source], "source": names[to]} if (to, source) in known else None,
            )
            for source, to in known
        )

    def examples(
        self, game: Any, spec: DataSpec, batch: Any, rows: Rows
    ) -> dict[str, tuple[Modality, Tensor]]:
        """Return for each direction input, output and, if there is an inverse, the reconstruction."""
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
    """Return the first direction with this source and target.

    Args:
        directions: directions of a model.
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
    requested = " ".join(
        f"{word} {names[number]}"
        for word, number in zip(("from", "to"), wanted, strict=True)
        if number is not None
    )
    raise ValueError(f"this model does not translate {requested}; it translates {known}")
