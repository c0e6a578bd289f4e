"""Samples of a model as files, a batch at a time, so that any number of them fits in memory."""

import contextlib
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from ganarium.common import grids
from ganarium.common.files import atomic_write
from ganarium.common.notify import Notify, silent
from ganarium.data.batches import Conditioned, real_samples
from ganarium.data.conditions.derived import CONDITIONS
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.models.loading import load_model
from ganarium.models.model import Model

PNG_CHANNELS = (1, 3, 4)


ON_A_SHEET = 64
"""How many samples, the first ones, a sheet shows."""


Write = Callable[[Tensor], object]


Sink = contextlib.AbstractContextManager[Write]


def save_samples(
    source: str | Path | Model,
    count: int = 16,
    *,
    out: str | Path | None = None,
    npz: str | Path | None = None,
    grid: str | Path | None = None,
    seed: int = 0,
    classes: str | int | Sequence[str | int] | None = None,
    attributes: Mapping[str, bool] | None = None,
    pictures: str | Path | Tensor | None = None,
    device: str = "cpu",
    notify: Notify = silent,
) -> list[Path]:
    """Draw samples and save them: pictures as `seed3-000000.png` ..., points as a table `seed3-16.csv`.

    A name ends with the class or attributes that its sample was drawn for. A PNG holds 8 bits a channel;
    `npz` keeps float32. A file that is there already stays if it holds the same samples, and is never
    written over if it holds others.

    Args:
        source: a run's folder, a model's, or a model.
        count: how many.
        out: folder for a file a picture, or for the table; `generated` in the source's folder where neither
            `out` nor `npz` nor `grid` is said.
        npz: file for one array: `images` `[count, C, H, W]` in [-1, 1], or `points` `[count, D]`.
        grid: PNG for a sheet of the first 64.
        seed: of the noise.
        classes: as in `Model.generate`.
        attributes: as in `Model.generate`.
        pictures: for a model told a picture: as in `Model.generate`, or a source as in
        `condition_images_for`.
        device: where to compute.
        notify: is told where the samples are not saved as one might expect.

    Returns:
        The folder or file of `out`, `npz` and `grid`, as far as they were written.

    Raises:
        FileExistsError: a file with other contents is in the way.
        FileNotFoundError, ValueError: as `load` and `Model.generate`.
    """
    if count < 1:
        raise ValueError(f"count is {count}; it must be at least 1")
    model = source if isinstance(source, Model) else load_model(source, device=device)
    if out is None and npz is None and grid is None:
        if isinstance(source, Model):
            raise ValueError("say where to save the samples: out, npz or grid")
        beside = Path(source)
        out = (beside.parent if beside.is_file() else beside) / "generated"
    if isinstance(pictures, str | Path):
        pictures = condition_images_for(model, pictures, count)
    condition = model.condition(count, classes, attributes, pictures)
    names = (f"seed{seed}-{i:06d}{_told(model.spec, condition, i)}.png" for i in range(count))
    sinks: dict[Path, Sink] = {}
    if out is not None:
        sinks |= dict([_in_folder(Path(out), f"seed{seed}-{count}", names, model.spec, count, notify)])
    if npz is not None:
        sinks[Path(npz)] = _array(Path(npz), model.spec, count)
    if grid is not None:
        sinks[Path(grid)] = _sheet(Path(grid))
    with contextlib.ExitStack() as stack:
        writes = [stack.enter_context(sink) for sink in sinks.values()]
        for batch in model.drawn(count, condition, seed=seed):
            for write in writes:
                write(batch)
    return list(sinks)


def condition_images_for(model: Model, source: str | Path, count: int) -> Tensor:
    """What a model that is told a picture may be told: `[n, C, H, W]` in [-1, 1], n at most `count`.

    Args:
        model: told a picture.
        source: of ordinary pictures, if the model was told something made from them (`blur`, `edges`, ...)
            or if they are the world's; else of the very pictures that it is to be told.
        count: how many at most.

    Raises:
        ValueError: the model is told no picture, or as `open_data`.
    """
    kind, shape = model.spec.condition, model.spec.condition_shape
    if len(shape) != 3:
        raise ValueError(f"this {model.method.name} model is told {kind or 'nothing'}, no picture")
    made = kind in CONDITIONS or str(source) == "world"
    channels, *size = model.spec.shape if made else shape
    data = Data(
        source=str(source), size=(size[0], size[1]), channels=channels, condition=kind if made else None
    )
    dataset = open_data(data)
    batch = dataset.batch(range(min(count, len(dataset))))
    return batch.condition if isinstance(batch, Conditioned) else real_samples(batch)


def _told(spec: DataSpec, condition: Tensor | None, i: int) -> str:
    """The end of a file's name: what its sample was drawn for, in letters that any file system takes."""
    if condition is None or spec.condition not in ("label", "domains", "attributes"):
        return ""
    if spec.condition in ("label", "domains"):
        words = [spec.classes[int(condition[i])]]
    else:
        words = [name for name, has in zip(spec.attributes, condition[i].tolist(), strict=True) if has]
    return "".join("-" + re.sub(r"[^\w.+]+", "_", word) for word in words)


def _in_folder(
    folder: Path, stem: str, names: Iterator[str], spec: DataSpec, count: int, notify: Notify
) -> tuple[Path, Sink]:
    """Where and how samples of this shape are best kept in a folder."""
    if len(spec.shape) != 3:
        return folder / f"{stem}.csv", _table(folder / f"{stem}.csv", spec)
    if spec.shape[0] in PNG_CHANNELS:
        return folder, _pngs(folder, names)
    notify(f"pictures of {spec.shape[0]} channels make no PNG: they are saved as an .npz of float32")
    return folder / f"{stem}.npz", _array(folder / f"{stem}.npz", spec, count)


@contextlib.contextmanager
def _pngs(folder: Path, names: Iterator[str]) -> Iterator[Write]:
    def write(batch: Tensor) -> None:
        for sample in batch:
            with atomic_write(folder / next(names), "if-equal") as file:
                grids.to_image(sample).save(file, format="PNG")

    yield write


@contextlib.contextmanager
def _table(path: Path, spec: DataSpec) -> Iterator[Write]:
    """A column a coordinate; nine digits hold a float32 exactly."""
    with atomic_write(path, "if-equal") as file:
        file.write((",".join(f"x{i}" for i in range(*spec.shape)) + "\n").encode())
        yield lambda batch: np.savetxt(file, batch.numpy(), "%.9g", ",")


@contextlib.contextmanager
def _array(path: Path, spec: DataSpec, count: int) -> Iterator[Write]:
    """An array in an .npz, written piece by piece: its header holds its shape, and a fixed date."""
    name = "images" if len(spec.shape) == 3 else "points"
    with (
        atomic_write(path, "if-equal") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as array,
    ):
        header = {"descr": "<f4", "fortran_order": False, "shape": (count, *spec.shape)}
        npy.write_array_header_1_0(array, header)
        yield lambda batch: array.write(batch.contiguous().numpy().astype("<f4").tobytes())


@contextlib.contextmanager
def _sheet(path: Path) -> Iterator[Write]:
    first: list[Tensor] = []

    def write(batch: Tensor) -> None:
        if room := ON_A_SHEET - sum(map(len, first)):
            first.append(batch[:room])

    yield write
    with atomic_write(path, "if-equal") as file:
        grids.grid(torch.cat(first)).save(file, format="PNG")
