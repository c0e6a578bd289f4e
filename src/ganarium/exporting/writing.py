"""`export`: a model as files for other programs."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from safetensors.torch import save as format_tensors

from ganarium.common.files import replacing
from ganarium.common.text import nearest
from ganarium.exporting import cards
from ganarium.exporting.onnx import check_installed, written
from ganarium.exporting.tasks import Task, tasks
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.models.network import NetworkModel
from ganarium.models.storage import CONFIG

Format = Literal["onnx", "safetensors"]
FORMATS: tuple[str, ...] = get_args(Format)


class Exported(NamedTuple):
    """A file that another program can use."""

    path: Path
    difference: float | None
    """From PyTorch on random inputs, at most, as a share of PyTorch's largest value; None where there is
    nothing to run."""
    takes: str = ""
    """Names and shapes of its inputs; empty where there is nothing to run."""
    gives: str = ""


def export(
    source: str | Path | Model | NetworkModel,
    to: str = "onnx",
    *,
    out: str | Path | None = None,
    task: str | None = None,
) -> list[Exported]:
    """Write a model for other programs: ONNX files that run without this one, or its weights in one file.

    An ONNX file is one function of the model, by the name of its task: `generate.onnx`, `classify.onnx`; of a
    translating game one for each way, `plain-to-inked.onnx`. Any number of samples can go in at a time, and
    pictures of any height and width where the network allows. Before it is written, each file is run by
    onnxruntime on random inputs and compared with PyTorch. Beside it are a model card, `README.md`, and a
    program that runs it with numpy and Pillow, `example.py`.

    `model.safetensors` holds the weights under plain names, and all else as JSON in its metadata; `load`
    reads it, too.

    Args:
        source: a run's folder, a model's, a model or a lone network.
        to: `onnx` or `safetensors`.
        out: the folder; where it is not said, `exported` in the source's, and in that one of the task's name.
        task: of those that the model can do: `generate`, `translate`, `classify`, or the role of a lone
            network; its main one where it is not said.

    Returns:
        What was written: a file for each way of a translating game, one of other models.

    Raises:
        FileExistsError: a file with other contents is in the way; then nothing is written.
        FileNotFoundError, ValueError: as `load`; or there is no such format or task, `ganarium[onnx]` is not
            installed, or a file would not do what PyTorch does.
    """
    if to not in FORMATS:
        raise ValueError(f"there is no format {to!r}; they are {', '.join(FORMATS)}{nearest(to, FORMATS)}")
    if to == "safetensors" and task is not None:
        raise ValueError(f"task={task!r} is of ONNX files; safetensors holds all that the model can do")
    if to == "onnx":
        check_installed()
    model = source if isinstance(source, Model | NetworkModel) else load(source)
    if out is None and isinstance(source, Model | NetworkModel):
        raise ValueError("say where to write the files: out=folder")
    about = _about(model)
    title = about.pop("title")
    if to == "safetensors":
        folder = _folder(source, out, to)
        # One entry: safetensors writes several in an order of chance.
        metadata = {CONFIG: json.dumps(model.config() | {"licence": about["licence"]})}
        path = folder / "model.safetensors"
        _write(
            {
                path: format_tensors(model.tensors(), metadata),
                folder / "README.md": cards.safetensors_card(title, _listed(about)).encode(),
            }
        )
        return [Exported(path, None)]
    chosen = _chosen(tasks(model), task)
    folder = _folder(source, out, chosen[0].name)
    files = [
        written(each, {"title": title, **about, "task": each.name, "ganarium": version("ganarium")})
        for each in chosen
    ]
    contents = {folder / f"{file.task.stem}.onnx": file.content for file in files}
    contents[folder / "README.md"] = cards.onnx_card(title, _listed(about), files).encode()
    contents[folder / "example.py"] = cards.example(files, _classes(model)).encode()
    _write(contents)
    return [
        Exported(
            folder / f"{file.task.stem}.onnx",
            file.difference,
            cards.arrays({given.name: given.shape for given in file.inputs}),
            cards.arrays(file.task.outputs),
        )
        for file in files
    ]


def _folder(source: object, out: str | Path | None, name: str) -> Path:
    if out is not None:
        return Path(out)
    found = Path(str(source))
    return (found if found.is_dir() else found.parent) / "exported" / name


def _chosen(found: list[Task], wish: str | None) -> list[Task]:
    """The tasks of that name, or of the main one's."""
    names = list(dict.fromkeys(task.name for task in found))
    if wish is not None and wish not in names:
        raise ValueError(f"this model has no task {wish!r}; it has {', '.join(names)}{nearest(wish, names)}")
    return [task for task in found if task.name == (wish or names[0])]


def _classes(model: Model | NetworkModel) -> tuple[str, ...]:
    return model.spec.classes if isinstance(model, Model) else ()


def _about(model: Model | NetworkModel) -> dict[str, str]:
    """Whose it is, in words: for the card and for a file's metadata."""
    if isinstance(model, NetworkModel):
        origin = model.origin
        return {
            "title": origin.network or f"{model.kind} {model.role}",
            "network": f"{model.kind} {model.role}, imported without the game that it was trained in",
            "weights": f"{origin.file}, SHA-256 {origin.sha256}",
            "architecture": f"https://github.com/{origin.repository}",
            "licence": (
                f"{origin.licence} is that of {origin.repository}, and of its releases of weights unless "
                "they say otherwise; who trained these weights, and on what, the file did not tell"
            ),
            "settings": json.dumps(model.settings),
        }
    spec, source = model.spec, model.recipe.data.source
    sources = [source] if isinstance(source, str) else source
    about = {
        "title": model.method.card.splitlines()[0].rstrip("."),
        "method": model.method.name,
        "data": f"{model.images:,} images shown, from {', '.join(Path(each).name for each in sources)}",
        "licence": "follows from the data that the weights were trained on; it is for their owner to state",
    }
    named = {"classes": spec.classes, "attributes": spec.attributes}
    return about | {key: json.dumps(names, ensure_ascii=False) for key, names in named.items() if names}


def _listed(about: Mapping[str, str]) -> str:
    return "".join(f"- {key}: {value}\n" for key, value in about.items())


def _write(contents: Mapping[Path, bytes]) -> None:
    """All files, or none where one would be written over."""
    for path in _differing(contents):
        raise FileExistsError(
            f"{path} is there already and holds something else; choose another folder, or remove it"
        )
    for path, content in contents.items():
        with replacing(path) as file:
            file.write(content)


def _differing(contents: Mapping[Path, bytes]) -> Iterable[Path]:
    return (path for path, content in contents.items() if path.exists() and path.read_bytes() != content)
