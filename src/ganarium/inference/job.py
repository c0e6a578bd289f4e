"""Run of a task over files: reading ahead, batches of samples of one size, writing behind, a grid."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ganarium.common import grids
from ganarium.common.files import atomic_write
from ganarium.inference.files import FilePath, InputFiles, OutputFiles
from ganarium.inference.runner import WHOLE, TaskRunner
from ganarium.tasks.windows import OVERLAP, TILE

GRID_ROWS = 8
"""Number of files that a grid shows."""

Share = Callable[[str, float], object]
"""Function that is called with the file at work and the share of all places that is done."""
Levels = dict[str, tuple[Tensor, Any]]
"""Stored levels `[C, ...]` of a sample, and what `Modality.encode` needs for a file like it, by input."""


@dataclass(frozen=True)
class FileSettings:
    """Settings of a task on files; see `ganarium.inference.apply.apply`."""

    seed: int | None = None
    window: int | None = None
    overlap: int = OVERLAP
    batch_size: int = 8
    grid: FilePath | None = None
    precision: str = "float32"
    derive: bool = False
    palette: FilePath | None = None


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
        settings: settings.
        share: see `Share`.
    """

    def __init__(
        self,
        runner: TaskRunner,
        files: Sequence[InputFiles],
        outputs: OutputFiles,
        settings: FileSettings,
        share: Share,
    ):
        self.runner, self.files, self.outputs = runner, files, outputs
        self.settings, self.share = settings, share
        self.first = files[0]
        self.separate = [each for each in files if each is self.first or each.path.is_dir()]
        self.shared: Levels = {each.name: _read_one(each) for each in files if each not in self.separate}
        self._numbers = {name: number for number, name in enumerate(self.first.names)}
        self._lengths: dict[Path, list[tuple[int, ...]]] = {}
        self._cells: dict[Path, list[Image.Image]] = {}
        self._pending: list[tuple[Path, Future[None]]] = []
        self._done = self._total = 0

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the result for each file."""
        yield from self._read_headers()
        self._total = sum(_places(first) for first, *_ in self._lengths.values())
        if self.settings.grid is not None:
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
            room = max(1, min(self.settings.batch_size, int(most // _places(first))))
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
        places = len(names) * _places(self._lengths[names[0]][0])
        before, part = self._done / self._total, places / self._total
        self._done += places

        def progress(done: float) -> None:
            self.share(names[0].name, before + part * done)

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
        lengths = self._checked_lengths(next(iter(read)))
        window, overlap = self.settings.window, self.settings.overlap
        if not self.runner.needs_windows(lengths, window, overlap):
            return self.runner.run(
                {each.name: self._values(each, read.values()) for each in self.files}, numbers
            )
        cut = [each for each in self.files if each.axis_names == self.first.axis_names]
        made: list[dict[str, Tensor]] = []
        for number, levels in zip(numbers, read.values(), strict=True):
            given = {**levels, **self.shared}
            one = self.runner.run_in_windows(
                {each.name: (given[each.name][0], each.values) for each in cut},
                {each.name: self._values(each, [levels]) for each in self.files if each not in cut},
                number,
                window=window or (TILE if window is None else max(lengths)),
                overlap=overlap,
                progress=lambda share: progress((len(made) + share) / len(read)),
            )
            made.append(one)
        return {output: torch.cat([one[output] for one in made]) for output in made[0]}

    def _values(self, files: InputFiles, read: Iterable[Levels]) -> Tensor:
        """Return the values of an input, `[N, C, ...]`, or `[1, C, ...]` if one file serves all."""
        found = [self.shared] if files.name in self.shared else read
        return torch.cat([files.values(levels[files.name][0][None]) for levels in found])

    def _checked_lengths(self, name: Path) -> tuple[int, ...]:
        """Return the lengths of a sample of the first input.

        Raises:
            ValueError: an input has another size than the task declares, or than the first input.
        """
        lengths = {each.name: of_it for each, of_it in zip(self.separate, self._lengths[name], strict=True)}
        first = lengths[self.first.name]
        for each in self.files:
            found = lengths.get(each.name) or each.lengths_of(self.shared[each.name][0])
            wanted: tuple[int | str, ...] = first if each.axis_names == self.first.axis_names else found
            if self.runner.sizes.fixed is None and all(isinstance(axis, int) for axis in each.axis_names):
                wanted = each.axis_names
            if found != wanted:
                raise ValueError(f"{each.name} is {_by(found)}, not {_by(wanted)}: resize it")
        return first

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
        if self.settings.grid is None or not rows:
            return
        with atomic_write(Path(self.settings.grid), "if-equal") as file:
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


def _places(lengths: Sequence[int]) -> int:
    return max(1, math.prod(lengths))


def _by(lengths: Sequence[int | str]) -> str:
    return "x".join(map(str, lengths))
