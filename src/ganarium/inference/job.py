"""Run of a task over files: reading ahead, batches of samples of one size, writing behind, a grid."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ganarium.common import grids
from ganarium.common.files import atomic_write
from ganarium.inference.files import InputFiles, OutputFiles
from ganarium.inference.runner import WHOLE, TaskRunner
from ganarium.tasks.windows import TILE

GRID_ROWS = 8
"""Number of files that a grid shows."""

Share = Callable[[str, float], object]
"""Function that is called with the file at work and the share of all places that is done."""
Levels = dict[str, tuple[Tensor, Any]]
"""Stored levels `[C, ...]` of a sample, and what `Modality.encode` needs for a file like it, by input."""


class Outcome(NamedTuple):
    """Result for one file: the files that were written, or the reason why it was skipped."""

    given: Path
    made: tuple[Path, ...] = ()
    reason: str = ""


class FileJob:
    """Task on files.

    Args:
        runner: the task.
        files: files of each input; those of the first give the names.
        outputs: files of the outputs.
        window: length of windows, 0 for none, None for the default.
        overlap: overlap of windows.
        batch_size: samples of one size at a time, at most.
        grid: PNG that shows the first files; none if None.
        share: see `Share`.
    """

    def __init__(
        self,
        runner: TaskRunner,
        files: Sequence[InputFiles],
        outputs: OutputFiles,
        *,
        window: int | None,
        overlap: int,
        batch_size: int,
        grid: Path | None,
        share: Share,
    ):
        self.runner, self.outputs, self.files = runner, outputs, files
        self.window, self.overlap, self.batch_size = window, overlap, batch_size
        self.grid, self.share = grid, share
        self.first = files[0]
        self.separate = [each for each in files if each is self.first or each.path.is_dir()]
        self.shared: Levels = {each.name: _read_one(each) for each in files if each not in self.separate}
        self._numbers = {name: number for number, name in enumerate(self.first.names)}
        self._lengths: dict[Path, list[tuple[int, ...]]] = {}
        self._cells: dict[Path, list[Image.Image]] = {}
        self._pending: list[tuple[Path, Future[None]]] = []
        self._done = 0

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the result for each file."""
        yield from self._read_headers()
        if self.grid is not None:
            self._cells = {name: [] for name in list(self._lengths)[:GRID_ROWS]}
        with ThreadPoolExecutor(thread_name_prefix="ganarium-files") as pool:
            for names, begun in _read_ahead(pool, self._read, self._batches()):
                yield from self._batch(pool, names, begun)
            yield from self._finished()
        self._save_grid()

    def _read_headers(self) -> Iterator[Outcome]:
        """Note the lengths of all samples; yield those that cannot be read."""
        for name in self.first.names:
            try:
                self._lengths[name] = [each.lengths(each.file(name)) for each in self.separate]
            except Exception as error:  # decoders raise anything for damaged files
                yield self._skipped(name, error)

    def _batches(self) -> Iterator[list[Path]]:
        """Yield names of samples of one size: one sample, or several of no more than `places_at_once`."""
        most = min(WHOLE, self.runner.places_at_once)
        by_size: dict[tuple[tuple[int, ...], ...], list[Path]] = {}
        for name, lengths in self._lengths.items():
            by_size.setdefault(tuple(lengths), []).append(name)
        for (first, *_), names in by_size.items():
            room = max(1, min(self.batch_size, int(most // math.prod(first))))
            yield from (names[start : start + room] for start in range(0, len(names), room))

    def _read(self, name: Path) -> Levels:
        return {each.name: each.read(each.file(name)) for each in self.separate}

    def _batch(
        self, pool: ThreadPoolExecutor, names: Sequence[Path], begun: Sequence[Future[Levels]]
    ) -> Iterator[Outcome]:
        """Run one batch; yield its samples that failed, and the results of the batch before it."""
        read: dict[Path, Levels] = {}
        for name, future in zip(names, begun, strict=True):
            try:
                read[name] = future.result()
            except Exception as error:  # decoders raise anything for damaged files
                yield self._skipped(name, error)
        places = len(names) * math.prod(self._lengths[names[0]][0])
        total = sum(math.prod(first) for first, *_ in self._lengths.values())
        progress = partial(_within, self.share, names[0].name, self._done / total, places / total)
        self._done += places
        try:
            made = self._run(read, progress) if read else {}
        except (ValueError, RuntimeError) as error:
            yield from (self._skipped(name, error) for name in read)
            return
        yield from self._finished()
        for row, (name, levels) in enumerate(read.items()):
            values = {output: rows[row] for output, rows in made.items()}
            like = levels[self.first.name][1]
            self._pending.append((name, pool.submit(self.outputs.write, name, values, like)))
            if name in self._cells:
                self._cells[name] = self._row(name, levels, values, like)
        progress(1.0)

    def _run(self, read: dict[Path, Levels], progress: Callable[[float], object]) -> dict[str, Tensor]:
        """Return the outputs of samples of one size, `[N, C, ...]` each."""
        numbers = [self._numbers[name] for name in read]
        lengths = self._lengths[next(iter(read))][0]
        for levels in read.values():
            self._check_lengths({**levels, **self.shared})
        if not self.runner.needs_windows(lengths, self.window, self.overlap):
            samples = {
                each.name: torch.cat([each.values(levels[each.name][0][None]) for levels in read.values()])
                for each in self.separate
            }
            one_for_all = {
                each.name: each.values(self.shared[each.name][0][None])
                for each in self.files
                if each.name in self.shared
            }
            return self.runner.run({**samples, **one_for_all}, numbers)
        window = self.window or (TILE if self.window is None else max(lengths))
        made: list[dict[str, Tensor]] = []
        for number, levels in zip(numbers, read.values(), strict=True):
            tell = partial(_within, _unnamed(progress), "", len(made) / len(read), 1 / len(read))
            made.append(self._run_in_windows({**levels, **self.shared}, number, window, tell))
        return {output: torch.cat([one[output] for one in made]) for output in made[0]}

    def _run_in_windows(
        self, levels: Levels, number: int, window: int, progress: Callable[[float], object]
    ) -> dict[str, Tensor]:
        """Return the outputs of one sample; inputs that must have the size of the first are cut with it."""
        cut = [each for each in self.files if each.axis_names == self.first.axis_names]
        return self.runner.run_in_windows(
            {each.name: (levels[each.name][0], each.values) for each in cut},
            {each.name: each.values(levels[each.name][0][None]) for each in self.files if each not in cut},
            number,
            window=window,
            overlap=self.overlap,
            progress=progress,
        )

    def _check_lengths(self, given: Levels) -> None:
        """Raise ValueError if inputs that must have one size do not."""
        wanted = self._lengths_of(self.first, given)
        for each in self.files:
            if (
                each.axis_names == self.first.axis_names
                and (found := self._lengths_of(each, given)) != wanted
            ):
                raise ValueError(f"{each.name} is {_by(found)}, but {self.first.name} is {_by(wanted)}")

    def _lengths_of(self, files: InputFiles, given: Levels) -> tuple[int, ...]:
        sample = given[files.name][0]
        return tuple(sample.shape[sample.ndim - files.axes :])

    def _row(self, name: Path, levels: Levels, values: dict[str, Tensor], like: Any) -> list[Image.Image]:
        """Return the cells of a row of the grid: inputs, outputs and, if the task can, inputs made again."""
        row = [each.cell(levels[each.name][0]) for each in self.separate]
        row += self.outputs.cells(values, like)
        if self.runner.reverse is not None:
            small = self.outputs.reduced(values)
            back = self.runner.run_reversed({self.first.name: small[None]}, self._numbers[name])
            row += self.outputs.cells({output: rows[0] for output, rows in back.items()})
        return row

    def _save_grid(self) -> None:
        rows = [row for row in self._cells.values() if row]
        if self.grid is None or not rows:
            return
        with atomic_write(self.grid, "if-equal") as file:
            cells = [cell for row in rows for cell in row]
            grids.tiled(cells, columns=len(rows[0])).save(file, format="PNG")

    def _finished(self) -> Iterator[Outcome]:
        """Yield the samples whose files are being written, once they are."""
        for name, writing in self._pending:
            writing.result()
            yield Outcome(self.first.file(name), self.outputs.paths(name))
        self._pending = []

    def _skipped(self, name: Path, error: Exception) -> Outcome:
        return Outcome(self.first.file(name), reason=self.first.reason(error))


def _read_one(files: InputFiles) -> tuple[Tensor, Any]:
    """Return the sample of the one file of an input.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return files.read(files.path)
    except Exception as error:  # decoders raise anything for damaged files
        raise ValueError(f"{files.name}={files.path}: {files.reason(error)}") from None


def _read_ahead(
    pool: ThreadPoolExecutor, read: Callable[[Path], Levels], batches: Iterable[list[Path]]
) -> Iterator[tuple[list[Path], list[Future[Levels]]]]:
    """Yield batches and their samples; while one is at work, the next is read."""
    last = None
    for names in batches:
        begun = [pool.submit(read, name) for name in names]
        if last is not None:
            yield last
        last = names, begun
    if last is not None:
        yield last


def _within(share: Share, name: str, begun: float, part: float, done: float) -> None:
    share(name, begun + part * done)


def _unnamed(progress: Callable[[float], object]) -> Share:
    return lambda name, done: progress(done)


def _by(lengths: Sequence[int]) -> str:
    return "x".join(map(str, lengths))
