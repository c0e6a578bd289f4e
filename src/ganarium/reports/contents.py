"""Contents of a run folder; missing and damaged parts are listed instead of raising errors."""

import json
import os
import statistics
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ganarium import methods
from ganarium.common.locks import is_held
from ganarium.common.schema import checked
from ganarium.common.text import duration
from ganarium.data.report import Report
from ganarium.evaluation.during_training import BEST
from ganarium.evaluation.tables import Table, tables
from ganarium.monitoring import data_summary
from ganarium.monitoring.doctor import Diagnosis, doctor
from ganarium.monitoring.records import read_records
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import resolve
from ganarium.recipes.yaml import from_yaml
from ganarium.reports.curves import is_number

Line = dict[str, Any]


@dataclass(frozen=True)
class State:
    """Progress of a run."""

    word: str
    """`finished`, `training`, `interrupted` or `begun`."""
    images: int
    """Number of images shown."""
    length: int | None
    """Number of images of the whole run; None without a recipe."""

    def __str__(self) -> str:
        if self.word == "finished" or not self.length:
            return self.word
        return f"{self.word} at {100 * self.images / self.length:.3g} %"


@dataclass(frozen=True)
class RunContents:
    """Contents of a run folder at one moment."""

    folder: Path
    """Absolute path of the run's folder."""
    recipe_text: str
    """Text of `recipe.yaml`."""
    recipe: Recipe | None
    """Recipe of the run; None if it is invalid."""
    method: Method | None
    """Method of the run; None if it is not installed."""
    log: list[Line]
    """Lines of `log.jsonl`; the newest for each number of images."""
    speed: list[Line]
    """Lines of `speed.jsonl`; the newest for each number of images."""
    seconds: float
    """Training time, including rounds that were repeated after a kill."""
    grids: dict[int, Path]
    """Sample grids by images shown."""
    saved: int | None
    """Images shown before the newest checkpoint."""
    has_model: bool
    best: Path | None
    """Folder of the best model by `evaluate.best`."""
    data: list[str]
    """Lines of the data report."""
    broken: dict[str, str]
    """Reasons why files are skipped, by name."""
    state: State
    diagnoses: list[Diagnosis] | None
    """Diagnoses of the doctor; None if it could not examine the run."""
    evaluation: list[Table]
    """Last result of `ganarium evaluate`."""
    missing: list[str]
    """Descriptions of missing and damaged parts."""

    @property
    def name(self) -> str:
        """Name of the run: its folder's name."""
        return self.folder.name or str(self.folder)

    @property
    def default_recipe(self) -> Recipe | None:
        """Default recipe of the method."""
        return resolve(self.method) if self.method else None

    @property
    def summary(self) -> list[tuple[str, str]]:
        """Names and values for the head of the page."""
        images, length = self.state.images, self.state.length
        rows = [("images", f"{images:,}" if length in (None, images) else f"{images:,} of {length:,}")]
        if self.seconds:
            rows.append(("time", duration(self.seconds)))
        if speeds := _numbers(self.speed, "images_per_second"):
            rows.append(("speed", f"{statistics.median(speeds):,.0f} images/s"))
        if devices := list(dict.fromkeys(str(line["device"]) for line in self.speed if line.get("device"))):
            rows.append(("device", "; ".join(devices)))
        if self.recipe:
            rows += [("data", self.recipe.data.place), ("seed", str(self.recipe.seed))]
        if self.log:
            written = datetime.fromtimestamp((self.folder / "log.jsonl").stat().st_mtime)
            rows.append(("last line", f"{written:%Y-%m-%d %H:%M}"))
        return rows


def read(run: str | os.PathLike[str]) -> RunContents:
    """Read a run, or the run in a folder.

    Raises:
        FileNotFoundError: the folder holds neither a recipe nor a log.
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
        missing.append("no checkpoint is saved: the run can only start from scratch")
    elif saved < state.images:
        missing.append(f"the newest checkpoint is of {saved:,} images: the run resumes from there")
    data, broken = _data(folder, missing)
    grids = _by_images(folder / "samples", "*.png")
    if not grids:
        missing.append("there is no sample grid")
    has_model = (folder / "model" / "config.json").is_file()
    if not has_model:
        missing.append("no model is saved: samples cannot be generated")
    return RunContents(
        folder=folder,
        recipe_text=text,
        recipe=recipe,
        method=method,
        log=_joined(log),
        speed=_joined(speed),
        seconds=sum(_numbers(speed, "seconds")),
        grids=grids,
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
    """Return the files named by images shown, ascending."""
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
    """Return the records of a `.jsonl` file; other lines are counted in `missing`."""
    try:
        found = read_records(path)
    except OSError as error:
        missing.append(f"{path.name} cannot be read: {error.strerror}")
        return []
    if invalid := len(found.damaged) + found.unfinished:
        missing.append(
            f"{path.name}: {invalid:,} of its lines are truncated or not log records, and are left out"
        )
    elif not found.valid:
        missing.append(f"{path.name} has no line yet" if path.exists() else f"{path.name} is missing")
    return found.valid


def _joined(lines: list[Line]) -> list[Line]:
    """Return one line for each number of images, ascending; repeated rounds replace earlier ones."""
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
        missing.append("data.json is missing: the data report is unknown")
    except (AttributeError, OSError, TypeError, ValueError) as error:
        missing.append(f"data.json cannot be used: {error}")
    return [], {}


def _diagnoses(folder: Path, missing: list[str]) -> list[Diagnosis] | None:
    try:
        return doctor(folder)
    except (FileNotFoundError, ValueError) as error:
        missing.append(f"the doctor cannot examine the run: {error}")
    except Exception:  # a damaged log may hold values of any type
        missing.append("the doctor cannot examine the run: its recipe or its log has an unexpected structure")
    return None


def _evaluation(folder: Path, missing: list[str]) -> list[Table]:
    path = folder / "evaluation.json"
    try:
        return list(tables(json.loads(path.read_text(encoding="utf-8")))) if path.exists() else []
    except Exception as error:  # a damaged file may hold values of any type
        missing.append(f"{path.name} cannot be used: {error}")
        return []


def _state(folder: Path, lines: list[Line], recipe: Recipe | None) -> State:
    images = lines[-1]["images"] if lines else 0
    length = recipe.images if recipe else None
    if length and images >= length:
        return State("finished", images, length)
    return State(
        "training" if is_held(folder / ".lock") else "interrupted" if images else "begun", images, length
    )
