"""A task as an ONNX file, and how far what it gives is from what PyTorch gives."""

import contextlib
import copy
import importlib
import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from ganarium.exporting.tasks import Input, Shape, Task

TOLERANCE = 1e-3
"""How far an output may be from PyTorch's, as a share of PyTorch's largest value."""
TRIALS = ((1, 0), (3, 1), (2, 2))
"""Batches that a file is tried on: how many samples, and the seed of their numbers and size."""
NEEDED = ("onnx", "onnxscript", "onnxruntime")


def check_installed() -> None:
    """Raise ValueError where a package is missing that ONNX files need."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ValueError(f"ONNX files need {name}: pip install 'ganarium[onnx]'") from error


class Written(NamedTuple):
    """A task as an ONNX file."""

    task: Task
    content: bytes
    inputs: tuple[Input, ...]
    """Those of the task's that the file takes; noise that a network has no use for is left out."""
    difference: float
    """The largest difference from PyTorch on random inputs, as a share of PyTorch's largest value."""


class _Called(nn.Module):
    """A task as a network."""

    def __init__(self, task: Task):
        super().__init__()
        self.network = plain(task.network)
        self.call = task.call

    def forward(self, *inputs: Tensor) -> Any:
        """What the task gives: a tensor, or several."""
        return self.call(self.network, *inputs)


def plain(network: nn.Module) -> nn.Module:
    """A copy in float32 on the CPU, whose weights are what spectral norm and the like make of them."""
    made = copy.deepcopy(network).cpu().float().eval().requires_grad_(False)
    for module in filter(is_parametrized, list(made.modules())):
        # Not by remove_parametrizations: it would change the class, which the copied network still is of.
        weights = {name: getattr(module, name) for name in module.parametrizations}  # type: ignore[union-attr]
        module.__class__ = type_before_parametrizations(module)
        del module.parametrizations
        for name, weight in weights.items():
            module.register_parameter(name, nn.Parameter(weight, requires_grad=False))
    return made


def written(task: Task, metadata: Mapping[str, str]) -> Written:
    """The ONNX file of a task, tried on random inputs.

    Raises:
        ValueError: PyTorch cannot write it, onnxruntime cannot run it, or it differs by more than
            `TOLERANCE`; or one of the packages that it takes is not installed.
    """
    check_installed()
    network = _Called(task)
    with torch.no_grad():
        content, taken = _graph(task, network, metadata)
        inputs = tuple(given for given in task.inputs if given.name in taken)
        worst = max(_difference(task, network, content, taken, *trial) for trial in TRIALS)
    if worst > TOLERANCE:
        raise ValueError(
            f"{task.stem}.onnx would differ from PyTorch by {worst:.1e} of the largest value, more than "
            f"{TOLERANCE:.0e}, so it is not written; --to safetensors keeps the weights as they are"
        )
    return Written(task, content, inputs, worst)


def _graph(task: Task, network: nn.Module, metadata: Mapping[str, str]) -> tuple[bytes, set[str]]:
    """The file, and the names of its inputs."""
    import onnx

    chance = torch.Generator().manual_seed(0)
    open_ = torch.export.Dim.DYNAMIC
    try:
        with _quietly():
            program = torch.onnx.export(
                network,
                task.drawn(2, task.size(chance), chance),
                dynamo=True,
                verbose=False,
                input_names=[given.name for given in task.inputs],
                output_names=list(task.outputs),
                dynamic_shapes=(tuple(dict.fromkeys(given.open_axes, open_) for given in task.inputs),),
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ValueError(
            f"PyTorch cannot write {task.stem}.onnx ({_why(error)}); --to safetensors takes any model"
        ) from error
    assert program is not None
    model = program.model_proto
    _tidy(model.graph, task)
    model.producer_name, model.producer_version = "ganarium", version("ganarium")
    onnx.helper.set_model_props(model, dict(metadata))
    return model.SerializeToString(deterministic=True), {value.name for value in model.graph.input}


def _why(error: BaseException) -> str:
    """The last line of the innermost reason."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _tidy(graph: Any, task: Task) -> None:
    """Name the open axes, and leave out inputs that nothing uses and what speaks of this machine's files."""
    shapes: dict[str, Shape] = {given.name: given.shape for given in task.inputs} | task.outputs
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
    task: Task, network: nn.Module, content: bytes, taken: set[str], count: int, seed: int
) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4
    chance = torch.Generator().manual_seed(seed)
    inputs = task.drawn(count, task.size(chance), chance)
    expected = network(*inputs)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        arrays = {g.name: x.numpy() for g, x in zip(task.inputs, inputs, strict=True) if g.name in taken}
        found = session.run(None, arrays)
    except Exception as error:
        raise ValueError(f"onnxruntime cannot run {task.stem}.onnx, so it is not written: {error}") from error
    wanted = [expected] if isinstance(expected, Tensor) else list(expected)
    return max(_apart(torch.from_numpy(f), w) for f, w in zip(found, wanted, strict=True))


def _apart(found: Tensor, wanted: Tensor) -> float:
    if found.shape != wanted.shape:
        return math.inf
    apart = float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-30))
    return apart if math.isfinite(apart) else math.inf


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter says of itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
