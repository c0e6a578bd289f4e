"""Feed: an endless stream of batches, a function of (seed, index) alone; its state is a count of batches."""

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
    """Share of one process in an endless stream of batches, decoded ahead.

    Sample i = 0, 1, 2, ... of the stream is number i mod n of epoch i // n. The order of an epoch depends on
    (seed, epoch); mirroring and the place of cropping depend on (seed, i). Batch b consists of the samples
    b B to (b + 1) B - 1. It is divided into `accumulate` micro-batches, and each of these into one share per
    process. The contents of a batch therefore do not depend on the numbers of processes, micro-batches and
    workers.

    A data set with several streams gives `batch_size` samples of each: of all samples and of labeled ones
    (`data.labeled_samples`), or of every domain (`data.condition=domains`). Images and epochs are counted in
    samples of the largest stream.

    Args:
        dataset: the data set.
        batch_size: batch size of the whole run; divisible by `size * accumulate`.
        seed: seed of order, mirroring and cropping.
        flip: mirror half of the images left to right.
        accumulate: number of micro-batches per batch.
        rank: number of this process, 0 <= rank < size.
        size: number of processes.
        device: device of the samples.
        channels_last: store images as NHWC in memory (their shape stays `[N, C, H, W]`).
        workers: number of threads that decode ahead until all samples are decoded; with 0 the calling thread
            decodes.

    Attributes:
        dataset: the data set.
        waited: seconds that the caller has waited for samples.

    Raises:
        ValueError: `batch_size` cannot be divided evenly.
    """

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
        """Number of samples that all processes together have returned so far."""
        return self._calls * self._share * self._size

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        """Return the next micro-batch, on the device.

        Raises:
            ValueError: every sample is broken.
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
        return _each(batch, lambda part: part.to(self._device, non_blocking=True))

    def state_dict(self) -> dict[str, int]:
        """Return the number of whole batches so far, without those that are only decoded ahead."""
        return {"batches": self._calls // self._accumulate}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue the stream of another feed, whose numbers of processes and micro-batches may differ."""
        self._drop()
        self._calls = state["batches"] * self._accumulate

    def close(self) -> None:
        """Stop the worker threads."""
        self._drop()
        if self._workers is not None:
            self._workers.shutdown(wait=True)

    def _look_ahead(self) -> None:
        """Let the workers decode the next batches; stop them once all samples are cached.

        On a CPU a waking thread takes a core from the engine's threads, all of which then wait for one.
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
        parts = [
            self.dataset.part(
                number,
                _order(len(stream), start, self._share, self._seed, *stream.order),
                places=places,
                mirrored=self._mirrored(places, *stream.mirror),
                corners=self._corners(places, *stream.mirror),
            )
            for number, stream in enumerate(self.dataset.streams)
        ]
        batch = self.dataset.join(parts)
        if self._channels_last:
            batch = _each(batch, _channels_last)
        return _each(batch, Tensor.pin_memory) if self._device.type == "cuda" else batch

    def _mirrored(self, places: Indices, *key: int) -> NDArray[np.bool_] | None:
        """Return `[N]`, True for places of the stream that are mirrored; None without mirroring."""
        return hashed(places, self._seed, *key) >> np.uint64(63) == 1 if self._flip else None

    def _corners(self, places: Indices, *key: int) -> NDArray[np.float64]:
        """Return the places where samples are cut out, `[N, A]` in [0, 1)."""
        axes = range(max(1, len(self.dataset.modality.windowed)))
        bits = [hashed(places, self._seed, _CORNER, *key, axis) for axis in axes]
        return np.stack(bits, axis=1).astype(np.float64) / 2**64 % 1


def _order(length: int, start: int, count: int, *key: int) -> NDArray[np.int64]:
    """Return the numbers, below `length`, of the samples at `count` places of a stream, from `start` on."""
    parts = []
    while count:
        epoch, place = divmod(start, length)
        part = permutation(length, *key, epoch)[place : place + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return np.concatenate(parts)


def _each(batch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return a batch with `change` applied to every tensor in it."""
    if isinstance(batch, Tensor):
        return change(batch)
    parts = tuple(_each(part, change) for part in batch)
    return parts if type(batch) is tuple else type(batch)(*parts)


def _channels_last(part: Tensor) -> Tensor:
    """Return images stored as NHWC; other tensors as they are.

    NumPy copies them, since torch would start a team of threads per worker. With more threads than cores
    OpenMP lets all of them sleep at every barrier, those of the engine included.
    """
    if part.ndim != 4:
        return part
    return torch.from_numpy(np.ascontiguousarray(part.numpy().transpose(0, 2, 3, 1))).permute(0, 3, 1, 2)
