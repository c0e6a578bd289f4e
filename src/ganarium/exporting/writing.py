"""Export a model as files for other programs."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from safetensors.torch import save as format_tensors

from ganarium.common.files import atomic_write
from ganarium.common.text import nearest
from ganarium.exporting import cards
from ganarium.exporting.onnx import check_installed, onnx_file
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.models.storage import CONFIG
from ganarium.tasks.base import Task

Format = Literal["onnx", "safetensors"]
FORMATS: tuple[str, ...] = get_args(Format)


class Exported(NamedTuple):
    """File that another program can use.

    Attributes:
        path: the file.
        difference: largest difference from PyTorch on random inputs, as a share of PyTorch's largest value;
            None for weights.
        takes: names and shapes of its inputs; empty for weights.
        gives: names and shapes of its outputs; empty for weights.
    """

    path: Path
    difference: float | None
    takes: str = ""
    gives: str = ""


def export(
    source: str | PathLike[str] | Model,
    to: str = "onnx",
    *,
    out: str | PathLike[str] | None = None,
    task: str | None = None,
) -> list[Exported]:
    """Write a model for other programs: ONNX files that run without this one, or its weights in one file.

    An ONNX file is a task of the model, or a variant of it: `generate.onnx`, `classify.onnx`; for each
    direction of a translator `plain-to-inked.onnx`. Its inputs are named as the arguments of the game's
    method. Options of type float are inputs, too; all others have their default. Batches may have any size,
    samples any lengths if the network allows it. Before it is written, each file is run by onnxruntime on
    random inputs and compared with PyTorch. Beside it are a model card, `README.md`, and a program that runs
    it with numpy and Pillow, `example.py`.

    `model.safetensors` holds the weights under plain names, and all else as JSON in its metadata; `load`
    reads it, too.

    Args:
        source: folder of a run, folder of a model, or a model.
        to: `onnx` or `safetensors`.
        out: the folder; by default `exported/TASK` or `exported/safetensors` in that of the source.
        task: name of the task; the model's main one by default.

    Returns:
        What was written: a file for each variant of the task, or one of weights.

    Raises:
        FileExistsError: a file with other contents exists; then nothing is written.
        FileNotFoundError, ValueError: see `load`; or there is no such format or task, `ganarium[onnx]` is not
            installed, or a file would not do what PyTorch does.
    """
    if to not in FORMATS:
        raise ValueError(f"there is no format {to!r}; choose from {', '.join(FORMATS)}{nearest(to, FORMATS)}")
    if to == "safetensors" and task is not None:
        raise ValueError(f"task={task!r} applies to ONNX files; safetensors holds all tasks of the model")
    if to == "onnx":
        check_installed()
    model = source if isinstance(source, Model) else load(source)
    if to == "safetensors":
        return _weights(model, _folder(source, out, to))
    chosen = _exported_task(model, task)
    return _graphs(model, chosen, _folder(source, out, chosen.name))


def _weights(model: Model, folder: Path) -> list[Exported]:
    details = dict(model.provenance.details())
    # One entry: safetensors writes several in random order.
    metadata = {CONFIG: json.dumps(model.config() | {"licence": details["licence"]})}
    path = folder / "model.safetensors"
    _write(
        {
            path: format_tensors(model.tensors(), metadata),
            folder / "README.md": cards.safetensors_card(model.provenance.title, details).encode(),
        }
    )
    return [Exported(path, None)]


def _graphs(model: Model, task: Task, folder: Path) -> list[Exported]:
    title, details = model.provenance.title, dict(model.provenance.details())
    metadata = {"title": title, **details, "task": task.name, "ganarium": version("ganarium")}
    files = [onnx_file(model, task, variant, metadata) for variant in task.variants(model.game, model.spec)]
    programs = cards.examples(task.description, files)
    contents = {folder / file.name: file.content for file in files}
    contents[folder / "README.md"] = cards.onnx_card(title, details, files, list(programs)).encode()
    contents |= {folder / name: program.encode() for name, program in programs.items()}
    _write(contents)
    return [
        Exported(folder / file.name, file.difference, cards.arrays(file.inputs), cards.arrays(file.outputs))
        for file in files
    ]


def _folder(source: str | PathLike[str] | Model, out: str | PathLike[str] | None, name: str) -> Path:
    if out is not None:
        return Path(out)
    if isinstance(source, Model):
        raise ValueError("a model that was not loaded has no folder: set out=folder")
    found = Path(source)
    return (found if found.is_dir() else found.parent) / "exported" / name


def _exported_task(model: Model, name: str | None) -> Task:
    """Return the task of that name, or the main one."""
    names = [each.name for each in model.tasks.values() if each.exported]
    if not names:
        tasks = ", ".join(model.tasks) or "none"
        raise ValueError(
            f"no task of a {model.provenance.what} model can be an ONNX file (its tasks: {tasks}); "
            "--to safetensors takes any model"
        )
    if name is not None and name not in names:
        raise ValueError(
            f"a {model.provenance.what} model exports no task {name!r}; it has {', '.join(names)}"
            f"{nearest(name, names)}"
        )
    return model.task(name or names[0])


def _write(contents: Mapping[Path, bytes]) -> None:
    """Write all files, or none if one of them exists with other contents."""
    for path in sorted(contents, key=Path.exists, reverse=True):  # those that exist can be refused
        with atomic_write(path, "if-equal") as file:
            file.write(contents[path])
