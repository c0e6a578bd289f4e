"""Samples of a model as files, batch by batch, so that any number of them fits in memory."""

import contextlib
import itertools
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from ganarium.common.files import atomic_write
from ganarium.common.notify import Notify, silent
from ganarium.data.batches import real_samples
from ganarium.data.dataset import open_data
from ganarium.data.modalities.base import Modality
from ganarium.data.sources.folder import contents
from ganarium.data.sources.whole_files import whole_file_reader
from ganarium.data.spec import DataSpec
from ganarium.inference.files import FilePath
from ganarium.models.loading import opened
from ganarium.models.model import Model, TaskCall

BATCH = 64
"""Number of samples that are generated at a time."""
IN_GRID = 64
"""Number of samples, the first ones, that a grid shows."""

Write = Callable[[Tensor], object]
Sink = contextlib.AbstractContextManager[Write]


def save_samples(
    source: FilePath | Model,
    count: int = 16,
    *,
    out: FilePath | None = None,
    npz: FilePath | None = None,
    grid: FilePath | None = None,
    seed: int = 0,
    condition: Any = None,
    device: str = "cpu",
    notify: Notify = silent,
    **words: Any,
) -> list[Path]:
    """Generate samples and save them: images as `seed3-000000.png` ..., points as a table `seed3-16.csv`.

    A name ends with the class or attributes of its sample. A PNG holds 8 bits a channel; `npz` keeps float32.
    A file that exists stays if it holds the same samples, and is never replaced if it holds others.

    Args:
        source: folder of a run or of a model, or a model.
        count: number of samples.
        out: folder for a file a sample, or for the table; `generated` in the source's folder if neither `out`
            nor `npz` nor `grid` is given.
        npz: file for one array: `images` `[count, C, H, W]` in [-1, 1], or `points` `[count, D]`.
        grid: PNG that shows the first 64 samples.
        seed: seed of the latents.
        condition: classes or attributes by name (`a,b`); for conditions that are samples a folder or file of
            them, or of ordinary images if the condition is made from these; a tensor.
        device: device of a model that is loaded.
        notify: called with messages about the files' format.
        words: other inputs and options of the model's `generate`.

    Returns:
        The folder or file of `out`, `npz` and `grid`, as far as they were written.

    Raises:
        FileExistsError: a file of other contents is in the way.
        FileNotFoundError, ValueError: see `load` and `Model.generate`.
    """
    model = opened(source, device=device)
    if out is None and npz is None and grid is None:
        if isinstance(source, Model):
            raise ValueError("set at least one of out, npz and grid: where the samples are saved")
        beside = Path(source)
        out = (beside.parent if beside.is_file() else beside) / "generated"
    places = {"out": out, "npz": npz, "grid": grid}
    return save_outputs(
        model,
        "generate",
        count,
        {name: Path(place) for name, place in places.items() if place is not None},
        words if condition is None else {**words, "condition": condition},
        seed=seed,
        notify=notify,
    )


def save_outputs(
    model: Model,
    task: str,
    count: int,
    places: Mapping[str, Path],
    words: Mapping[str, Any],
    *,
    seed: int = 0,
    notify: Notify = silent,
) -> list[Path]:
    """Run a task that takes no files, and save the first of its outputs.

    Args:
        model: the model.
        task: name of the task.
        count: number of samples.
        places: files and folders by name, `out`, `npz` and `grid` of `save_samples`.
        words: inputs and options.
        seed: seed of the latents.
        notify: called with messages about the files' format.

    Returns:
        The folders and files that were written.
    """
    if count < 1:
        raise ValueError(f"count is {count}; it must be at least 1")
    call = model.resolve(task, words)
    given = {**call.options, **model.inputs_of(task, count, **_with_files(model, call, words, count))}
    output = call.task.outputs(model.game, model.spec, call.options)[0]
    batches = (
        batch[output.name] for batch in model.stream(task, seed=seed, count=count, batch_size=BATCH, **given)
    )
    first = next(batches)
    if output.modality is None:
        raise ValueError(f"{task} gives {output.name}, which are no samples and cannot be saved as such")
    each = len(first) // min(count, BATCH)
    slugs = (_slug(call, given, i // each) for i in range(count * each))
    shape = (count * each, *first.shape[1:])
    writers = _writers(output.modality, shape, places, f"seed{seed}", slugs, notify)
    with contextlib.ExitStack() as stack:
        writes = [stack.enter_context(sink) for sink in writers.values()]
        for batch in itertools.chain([first], batches):
            for write in writes:
                write(batch)
    return list(writers)


def condition_values(spec: DataSpec, source: FilePath, count: int) -> Tensor:
    """Return conditions `[n, C, ...]` that are samples, from files; n is at most `count`.

    Args:
        spec: specification of the model's data.
        source: as in `data.source`: ordinary images if the condition is made from these (`blur`, `edges`,
            ...), the built-in world if it has the condition; else conditions themselves.
        count: number of conditions, at most.

    Raises:
        FileNotFoundError, ValueError: there is nothing to read, or the condition is no sample.
    """
    condition, modality = spec.condition, spec.condition_modality
    if condition is None or modality is None:
        raise ValueError(f"condition={source}: this model takes no condition that is read from files")
    settings = condition.source_settings(str(source), spec.shape)
    if settings is None:
        return _read_each(modality, Path(source), spec.condition_shape, count)
    dataset = open_data(settings)
    count = min(count, len(dataset))
    batch = dataset.batch(range(count))
    values = condition.values(batch, count)
    return real_samples(batch) if values is None else values


def _read_each(modality: Modality, source: Path, shape: tuple[int, ...], count: int) -> Tensor:
    """Return the samples of files `[n, *shape]`, fitted to the shape."""
    folder = source if source.is_dir() else source.parent
    names = contents(source, type(modality)).names if source.is_dir() else [source.name]
    if not names:
        raise ValueError(f"{source} holds no {modality.name}s")
    axes = len(modality.windowed)
    read = whole_file_reader(
        modality, folder, shape[0], palette=None, notify=silent, size=shape[len(shape) - axes :]
    )
    levels = [read(folder / name)[0] for name in names[:count]]
    return torch.cat([modality.to_tensor(each[None].numpy()) for each in levels])


def _with_files(model: Model, call: TaskCall, words: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return words in which conditions that are samples are tensors of `count` rows, repeated in turn."""
    found = dict(words)
    for each in call.inputs:
        value = words.get(each.name)
        if each.modality is not None and value is not None and each.kind == model.spec.condition:
            rows = value if isinstance(value, Tensor) else condition_values(model.spec, value, count)
            found[each.name] = rows[torch.arange(count) % len(rows)]
    return found


def _slug(call: TaskCall, given: Mapping[str, Any], i: int) -> str:
    """Return the end of the name of sample `i`: its inputs in words."""
    rows = [(each.kind, given[each.name]) for each in call.inputs if each.name in given]
    slugs = [kind.slug(values[i % len(values)]) for kind, values in rows]
    return "".join(f"-{slug}" for slug in slugs if slug)


def _writers(
    modality: Modality,
    shape: tuple[int, ...],
    places: Mapping[str, Path],
    stem: str,
    slugs: Iterator[str],
    notify: Notify,
) -> dict[Path, Sink]:
    """Return where samples `[N, ...]` of a shape are written, and how."""
    count, *one = shape
    sinks: dict[Path, Sink] = {}
    if "out" in places:
        folder = places["out"]
        if modality.encodes(tuple(one)):
            names = (f"{stem}-{i:06d}{slug}{modality.suffix}" for i, slug in enumerate(slugs))
            sinks[folder] = _separate_files(modality, folder, names)
        elif columns := modality.columns(tuple(one)):
            table = folder / f"{stem}-{count}.csv"
            sinks[table] = _table(table, columns)
        else:
            size = "x".join(map(str, one))
            notify(
                f"{modality.name}s of shape {size} have no file format: they are saved as an .npz of float32"
            )
            array = folder / f"{stem}-{count}.npz"
            sinks[array] = _array(array, modality, shape)
    if "npz" in places:
        sinks[places["npz"]] = _array(places["npz"], modality, shape)
    if "grid" in places:
        sinks[places["grid"]] = _grid(places["grid"], modality)
    return sinks


@contextlib.contextmanager
def _separate_files(modality: Modality, folder: Path, names: Iterator[str]) -> Iterator[Write]:
    def write(batch: Tensor) -> None:
        for sample in batch:
            with atomic_write(folder / next(names), "if-equal") as file:
                modality.encode(sample, file)

    yield write


@contextlib.contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    """Write a CSV, a row a sample; nine digits hold a float32 exactly."""
    with atomic_write(path, "if-equal") as file:
        file.write((",".join(columns) + "\n").encode())
        yield lambda batch: np.savetxt(file, batch.numpy(), "%.9g", ",")


@contextlib.contextmanager
def _array(path: Path, modality: Modality, shape: tuple[int, ...]) -> Iterator[Write]:
    """Write an .npz of one array piece by piece: its header holds the shape, and a fixed date."""
    with (
        atomic_write(path, "if-equal") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(zipfile.ZipInfo(f"{modality.name}s.npy"), "w", force_zip64=True) as array,
    ):
        npy.write_array_header_1_0(array, {"descr": "<f4", "fortran_order": False, "shape": shape})
        yield lambda batch: array.write(batch.contiguous().numpy().astype("<f4").tobytes())


@contextlib.contextmanager
def _grid(path: Path, modality: Modality) -> Iterator[Write]:
    first: list[Tensor] = []

    def write(batch: Tensor) -> None:
        if room := IN_GRID - sum(map(len, first)):
            first.append(batch[:room])

    yield write
    with atomic_write(path, "if-equal") as file:
        modality.grid(torch.cat(first)).save(file, format="PNG")
