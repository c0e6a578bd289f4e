"""Log of a run: one line of JSON per interval.

`log.jsonl` holds only values that follow from the recipe (images, mean loss terms, learning rates), so a
run that was killed and resumed leaves the same file as an uninterrupted one. Values that depend on the
machine (seconds, images per second, memory) are in `speed.jsonl`.
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
from ganarium.monitoring.records import read_records

BEGINNING: Mapping[str, Any] = {"bytes": 0, "sums": {}, "counts": {}, "notes": {}}
"""State of an empty log."""
VERSION = 2
"""Version of the log, in its first line."""
FAILURE = "failure.txt"
"""File in a run's folder with the message of the NonFiniteError that ended the run, if one did."""


class NonFiniteError(RuntimeError):
    """Error of a loss term or a weight that became infinite or NaN."""


class Log:
    """Writer of a run's log: sums loss terms on their device and writes the means as lines."""

    def __init__(self, folder: Path | None):
        """Start a log in `folder`; with None it sums but writes nothing (all processes but the first)."""
        self.path = folder / "log.jsonl" if folder else None
        self.speed_path = folder / "speed.jsonl" if folder else None
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.notes: dict[str, Any] = {}
        self.marked = (time.perf_counter(), 0, 0.0)
        """Time, images shown and seconds spent waiting for data at the last line of `speed.jsonl`."""

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Add the terms of one round; no value is read from the device."""
        for name, value in terms.items():
            total = self.sums.get(name)
            self.sums[name] = value.double() if total is None else total + value
            self.counts[name] = self.counts.get(name, 0) + 1

    @property
    def begins_a_line(self) -> bool:
        """True if no round was added since the last line."""
        return not self.sums

    def note(self, **values: Any) -> None:
        """Add plain values to the next line, by key; a later value replaces an earlier one of its key."""
        self.notes.update(values)

    def check(self, images: int) -> None:
        """Raise NonFiniteError if a term was not finite since the last line, on any process; name it."""
        self._share()
        if bad := [name for name, total in self.sums.items() if not math.isfinite(total.item())]:
            raise NonFiniteError(
                f"{', '.join(sorted(bad))} became infinite or NaN before image {images:,}; "
                "the last checkpoint is older. Lower optimizers.*.lr, or set optimizers.*.clip_norm"
            )

    def _share(self) -> None:
        """Replace the sums by their means over all processes; each process has a part of every batch."""
        if processes.size() == 1:
            return
        gathered = processes.gather({name: total.item() for name, total in self.sums.items()})
        for name, total in self.sums.items():
            total.fill_(sum(sums.get(name, 0.0) for sums in gathered) / len(gathered))

    def write(
        self, round: int, images: int, rates: Mapping[str, float], *, stage: str = ""
    ) -> dict[str, Any]:
        """Write the mean terms since the last line and the noted values as a line, and return the line.

        Raises:
            NonFiniteError: a term was not finite.
        """
        self.check(images)
        terms = {name: self.sums[name].item() / self.counts[name] for name in sorted(self.sums)}
        record = {"round": round, "images": images, "terms": terms, "rates": dict(rates)}
        if stage:
            record["stage"] = stage
        record.update(self.notes)
        self.sums, self.counts, self.notes = {}, {}, {}
        begins = self.path is not None and not (self.path.exists() and self.path.stat().st_size)
        self._append(self.path, {"version": VERSION, **record} if begins else record)
        return record

    def write_speed(self, images: int, waited: float, device: str = "") -> dict[str, Any]:
        """Write a line of `speed.jsonl` and return it.

        Args:
            images: number of images shown so far.
            waited: seconds spent waiting for data so far.
            device: description of the device.
        """
        started, images_before, waited_before = self.marked
        seconds = max(time.perf_counter() - started, 1e-9)
        speed = {
            "images": images,
            "seconds": round(seconds, 3),
            "images_per_second": round((images - images_before) / seconds, 2),
            "data_wait_share": round(max(0.0, waited - waited_before) / seconds, 4),
            "peak_memory_mib": peak_memory_mib(),
            "device": device,
        }
        self.mark(images, waited)
        self._append(self.speed_path, speed)
        return speed

    def skip(self, seconds: float) -> None:
        """Exclude time that was not spent on training from the speed."""
        started, images, waited = self.marked
        self.marked = (started + seconds, images, waited)

    def mark(self, images: int, waited: float) -> None:
        """Start the interval of the next line of `speed.jsonl`."""
        self.marked = (time.perf_counter(), images, waited)

    @staticmethod
    def _append(path: Path | None, record: Mapping[str, Any]) -> None:
        if path:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")

    def state_dict(self) -> dict[str, Any]:
        """Return the length of the log in bytes, and the sums and notes since its last line."""
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
        """Continue from `state`; later lines are removed, since the run will write them again."""
        self.sums = {name: value.to(device) for name, value in state["sums"].items()}
        self.counts = dict(state["counts"])
        self.notes = dict(state.get("notes", {}))  # older versions have no notes
        if self.path and self.path.exists() and self.path.stat().st_size > state["bytes"]:
            with self.path.open("r+b") as file:
                file.truncate(state["bytes"])


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a run's `log.jsonl`, up to the first line that is damaged."""
    found = read_records(folder / "log.jsonl")
    return found.valid[: found.sound]


def peak_memory_mib() -> int:
    """Return the peak memory of this process in MiB: of the GPU if one is in use, else the resident set."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated() / 2**20)
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would include memory of the parent process
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) // 2**10
    try:
        import resource
    except ImportError:  # not a Unix
        return 0
    scale = 2**20 if os.uname().sysname == "Darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // scale
