"""Any task of a model, from files to files: names, sizes and alpha stay as they are."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ganarium.common.notify import Notify, silent
from ganarium.data.conditions.table import CONDITIONS
from ganarium.inference.files import FilePath, InputFiles, OutputFiles
from ganarium.inference.job import FileJob, FileSettings, Outcome, Share
from ganarium.inference.runner import TaskRunner
from ganarium.inference.samples import save_outputs
from ganarium.models.loading import opened
from ganarium.models.model import Model, TaskCall
from ganarium.tasks.windows import OVERLAP, TILE, check_windows


def apply(
    source: FilePath | Model,
    task: str,
    *inputs: FilePath,
    out: FilePath,
    count: int = 16,
    seed: int | None = None,
    window: int | None = None,
    overlap: int = OVERLAP,
    batch_size: int = 8,
    grid: FilePath | None = None,
    precision: str = "float32",
    derive: bool = False,
    palette: FilePath | None = None,
    device: str = "cpu",
    **words: Any,
) -> list[Path]:
    """Run a task of a model on files; each output has the name of its input.

    Args:
        source: folder of a run or of a model, or a model.
        task: name of the task.
        inputs: for each input that is a sample a file, or a folder with files at any depth. Files of several
            folders belong together by their names; a second file serves all samples. Label maps hold ids, or
            the colors of `palette`. If the task also takes instances, these lie beside in a folder
            `instances`, by the same names; without it each map is one instance.
        out: folder; or a file if there is one input file.
        count: number of samples, for tasks that take no files.
        seed: seed of the latents, which are the same for all files; 0 if None.
        window: length of the windows into which larger samples are cut; 0 none, None 512 for samples of more
            than 1.5 million places (pixels).
        overlap: overlap of the windows.
        batch_size: samples of one size at a time, at most; fewer if more would be slower.
        grid: PNG that shows inputs and outputs of the first eight files, and the inputs made again of the
            outputs if the task can.
        precision: float32, or bfloat16 (autocast): faster, and most levels of 8 bits are a few off.
        derive: make inputs such as edges from ordinary images.
        palette: file with names and colors of classes; if None one beside the label maps, else the colors of
            training.
        device: device of a model that is loaded.
        words: other inputs in words, optional inputs as files, options of the task.

    Returns:
        The files that were written, sorted. A file that cannot be read is skipped with a warning.

    Raises:
        FileExistsError: a file of other contents is in the way.
        FileNotFoundError, ValueError: there is no such model, task, input or option, or nothing to read.
    """
    settings = FileSettings(seed, window, overlap, batch_size, grid, precision, derive, palette)
    notify = partial(warnings.warn, stacklevel=3)
    model = opened(source, device=device)
    if not inputs and not takes_files(model, task, words):
        places = {name: Path(place) for name, place in (("out", out), ("grid", grid)) if place is not None}
        return save_outputs(model, task, count, places, words, seed=seed or 0, notify=notify)
    return written(outcomes(model, task, inputs, out, words, settings, notify=notify))


def takes_files(model: Model, task: str, words: Mapping[str, Any]) -> bool:
    """Return True if a task takes files beside those that are given in words."""
    call = model.resolve(task, words)
    return any(
        each.modality is not None and not each.optional and each.name not in words for each in call.inputs
    )


def outcomes(
    model: Model,
    task: str,
    inputs: Sequence[FilePath],
    out: FilePath,
    words: Mapping[str, Any],
    settings: FileSettings,
    *,
    notify: Notify = silent,
    share: Share = lambda name, done: None,
) -> Iterator[Outcome]:
    """Run a task on files as `apply` does, and yield the result of each as it is done.

    Args:
        model: the model.
        task: name of the task.
        inputs: files or folders.
        out: folder or file.
        words: other inputs and options.
        settings: all other settings.
        notify: called with messages about all files.
        share: called with the file at work and the share of all places that is done.
    """
    check_windows(settings.window or max(TILE, 2 * settings.overlap), settings.overlap)
    call = model.resolve(task, words)
    files = _input_files(model, call, [Path(each) for each in inputs], settings, notify)
    count = len(files[0].names)
    runner = TaskRunner(model, call, count, seed=settings.seed, precision=settings.precision)
    outputs = OutputFiles(runner.outputs, files[0], Path(out))
    yield from FileJob(runner, files, outputs, settings, share).outcomes()


def written(found: Iterable[Outcome]) -> list[Path]:
    """Return the files that were written, sorted; warn of those that were skipped."""
    made: list[Path] = []
    for each in found:
        if each.reason:
            warnings.warn(f"{each.given} is skipped: {each.reason}", stacklevel=3)
        made += each.made
    return sorted(made)


def _input_files(
    model: Model, call: TaskCall, paths: Sequence[Path], settings: FileSettings, notify: Notify
) -> list[InputFiles]:
    """Return the files of each input that is a sample: those of `paths`, then those named in words."""
    samples = [each for each in call.inputs if each.modality is not None]
    required = [each for each in samples if not each.optional and each.name not in call.words]
    what = f"{call.task.name} of this {model.provenance.what} model"
    if not paths or len(paths) != len(required):
        names = ", ".join(each.name for each in required) or "none"
        raise ValueError(f"{what} takes {len(required)} inputs from files ({names}); {len(paths)} were given")
    if settings.derive and not any(each.kind.derived for each in samples):
        kinds = ", ".join(name for name, kind in CONDITIONS.items() if kind.derived)
        raise ValueError(
            f"{what} takes {required[0].kind.name}, which is not made from images; those are {kinds}"
        )
    places = [(each, path) for each, path in zip(required, paths, strict=True)]
    places += [(each, Path(call.words[each.name])) for each in samples if each.name in call.words]
    palette = None if settings.palette is None else Path(settings.palette)
    found = [
        InputFiles(
            each,
            path,
            model.spec,
            derive=settings.derive and each.kind.derived,
            palette=palette,
            notify=notify,
        )
        for each, path in places
    ]
    if palette is not None and not any(each.has_palette for each in found):
        raise ValueError(f"--palette {palette}: {what} takes no label maps")
    return found
