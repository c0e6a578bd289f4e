"""The endless stream of batches: a function of (seed, index) alone, so a count is its whole state."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganarium.data.batches import Batch
from ganarium.data.dataset import Dataset
from ganarium.data.order import Indices, hashed, permutation

_CORNER = 8


class Feed:
    """This process's share of an endless stream of batches, decoded ahead.

    Sample i = 0, 1, 2, ... of the stream is number i mod n of the (i // n)-th epoch, whose order depends on
    (seed, epoch); whether it is mirrored, and where it is cut out, depends on (seed, i). Whole batch b
    holds samples b B to (b + 1) B.
    It is cut into `accumulate` micro-batches, and each of these into one share for every process. So neither
    the number of processes, nor that of micro-batches, nor that of workers changes what a batch holds.
    Where a few samples keep their labels (`data.labeled_samples`), as many of these stand beside every
    batch: a second
    such stream. Of domains (`data.condition=domains`) each has a stream of its own; a batch holds
    `batch_size` samples of every one, and images and epochs are counted in those of the largest.

    Args:
        dataset: where the samples come from.
        batch_size: of the whole run; divisible by `size * accumulate`.
        seed: of order and mirroring.
        flip: mirror half of the pictures left to right.
        accumulate: micro-batches a batch.
        rank: this process, 0 <= rank < size.
        size: number of processes.
        device: where the samples are put.
        channels_last: lay pictures out as NHWC in memory (their shape stays `[N, C, H, W]`).
        workers: threads that decode ahead, until all is decoded; 0 decodes in the caller's own.

    Raises:
        ValueError: `batch_size` cannot be shared out evenly.
    """

    dataset: Dataset
    waited: float
    """Seconds that the caller has waited for samples."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        seed: int = 0,
        flip: bool = False,
        accumulate: int = 1,
        rank: int = 0,
        size: int = 1,
        device: str | torch.device = "cpu",
        channels_last: bool = False,
        workers: int = 2,
    ):
        if batch_size < 1 or batch_size % (size * accumulate):
            raise ValueError(
                f"batch_size={batch_size} cannot be shared out among {size} processes times "
                f"{accumulate} micro-batches: make it a multiple of {size * accumulate}"
            )
        fewest = min(len(stream) for stream in dataset.streams if not stream.few)
        if fewest < batch_size:
            dataset.report.note(
                f"only {fewest:,} samples for batches of {batch_size:,}: each is shown more than once a batch"
            )
        self.waited = 0.0
        self.dataset = dataset
        self._seed, self._flip = seed, flip
        self._accumulate = accumulate
        self._share = batch_size // (size * accumulate)
        self._rank, self._size = rank, size
        self._device, self._channels_last = torch.device(device), channels_last
        self._calls = 0
        self._workers = ThreadPoolExecutor(workers, "ganarium-feed") if workers else None
        self._ahead: deque[Future[Batch]] = deque()
        self._most_ahead = 2 * workers

    @property
    def images(self) -> int:
        """Samples handed out so far by all processes together."""
        return self._calls * self._share * self._size

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        """The next micro-batch, on the device.

        Raises:
            ValueError: not one sample is whole.
        """
        started = time.perf_counter()
        self._look_ahead()
        if self._ahead:
            batch = self._ahead[0].result()
            self._ahead.popleft()
        else:
            batch = self._assembled(self._calls)
        self._calls += 1
        self.waited += time.perf_counter() - started
        self._look_ahead()
        if self._device.type == "cpu":
            return batch
        return on_device(batch, self._device)

    def state_dict(self) -> dict[str, int]:
        """Whole batches handed out; what was only decoded ahead does not count."""
        return {"batches": self._calls // self._accumulate}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Goes on where a feed of any number of processes and micro-batches stood."""
        self._drop()
        self._calls = state["batches"] * self._accumulate

    def close(self) -> None:
        """Ends the workers."""
        self._drop()
        if self._workers is not None:
            self._workers.shutdown(wait=True)

    def _look_ahead(self) -> None:
        """Let the workers decode what comes next; where all is decoded, they only disturb and are sent home.

        On a CPU a thread that wakes takes a core from the engine's own, which then all wait for that one.
        """
        if self._workers is None:
            return
        if self._device.type == "cpu" and self.dataset.in_memory:
            if not self._ahead:
                self._workers.shutdown(wait=True)
                self._workers = None
            return
        while len(self._ahead) < self._most_ahead:
            self._ahead.append(self._workers.submit(self._assembled, self._calls + len(self._ahead)))

    def _drop(self) -> None:
        for future in self._ahead:
            future.cancel()
        self._ahead.clear()

    def _assembled(self, call: int) -> Batch:
        start = (call * self._size + self._rank) * self._share
        places = np.arange(start, start + self._share)
        parts = []
        for number, stream in enumerate(self.dataset.streams):
            parts.append(
                self.dataset.part(
                    number,
                    _order(len(stream), start, self._share, self._seed, *stream.order),
                    places=places,
                    mirrored=self._mirrored(places, *stream.mirror),
                    corners=self._corners(places, *stream.mirror),
                )
            )
        batch = self.dataset.join(parts)
        if self._channels_last:
            batch = _each(batch, _channels_last)
        return _each(batch, Tensor.pin_memory) if self._device.type == "cuda" else batch

    def _mirrored(self, places: Indices, *key: int) -> NDArray[np.bool_] | None:
        """Return which places of the stream show a mirror image; None if none does."""
        return hashed(places, self._seed, *key) >> np.uint64(63) == 1 if self._flip else None

    def _corners(self, places: Indices, *key: int) -> NDArray[np.float64]:
        """Return where the samples at these places are cut out: `[N, A]` in [0, 1)."""
        axes = range(max(1, len(self.dataset.modality.windowed)))
        bits = [hashed(places, self._seed, _CORNER, *key, axis) for axis in axes]
        return np.stack(bits, axis=1).astype(np.float64) / 2**64 % 1


def _order(length: int, start: int, count: int, *key: int) -> NDArray[np.int64]:
    """Which samples, of `length`, stand at `count` places of a stream from `start` on."""
    parts = []
    while count:
        epoch, place = divmod(start, length)
        part = permutation(length, *key, epoch)[place : place + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return np.concatenate(parts)


def on_device(batch: Any, device: torch.device) -> Any:
    """The same batch on a device."""
    return _each(batch, lambda part: part.to(device, non_blocking=True))


def _each(batch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same batch with every tensor in it changed."""
    if isinstance(batch, Tensor):
        return change(batch)
    parts = tuple(_each(part, change) for part in batch)
    return parts if type(batch) is tuple else type(batch)(*parts)


def _channels_last(part: Tensor) -> Tensor:
    """The same pictures, laid out as NHWC; by numpy, since torch would start a team of threads a worker.

    With more threads than cores OpenMP puts them all to sleep at every barrier, the engine's, too.
    """
    if part.ndim != 4:
        return part
    return torch.from_numpy(np.ascontiguousarray(part.numpy().transpose(0, 2, 3, 1))).permute(0, 3, 1, 2)
