"""What a run folder tells, as far as it goes: what is missing or damaged is said, not raised."""

import fcntl
import json
import os
import statistics
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ganarium import methods
from ganarium.common.schema import checked
from ganarium.common.text import duration
from ganarium.data.report import Report
from ganarium.evaluation.during_training import BEST
from ganarium.evaluation.tables import Table, tables
from ganarium.monitoring import data_summary
from ganarium.monitoring.doctor import Diagnosis, doctor
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import resolve
from ganarium.recipes.yaml import from_yaml
from ganarium.reports.curves import is_number

Line = dict[str, Any]


@dataclass(frozen=True)
class State:
    """How far a run has come."""

    word: str
    """`finished`, `training`, `interrupted` or `begun`."""
    images: int
    length: int | None
    """None where no recipe says it."""

    def __str__(self) -> str:
        if self.word == "finished" or not self.length:
            return self.word
        return f"{self.word} at {100 * self.images / self.length:.3g} %"


@dataclass(frozen=True)
class RunContents:
    """A run folder, read once."""

    folder: Path
    """The run's, as a whole path."""
    recipe_text: str
    """`recipe.yaml` as it stands."""
    recipe: Recipe | None
    """None where it cannot be used."""
    method: Method | None
    """None where no such method is installed."""
    log: list[Line]
    speed: list[Line]
    """Without what was played again after a kill."""
    seconds: float
    """Spent training, what was played again included."""
    sheets: dict[int, Path]
    """The sheets of samples, by the images shown before."""
    saved: int | None
    """Images shown before the newest checkpoint."""
    has_model: bool
    best: Path | None
    """The folder of the best model by `evaluate.best`."""
    data: list[str]
    """What was recognised in the data, in lines."""
    broken: dict[str, str]
    """Files that are skipped: name and reason."""
    state: State
    diagnoses: list[Diagnosis] | None
    """What the doctor says; None where it could not examine the run."""
    evaluation: list[Table]
    """What `ganarium evaluate` said last."""
    missing: list[str]
    """What is missing or damaged, in words."""

    @property
    def name(self) -> str:
        """What the run is called: its folder's name."""
        return self.folder.name or str(self.folder)

    @property
    def own(self) -> Recipe | None:
        """The method's own recipe."""
        return resolve(self.method) if self.method else None

    @property
    def spec(self) -> list[tuple[str, str]]:
        """The headline's figures, each under its name."""
        images, length = self.state.images, self.state.length
        told = [("images", f"{images:,}" if length in (None, images) else f"{images:,} of {length:,}")]
        if self.seconds:
            told.append(("time", duration(self.seconds)))
        if speeds := _numbers(self.speed, "images_per_second"):
            told.append(("speed", f"{statistics.median(speeds):,.0f} images/s"))
        if devices := list(dict.fromkeys(str(line["device"]) for line in self.speed if line.get("device"))):
            told.append(("device", "; ".join(devices)))
        if self.recipe:
            told += [("data", self.recipe.data.place), ("seed", str(self.recipe.seed))]
        if self.log:
            written = datetime.fromtimestamp((self.folder / "log.jsonl").stat().st_mtime)
            told.append(("last line", f"{written:%Y-%m-%d %H:%M}"))
        return told


def read(run: str | os.PathLike[str]) -> RunContents:
    """The story of a run, or of the one in a folder.

    Raises:
        FileNotFoundError: there is no run: neither a recipe nor a log.
    """
    folder = Path(run).resolve()
    if not any((folder / name).exists() for name in ("recipe.yaml", "log.jsonl")):
        raise FileNotFoundError(f"{folder} is no run: it has neither a recipe.yaml nor a log.jsonl")
    missing: list[str] = []
    text = _text(folder / "recipe.yaml", missing)
    recipe = _recipe(text, missing)
    method = _method(recipe, missing)
    log = _lines(folder / "log.jsonl", missing)
    speed = _lines(folder / "speed.jsonl", missing)
    state = _state(folder, log, recipe)
    saved = max(_by_images(folder / "checkpoints", "*.pt"), default=None)
    if saved is None:
        missing.append("no checkpoint is saved: the run can only begin anew")
    elif saved < state.images:
        missing.append(f"the newest checkpoint is of {saved:,} images: the run goes on from there")
    data, broken = _data(folder, missing)
    sheets = _by_images(folder / "samples", "*.png")
    if not sheets:
        missing.append("there is no sheet of samples")
    has_model = (folder / "model" / "config.json").is_file()
    if not has_model:
        missing.append("no model is saved: there is nothing to draw samples with")
    return RunContents(
        folder=folder,
        recipe_text=text,
        recipe=recipe,
        method=method,
        log=_joined(log),
        speed=_joined(speed),
        seconds=sum(_numbers(speed, "seconds")),
        sheets=sheets,
        saved=saved,
        has_model=has_model,
        best=folder / BEST if (folder / BEST / "config.json").is_file() else None,
        data=data,
        broken=broken,
        state=state,
        diagnoses=_diagnoses(folder, missing),
        evaluation=_evaluation(folder, missing),
        missing=missing,
    )


def _by_images(folder: Path, pattern: str) -> dict[int, Path]:
    """The files that are named by the images shown before, ascending."""
    return dict(sorted((int(path.stem), path) for path in folder.glob(pattern) if path.stem.isdecimal()))


def _numbers(lines: list[Line], key: str) -> list[float]:
    return [line[key] for line in lines if is_number(line.get(key))]


def _text(path: Path, missing: list[str]) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        missing.append(f"{path.name} is missing")
    except OSError as error:
        missing.append(f"{path.name} cannot be read: {error.strerror}")
    return ""


def _lines(path: Path, missing: list[str]) -> list[Line]:
    """The lines of a `.jsonl`, as they were written."""
    lines, others = [], 0
    for text in _text(path, missing).splitlines():
        try:
            line = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            line = None
        if isinstance(line, dict) and type(images := line.get("images")) is int and 0 <= images < 2**53:
            lines.append(line)
        else:
            others += 1
    if others:
        missing.append(
            f"{path.name}: {others:,} of its lines are cut off or no lines of a log, and are left out"
        )
    elif not lines and path.exists():
        missing.append(f"{path.name} has no line yet")
    return lines


def _joined(lines: list[Line]) -> list[Line]:
    """One line for each number of images, ascending: what was played again takes the place of what was."""
    joined: list[Line] = []
    for line in lines:
        while joined and joined[-1]["images"] > line["images"]:
            joined.pop()
        if joined and joined[-1]["images"] == line["images"]:
            line = joined.pop() | line
        joined.append(line)
    return joined


def _recipe(text: str, missing: list[str]) -> Recipe | None:
    try:
        return checked(Recipe, from_yaml(text), "") if text else None
    except ValueError as error:
        missing.append(f"recipe.yaml cannot be used: {error}")
        return None


def _method(recipe: Recipe | None, missing: list[str]) -> Method | None:
    try:
        return methods.find(recipe.method) if recipe else None
    except ValueError as error:
        missing.append(str(error))
        return None


def _data(folder: Path, missing: list[str]) -> tuple[list[str], dict[str, str]]:
    try:
        report = Report.from_dict(data_summary.read(folder))
        return report.lines(), dict(report.broken)
    except FileNotFoundError:
        missing.append("data.json is missing: what was recognised in the data is not known")
    except (AttributeError, OSError, TypeError, ValueError) as error:
        missing.append(f"data.json cannot be used: {error}")
    return [], {}


def _diagnoses(folder: Path, missing: list[str]) -> list[Diagnosis] | None:
    try:
        return doctor(folder)
    except (FileNotFoundError, ValueError) as error:
        missing.append(f"the doctor cannot examine the run: {error}")
    except Exception:  # a damaged log may hold anything in the place of anything
        missing.append("the doctor cannot examine the run: its recipe or its log is not as they are written")
    return None


def _evaluation(folder: Path, missing: list[str]) -> list[Table]:
    path = folder / "evaluation.json"
    try:
        return list(tables(json.loads(path.read_text(encoding="utf-8")))) if path.exists() else []
    except Exception as error:  # nor does a damaged file hold what it should
        missing.append(f"{path.name} cannot be used: {error}")
        return []


def _state(folder: Path, lines: list[Line], recipe: Recipe | None) -> State:
    images = lines[-1]["images"] if lines else 0
    length = recipe.images if recipe else None
    if length and images >= length:
        return State("finished", images, length)
    return State("training" if _is_busy(folder) else "interrupted" if images else "begun", images, length)


def _is_busy(folder: Path) -> bool:
    """Whether a process trains in the folder now: it holds the lock as long as it does."""
    try:
        with (folder / ".lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
