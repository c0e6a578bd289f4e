"""Variants of a task as ONNX files, compared with PyTorch."""

import contextlib
import copy
import importlib
import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from ganarium.data.kinds import Shape
from ganarium.models.model import Model
from ganarium.tasks.base import Graph, Task, Variant
from ganarium.tasks.windows import Sizes

TOLERANCE = 1e-3
"""Largest difference of an output from PyTorch's, as a share of PyTorch's largest value."""
TRACED = (2, 0, 1.0)
"""Batch from which a graph is traced: number of samples, seed of values and lengths, factor of options."""
TRIALS = ((1, 0, 1.0), (3, 1, 0.75), (2, 2, 0.5))
"""Batches on which a file is tried, likewise."""
SHORTEST = 64
"""Least length of a varying axis in a trial."""
NEEDED = ("onnx", "onnxscript", "onnxruntime")


def check_installed() -> None:
    """Raise ValueError if a package is missing that ONNX files need."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ValueError(f"ONNX files need {name}: pip install 'ganarium[onnx]'") from error


class Array(NamedTuple):
    """Input or output of a file.

    Attributes:
        name: name in the file.
        shape: axes, the batch included; a string names an axis whose length may vary.
        dtype: type of the values, as numpy names it.
        meaning: values in words.
        kind: kind of value as a plain tree.
        code: Python code of an example for a number of samples: an expression that makes an input, statements
            that write or print an output.
    """

    name: str
    shape: Shape
    dtype: str
    meaning: str
    kind: Mapping[str, Any]
    code: Callable[[int], str]

    @property
    def open_axes(self) -> dict[int, str]:
        """Axes whose length may vary, and their names."""
        return {axis: size for axis, size in enumerate(self.shape) if isinstance(size, str)}


class OnnxFile(NamedTuple):
    """Variant of a task as an ONNX file.

    Attributes:
        name: name of the file.
        content: the file.
        inputs: inputs of the graph that it takes; those that the network does not use are left out.
        outputs: outputs.
        multiples: number of which the length of each varying axis must be a multiple, by name.
        difference: largest difference from PyTorch on random inputs, as a share of PyTorch's largest value;
            of integers, the share that differs.
    """

    name: str
    content: bytes
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    multiples: Mapping[str, int]
    difference: float


def plain(network: nn.Module) -> nn.Module:
    """Return a copy in float32 on the CPU, with plain weights in place of spectral norm and the like."""
    made = copy.deepcopy(network).cpu().float().eval().requires_grad_(False)
    for module in filter(is_parametrized, list(made.modules())):
        # Not by remove_parametrizations: it would change the class, which the copied network still is of.
        weights = {name: getattr(module, name) for name in module.parametrizations}  # type: ignore[union-attr]
        module.__class__ = type_before_parametrizations(module)
        del module.parametrizations
        for name, weight in weights.items():
            module.register_parameter(name, nn.Parameter(weight, requires_grad=False))
    return made


@torch.no_grad()
def onnx_file(model: Model, task: Task, variant: Variant, metadata: Mapping[str, str]) -> OnnxFile:
    """Return a variant of a task as an ONNX file, after trials on random inputs.

    Raises:
        ValueError: PyTorch cannot write it, onnxruntime cannot run it, or it differs by more than
            `TOLERANCE`; or a package that this needs is not installed.
    """
    check_installed()
    name = f"{variant.name or task.name}.onnx"
    graph = task.graph(plain(model.game), model.spec, variant)
    sizes = task.sizes(graph.game, model.spec, graph.options)
    graph.inputs = [replace(each, shape=_fixed(each.shape, graph, sizes)) for each in graph.inputs]
    values = _values(graph, sizes, *TRACED, traced=True)
    inputs, outputs = _inputs(graph, values), _outputs(graph, sizes, values)
    content, taken = _traced(name, graph, values, inputs, outputs, metadata)
    worst = max(_difference(name, graph, content, taken, _values(graph, sizes, *trial)) for trial in TRIALS)
    if worst > TOLERANCE:
        raise ValueError(
            f"{name} would differ from PyTorch by {worst:.1e} of the largest value, more than "
            f"{TOLERANCE:.0e}, so it is not written; --to safetensors keeps the weights as they are"
        )
    kept = tuple(each for each in inputs if each.name in taken)
    return OnnxFile(name, content, kept, outputs, _multiples(graph, sizes), worst)


def _fixed(shape: Shape, graph: Graph, sizes: Sizes) -> Shape:
    """Return a shape with the lengths to which the task's sizes are fixed."""
    lengths: dict[int | str, int] = {}
    if sizes.fixed is not None:
        lengths |= zip(graph.spec.modality.windowed, sizes.fixed, strict=True)
    return tuple(lengths.get(axis, axis) for axis in shape)


def _multiples(graph: Graph, sizes: Sizes) -> dict[str, int]:
    """Return the number of which the length of each varying axis must be a multiple."""
    found = {}
    for each in graph.inputs:
        names = [axis for axis in each.shape if isinstance(axis, str)]
        for name, (multiple, _, _) in zip(names, sizes.along(len(names)), strict=True):
            found[name] = multiple if sizes.strict else 1
    return found


def _values(
    graph: Graph, sizes: Sizes, count: int, seed: int, factor: float, *, traced: bool = False
) -> dict[str, Tensor]:
    """Return random inputs with varying axes of different lengths, and float options times a factor.

    Lengths are such that at least two values are left where the networks are coarsest. They are multiples of
    the networks' strides if the task does not pad; if it does, they are none for a graph that is traced, or
    the graph would be one without padding.
    """
    rng = torch.Generator().manual_seed(seed)
    axes = max((sum(isinstance(axis, str) for axis in each.shape) for each in graph.inputs), default=0)
    each_axis = [
        (multiple, multiple if sizes.strict else 1, max(SHORTEST, multiple + 1, least))
        for multiple, least, _ in sizes.along(axes)
    ]
    span = max([2 * axes, *(shortest // step // 2 for _, step, shortest in each_axis)])
    offsets, lengths = torch.randperm(span, generator=rng).tolist(), []
    for multiple, step, shortest in each_axis:
        padded = traced and step < multiple
        found = {offset: (math.ceil(shortest / step) + offset) * step for offset in offsets}
        offset = next(offset for offset, length in found.items() if not padded or length % multiple)
        offsets.remove(offset)
        lengths.append(found[offset])
    values = graph.draw(count, tuple(lengths), rng)
    return values | {name: values[name] * factor for name in graph.floats}


def _inputs(graph: Graph, values: Mapping[str, Tensor]) -> tuple[Array, ...]:
    arrays = [
        Array(
            each.name,
            ("N", *each.shape),
            _dtype(values[each.name]),
            each.kind.meaning(each.shape),
            each.kind.to_dict(),
            partial(each.kind.example_code, each.shape),
        )
        for each in graph.inputs
    ]
    return (*arrays, *(_option(name, float(graph.options[name])) for name in graph.floats))


def _option(name: str, default: float) -> Array:
    tree = {"name": "option", "default": default}
    code = f"np.array({default!r}, np.float32)"
    return Array(name, (), "float32", f"option; {default:g} by default", tree, lambda count: code)


def _outputs(graph: Graph, sizes: Sizes, values: Mapping[str, Tensor]) -> tuple[Array, ...]:
    count = next((len(values[each.name]) for each in graph.inputs), 1)
    arrays = []
    for each, value in zip(graph.outputs(), graph(*values.values()), strict=True):
        times = len(value) // count
        shape = _fixed(each.shape, graph, sizes)
        arrays.append(
            Array(
                each.name,
                ("N" if times == 1 else f"{times}N", *shape),
                _dtype(value),
                each.kind.meaning(shape),
                each.kind.to_dict(),
                partial(each.kind.example_result_code, each.name, shape),
            )
        )
    return tuple(arrays)


def _dtype(values: Tensor) -> str:
    return str(values.numpy().dtype)


def _traced(
    name: str,
    graph: Graph,
    values: Mapping[str, Tensor],
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    metadata: Mapping[str, str],
) -> tuple[bytes, set[str]]:
    """Return the file, and the names of its inputs."""
    import onnx

    dynamic = torch.export.Dim.DYNAMIC
    try:
        with _without_messages():
            program = torch.onnx.export(
                graph,
                tuple(values.values()),
                dynamo=True,
                verbose=False,
                input_names=[each.name for each in inputs],
                output_names=[each.name for each in outputs],
                dynamic_shapes=(tuple(dict.fromkeys(each.open_axes, dynamic) for each in inputs),),
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ValueError(
            f"PyTorch cannot write {name} ({_reason(error)}); --to safetensors takes any model"
        ) from error
    assert program is not None
    model = program.model_proto
    _tidy(model.graph, {each.name: each.shape for each in (*inputs, *outputs)})
    taken = {value.name for value in model.graph.input}
    model.producer_name, model.producer_version = "ganarium", version("ganarium")
    arrays = {"inputs": [each for each in inputs if each.name in taken], "outputs": outputs}
    trees = {
        key: json.dumps([{"name": each.name, "kind": each.kind} for each in group], ensure_ascii=False)
        for key, group in arrays.items()
    }
    onnx.helper.set_model_props(model, {**metadata, **trees})
    return model.SerializeToString(deterministic=True), taken


def _reason(error: BaseException) -> str:
    """Return the last line of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _tidy(graph: Any, shapes: Mapping[str, Shape]) -> None:
    """Name the varying axes; remove inputs that nothing uses, and paths of this machine's files."""
    for value in (*graph.input, *graph.output):
        for dim, size in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
            if isinstance(size, str):
                dim.dim_param = size
    used = {name for node in graph.node for name in node.input}
    kept = [value for value in graph.input if value.name in used]
    del graph.input[:], graph.value_info[:], graph.metadata_props[:]
    graph.input.extend(kept)
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.input, *graph.output, *graph.initializer):
        del value.metadata_props[:]


def _difference(
    name: str, graph: Graph, content: bytes, taken: set[str], values: Mapping[str, Tensor]
) -> float:
    """Return the largest difference of the file's outputs from PyTorch's."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4
    expected = graph(*values.values())
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        found = session.run(None, {key: value.numpy() for key, value in values.items() if key in taken})
    except Exception as error:
        raise ValueError(f"onnxruntime cannot run {name}, so it is not written: {error}") from error
    return max(_apart(torch.from_numpy(f), w) for f, w in zip(found, expected, strict=True))


def _apart(found: Tensor, wanted: Tensor) -> float:
    if found.shape != wanted.shape:
        return math.inf
    if not wanted.is_floating_point():
        return float((found != wanted).double().mean())
    apart = float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-30))
    return apart if math.isfinite(apart) else math.inf


@contextlib.contextmanager
def _without_messages() -> Iterator[None]:
    """Silence the warnings and the log of PyTorch's exporter."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
