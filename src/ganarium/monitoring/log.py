"""The run's log: one line of JSON an interval, the same for the same run.

`log.jsonl` holds what follows from the recipe alone (images, mean loss terms, learning rates), so a run
that was killed and resumed leaves the same file as one that was not. What depends on the machine
(seconds, images a second, memory) goes into `speed.jsonl`.
"""

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganarium.core import processes

BEGINNING: Mapping[str, Any] = {"bytes": 0, "sums": {}, "counts": {}, "notes": {}}
"""Where an empty log stands."""
FAILURE = "failure.txt"
"""In a run's folder: the error that ended it, where a number was none."""


class NonFiniteError(RuntimeError):
    """A loss term or a weight has become infinite or no number."""


class Log:
    """Sums up loss terms where they are, and writes their means when it is told to."""

    def __init__(self, folder: Path | None):
        """`folder=None` counts, but writes nothing: for all processes but the first."""
        self.path = folder / "log.jsonl" if folder else None
        self.speed_path = folder / "speed.jsonl" if folder else None
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.notes: dict[str, Any] = {}
        self.marked = (time.perf_counter(), 0, 0.0)

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Count one round's terms; nothing is read from the device."""
        for name, value in terms.items():
            seen = self.sums.get(name)
            self.sums[name] = value.double() if seen is None else seen + value
            self.counts[name] = self.counts.get(name, 0) + 1

    @property
    def begins_a_line(self) -> bool:
        """Whether no round was counted since the last line."""
        return not self.sums

    def note(self, **spec: Any) -> None:
        """Put facts, plain values by name, beside the terms of the next line; of each the newest."""
        self.notes.update(spec)

    def check(self, images: int) -> None:
        """Raise NonFiniteError naming the terms that were not finite since the last line, on any process."""
        self._share()
        if bad := [name for name, total in self.sums.items() if not math.isfinite(total.item())]:
            raise NonFiniteError(
                f"{', '.join(sorted(bad))} became infinite or no number before image {images:,}; "
                "the last checkpoint is from before. Lower optimizers.*.lr, or set optimizers.*.clip_norm"
            )

    def _share(self) -> None:
        """Give every process the mean of all processes' sums; each saw its own part of the batches."""
        if processes.size() == 1:
            return
        gathered = processes.gather({name: total.item() for name, total in self.sums.items()})
        for name, total in self.sums.items():
            total.fill_(sum(sums.get(name, 0.0) for sums in gathered) / len(gathered))

    def write(
        self, round: int, images: int, rates: Mapping[str, float], *, stage: str = ""
    ) -> dict[str, Any]:
        """The mean terms since the last line, written as a line and returned; `stage` if it has a name."""
        self.check(images)
        terms = {name: self.sums[name].item() / self.counts[name] for name in sorted(self.sums)}
        record = {"round": round, "images": images, "terms": terms, "rates": dict(rates)}
        if stage:
            record["stage"] = stage
        record.update(self.notes)
        self.sums, self.counts, self.notes = {}, {}, {}
        self._append(self.path, record)
        return record

    def write_speed(self, images: int, waited: float, device: str = "") -> dict[str, Any]:
        """Images a second, share of the time spent waiting for data, and peak memory since the last line."""
        now, before, waits = time.perf_counter(), self.marked, waited
        seconds = max(now - before[0], 1e-9)
        speed = {
            "images": images,
            "seconds": round(seconds, 3),
            "images_per_second": round((images - before[1]) / seconds, 2),
            "data_wait_share": round(max(0.0, waits - before[2]) / seconds, 4),
            "peak_memory_mib": peak_memory_mib(),
            "device": device,
        }
        self.mark(images, waited)
        self._append(self.speed_path, speed)
        return speed

    def skip(self, seconds: float) -> None:
        """Leave out time that was not spent on training."""
        began, images, waited = self.marked
        self.marked = (began + seconds, images, waited)

    def mark(self, images: int, waited: float) -> None:
        """Start the stopwatch here."""
        self.marked = (time.perf_counter(), images, waited)

    @staticmethod
    def _append(path: Path | None, record: Mapping[str, Any]) -> None:
        if path:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")

    def state_dict(self) -> dict[str, Any]:
        """Where the log stands: its length in bytes, and what is summed up and noted since its last line."""
        length = 0
        if self.path and self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
                length = file.seek(0, os.SEEK_END)
        return {
            "bytes": length,
            "sums": dict(self.sums),
            "counts": dict(self.counts),
            "notes": dict(self.notes),
        }

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from `state`; lines written after it are taken back, for they will be written again."""
        self.sums = {name: value.to(device) for name, value in state["sums"].items()}
        self.counts = dict(state["counts"])
        self.notes = dict(state.get("notes", {}))  # runs of older versions have none
        if self.path and self.path.exists() and self.path.stat().st_size > state["bytes"]:
            with self.path.open("r+b") as file:
                file.truncate(state["bytes"])


def read(folder: Path) -> list[dict[str, Any]]:
    """The records in a run's `log.jsonl`; a last line that is cut off is left out."""
    path = folder / "log.jsonl"
    records = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def peak_memory_mib() -> int:
    """The most memory this process has held: the GPU's where one is used, else its resident set."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated() / 2**20)
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the process that started this one held
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) // 2**10
    try:
        import resource
    except ImportError:  # not a Unix
        return 0
    scale = 2**20 if os.uname().sysname == "Darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // scale
