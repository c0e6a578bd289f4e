"""Task: one thing that a trained game can do."""

import contextlib
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, ClassVar, get_type_hints

import torch
import yaml
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from ganarium.common.text import nearest
from ganarium.data.conditions.base import Condition
from ganarium.data.kinds import Kind, Shape
from ganarium.data.modalities.base import Modality
from ganarium.data.rows import Rows
from ganarium.data.spec import DataSpec
from ganarium.tasks.latents import Latent, streams
from ganarium.tasks.trials import Trial
from ganarium.tasks.windows import Sizes

Options = Mapping[str, Any]
NONE: Options = MappingProxyType({})

RESERVED = frozenset(
    "seed count batch_size device out window overlap grid palette precision derive".split()  # noqa: SIM905
)
"""Names that inputs and options of a task may not have, because callers use them."""


@dataclass(frozen=True)
class Input:
    """Tensor that a task takes: an argument of the game's method.

    Attributes:
        name: name of the argument.
        kind: meaning of the values.
        shape: axes of one value.
        optional: True if the method works without it; a missing value is then neither sampled nor parsed.
    """

    name: str
    kind: Kind
    shape: Shape
    optional: bool = False

    @property
    def modality(self) -> Modality | None:
        """Modality of the values; None if they are not samples."""
        if isinstance(self.kind, Condition):
            return self.kind.modality
        return self.kind if isinstance(self.kind, Modality) else None

    @property
    def is_latent(self) -> bool:
        """True if missing values are sampled at random."""
        return isinstance(self.kind, Latent)


@dataclass(frozen=True)
class Output:
    """Tensor that a task returns. Its batch size is that of the inputs, or a multiple of it.

    Attributes:
        name: name in results and exported files.
        kind: meaning of the values.
        shape: axes of one value.
    """

    name: str
    kind: Kind
    shape: Shape

    @property
    def modality(self) -> Modality | None:
        """Modality of the values; None if they are not samples."""
        return self.kind if isinstance(self.kind, Modality) else None


@dataclass(frozen=True)
class Variant:
    """Separate graph of a task: one direction of a translator, a random or a given style.

    Attributes:
        name: name of the exported file, if it is not the task's; a slug.
        options: fixed options.
        takes: optional inputs that the graph has.
        omits: inputs that the graph does not have.
    """

    name: str = ""
    options: Options = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    omits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """Batch of the data as inputs and truth of a task.

    Attributes:
        inputs: inputs by name.
        truth: true outputs by name, if they are known.
    """

    inputs: dict[str, Tensor]
    truth: dict[str, Tensor] = field(default_factory=dict)


class Task(ABC):
    """One thing that a trained game can do.

    A game lists its tasks in `Game.tasks` and has a method with the name of each task. The method takes the
    inputs by name and returns a tensor, or a tuple in the order of `outputs`. Its keyword-only parameters are
    the options of the task: typed, checked, `key=value` on the command line. Options of type float become
    inputs of an exported graph, so the method may not branch on them.

    Your own task sets `name` and `description`, and defines `inputs` and `outputs`.

    Attributes:
        name: verb, and name of the game's method.
        description: sentence for model cards.
        gradients: True if the method computes gradients itself (a projection).
        exported: False if the method is not a graph of tensors (a vocoder, a projection).
        evaluated: False if its results are not compared with data.
    """

    name: ClassVar[str]
    description: ClassVar[str] = ""
    gradients: ClassVar[bool] = False
    exported: ClassVar[bool] = True
    evaluated: ClassVar[bool] = True

    @abstractmethod
    def inputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Input, ...]:
        """Return the inputs of the task with these options."""

    @abstractmethod
    def outputs(self, game: Any, spec: DataSpec, options: Options) -> tuple[Output, ...]:
        """Return the outputs of the task with these options."""

    def sizes(self, game: Any, spec: DataSpec, options: Options = NONE) -> Sizes:
        """Return the sizes of inputs and outputs along the windowed axes.

        By default inputs are multiples of the attribute `multiple` of all modules of a saved model; outputs
        are scaled by the game's option or attribute `scale`.
        """
        networks = [game.get_submodule(name) for name in game.saved_networks]
        multiples = [int(getattr(module, "multiple", 1)) for net in networks for module in net.modules()]
        scale: Any = options.get("scale") or getattr(game, "scale", 1)
        return Sizes(multiple=math.lcm(*multiples), scale=Fraction(scale))

    def variants(self, game: Any, spec: DataSpec) -> tuple[Variant, ...]:
        """Return the graphs that an export writes."""
        return (Variant(),)

    def windowed_networks(self, game: Any) -> tuple[nn.Module, ...]:
        """Return the networks that run on windows of a large sample, and share their statistics."""
        return tuple(game.get_submodule(name) for name in game.saved_networks)

    def reverse(self, game: Any, spec: DataSpec, options: Options) -> dict[str, Any] | None:
        """Return options with which the task makes an input of its output again; None if it cannot."""
        return None

    def case(self, game: Any, spec: DataSpec, batch: Any, rows: Rows, options: Options = NONE) -> Case:
        """Return a batch of the data as inputs and truth, for grids during training and for evaluation.

        Args:
            game: the game.
            spec: specification of the data.
            batch: batch that the game receives.
            rows: rows of the batch.
            options: options of a variant; each direction of a translator has its own inputs.
        """
        if spec.condition is None or not spec.condition.is_input:
            return Case({})
        values = spec.condition.values(batch, len(rows))
        return Case({} if values is None else {"condition": values})

    def options(self, game: Any) -> dict[str, tuple[Any, Any]]:
        """Return type and default of each option."""
        method = inspect.unwrap(getattr(type(game), self.name))
        hints = get_type_hints(method)
        return {
            name: (hints.get(name, Any), p.default)
            for name, p in inspect.signature(method).parameters.items()
            if p.kind is p.KEYWORD_ONLY
        }

    def checked(self, game: Any, given: Options) -> dict[str, Any]:
        """Return all options, converted to their types. Text is parsed as YAML, `a,b` as a list.

        Raises:
            ValueError: an option is unknown, missing or of another type.
        """
        known = self.options(game)
        if unknown := [name for name in given if name not in known]:
            raise ValueError(
                f"{self.name} has no option {unknown[0]!r}{nearest(unknown[0], known)}; "
                f"it has {', '.join(known) or 'none'}"
            )
        values = {}
        for name, (kind, default) in known.items():
            if name in given:
                values[name] = _typed(name, kind, given[name])
            elif default is inspect.Parameter.empty:
                raise ValueError(f"{self.name} needs {name}=...")
            else:
                values[name] = default
        return values

    def call(
        self, game: Any, spec: DataSpec, inputs: Mapping[str, Tensor], options: Options
    ) -> dict[str, Tensor]:
        """Return the outputs by name, as valid values. Exported graphs are traced from this method."""
        return self.finished(game, spec, self.call_method(game, spec, inputs, options), options)

    def call_method(self, game: Any, spec: DataSpec, inputs: Mapping[str, Tensor], options: Options) -> Any:
        """Call the game's method; return its result, whose values may exceed the range of their kind."""
        return getattr(game, self.name)(**inputs, **options)

    def finished(self, game: Any, spec: DataSpec, result: Any, options: Options) -> dict[str, Tensor]:
        """Return the result of the game's method as valid values of each output's kind, by name."""
        outputs = self.outputs(game, spec, options)
        values = result if isinstance(result, tuple) else (result,)
        return {output.name: output.kind.finish(value) for output, value in zip(outputs, values, strict=True)}

    def run(
        self, game: Any, spec: DataSpec, inputs: Mapping[str, Tensor], options: Options
    ) -> dict[str, Tensor]:
        """Run the task on tensors of the game's device, with checked options."""
        with torch.set_grad_enabled(self.gradients):
            outputs = self.call(game, spec, inputs, options)
        return {name: value.detach() for name, value in outputs.items()}

    def run_case(
        self, game: Any, spec: DataSpec, case: Case, options: Options = NONE, *, seed: int = 0
    ) -> dict[str, Tensor]:
        """Run the task on a case; latents are sampled with the seed, missing conditions have defaults."""
        options = self.checked(game, options)
        inputs = self.inputs(game, spec, options)
        given = dict(case.inputs)
        count = max(map(len, given.values()), default=1)
        given |= draw_latents(inputs, count, seed, given)
        for each in inputs:
            if each.name not in given and not each.optional:
                given[each.name] = each.kind.parse(None, count)
        device = device_of(game)
        return self.run(game, spec, {name: value.to(device) for name, value in given.items()}, options)

    def examples(
        self, game: Any, spec: DataSpec, batch: Any, rows: Rows
    ) -> dict[str, tuple[Modality, Tensor]]:
        """Return the columns of a grid during training: inputs and outputs that are samples, and the truth.

        Each column has a name, the modality of its values, and as many samples as the batch has rows.
        """
        columns: dict[str, tuple[Modality, Tensor]] = {}
        for variant in self.variants(game, spec):
            suffix = f" ({variant.name})" if variant.name else ""
            options = self.checked(game, variant.options)
            case = self.case(game, spec, batch, rows, options)
            case = Case({k: v for k, v in case.inputs.items() if k not in variant.omits}, case.truth)
            for each in self.inputs(game, spec, options):
                if each.modality is not None and each.name in case.inputs:
                    columns.setdefault(each.name + suffix, (each.modality, case.inputs[each.name]))
            outputs = self.run_case(game, spec, case, variant.options)
            for output in self.outputs(game, spec, options):
                if output.modality is not None:
                    columns[output.name + suffix] = (output.modality, outputs[output.name])
                    if output.name in case.truth:
                        columns["truth"] = (output.modality, case.truth[output.name])
        return columns

    def grid_rows(self, spec: DataSpec) -> int:
        """Return the number of samples of the data for a grid during training."""
        return 8

    def comparison(self, game: Any, spec: DataSpec, batch: Any) -> Case | None:
        """Return inputs for outputs whose statistics are compared with those of the data during training.

        None if the distribution of the outputs is not that of the data.
        """
        return None

    def trials(self, game: Any, spec: DataSpec) -> tuple[Trial, ...]:
        """Return the ways in which the task is evaluated; `game` is its class before it is built."""
        variants = () if isinstance(game, type) else self.variants(game, spec)
        return Trial.of_variants([each for each in variants if not each.takes])

    def graph(self, game: nn.Module, spec: DataSpec, variant: Variant) -> "Graph":
        """Return a variant as a module from tensors to tensors, from which an exported file is traced."""
        options = self.checked(game, variant.options)
        floats = [
            name
            for name, (kind, _) in self.options(game).items()
            if kind is float and name not in variant.options
        ]
        inputs = [
            each
            for each in self.inputs(game, spec, options)
            if (not each.optional or each.name in variant.takes) and each.name not in variant.omits
        ]
        return Graph(self, game, spec, options, inputs, floats)


class Graph(nn.Module):
    """Variant of a task as a module of its inputs, in order, and of its float options as scalar tensors."""

    def __init__(
        self,
        task: Task,
        game: nn.Module,
        spec: DataSpec,
        options: dict[str, Any],
        inputs: list[Input],
        floats: list[str],
    ):
        super().__init__()
        self.game, self.spec, self.task = game, spec, task
        self.options, self.inputs, self.floats = options, inputs, floats

    @property
    def names(self) -> list[str]:
        """Names of the tensors that `forward` takes, in order."""
        return [each.name for each in self.inputs] + self.floats

    def outputs(self) -> tuple[Output, ...]:
        """Return the outputs of `forward`, in order."""
        return self.task.outputs(self.game, self.spec, self.options)

    def draw(self, count: int, size: tuple[int, ...], generator: torch.Generator) -> dict[str, Tensor]:
        """Return random inputs; axes of variable length get the lengths of `size` in order."""
        values = {}
        for each in self.inputs:
            lengths = iter(size)
            shape = [axis if isinstance(axis, int) else next(lengths) for axis in each.shape]
            values[each.name] = each.kind.draw(count, shape, generator)
        return values | {name: torch.tensor(float(self.options[name])) for name in self.floats}

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in order."""
        given = dict(zip(self.names, values, strict=True))
        options = {**self.options, **{name: given.pop(name) for name in self.floats}}
        return tuple(self.task.call(self.game, self.spec, given, options).values())


def draw_latents(
    inputs: tuple[Input, ...], count: int, seed: int, given: Mapping[str, Any] = NONE
) -> dict[str, Tensor]:
    """Return values of the latents among the inputs that are not given, `[count, ...]` each."""
    latents = [each.kind for each in inputs if isinstance(each.kind, Latent)]
    generators = streams(latents, seed)
    return {
        each.name: each.kind.draw(count, [int(axis) for axis in each.shape], generators[each.name])
        for each in inputs
        if isinstance(each.kind, Latent) and each.name not in given
    }


def condition_input(spec: DataSpec, name: str = "condition", *, optional: bool = False) -> tuple[Input, ...]:
    """Return the data's condition as an input; nothing if games receive no condition."""
    if spec.condition is None or not spec.condition.is_input:
        return ()
    return (Input(name, spec.condition, spec.condition.shape(), optional),)


def latent_inputs(game: Any) -> tuple[Input, ...]:
    """Return the game's latents as inputs."""
    return tuple(Input(latent.argument, latent, latent.size) for latent in game.latents)


def device_of(game: nn.Module) -> torch.device:
    """Return the device of a game."""
    return next(game.parameters()).device


def _typed(name: str, kind: Any, value: Any) -> Any:
    tries = [value]
    if isinstance(value, str):
        with contextlib.suppress(yaml.YAMLError):
            tries.append(yaml.safe_load(value))
        tries.append([part.strip() for part in value.split(",")])
    errors = []
    for each in tries:
        try:
            return TypeAdapter(kind).validate_python(each)
        except ValidationError as error:
            errors.append(error.errors()[0]["msg"])
    raise ValueError(f"{name}={value!r}: {errors[0]}")
