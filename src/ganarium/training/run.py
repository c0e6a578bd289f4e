"""Run: a folder in which a method is trained."""

import contextlib
import functools
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from ganarium import methods
from ganarium.common.notify import Notify, silent
from ganarium.core import processes
from ganarium.core.devices import device_named
from ganarium.data.sources.table import GIVEN
from ganarium.evaluation.during_training import BEST
from ganarium.methods.resolve import chosen_recipe, method_of, naming_file
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.monitoring import log
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import changed, complete
from ganarium.recipes.sources import data_layer
from ganarium.recipes.yaml import saved_recipe, settings
from ganarium.training.loop import Progress
from ganarium.training.trainer import Trainer


class Run:
    """Run folder. Iteration yields the log so far, then plays the rest of the run.

    Attributes:
        folder: the run folder.
        recipe: recipe of the run.
        notify: receives messages for the user.
    """

    def __init__(self, folder: str | Path, *, recipe: Recipe | None = None, notify: Notify = silent):
        """Open a run; with a recipe, start one.

        Raises:
            FileNotFoundError: the folder contains no run.
            ValueError: its recipe is invalid.
        """
        self.folder = Path(folder)
        self.notify = notify
        self.recipe = recipe if recipe is not None else _saved_recipe(self.folder)
        self._trainer: Trainer | None = None

    def changed(self, changes: Mapping[str, Any], overrides: Sequence[str] = ()) -> Self:
        """Return the run with some keys of its recipe changed (more images, another learning rate)."""
        tree = functools.reduce(changed, [changes, settings(overrides)], self.recipe.model_dump(mode="json"))
        return type(self)(
            self.folder, recipe=complete(methods.find(self.recipe.method), tree), notify=self.notify
        )

    def trainer(self) -> Trainer:
        """Return the trainer of the run; it has opened the data and can estimate the cost.

        Nothing is written. Under torchrun, call this within `group`.
        """
        if self._trainer is None:
            self._trainer = Trainer(self.recipe, self.folder, notify=self.notify)
            self.recipe = self._trainer.recipe
        return self._trainer

    def play(self) -> Generator[Progress, None, None]:
        """Play from the newest checkpoint to the end; yield a Progress for each new line of the log."""
        with group(self.recipe):
            trainer, self._trainer = self.trainer(), None
            yield from trainer.play()

    def __iter__(self) -> Iterator[Progress]:
        """Yield the log so far, then play and yield each new line."""
        for record in log.read(self.folder):
            yield Progress(
                record["round"],
                record["images"],
                self.recipe.images,
                record["terms"],
                0.0,
                0.0,
                self.grid,
                record.get("stage", ""),
                record.get("metrics", {}),
            )
        yield from self.play()

    def finish(self) -> Self:
        """Play to the end; return the run."""
        for _ in self.play():
            pass
        return self

    @property
    def grid(self) -> Path | None:
        """Newest sample grid; None if there is none."""
        return max((self.folder / "samples").glob("*.png"), default=None)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Lines of the log so far: round, images, mean terms, learning rates."""
        return log.read(self.folder)

    @property
    def best(self) -> Path | None:
        """Folder of the best model so far, by `evaluate.best`; None before the first evaluation."""
        folder = self.folder / BEST
        return folder if (folder / "config.json").is_file() else None

    def model(self) -> Model:
        """Load the model that was saved last."""
        return load(self.folder)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, method={self.recipe.method!r}, images={self.recipe.images:,})"


def _saved_recipe(folder: Path) -> Recipe:
    tree = saved_recipe(folder)
    with naming_file(folder / "recipe.yaml"):
        return complete(method_of(tree), tree)


@contextlib.contextmanager
def group(recipe: Recipe) -> Iterator[None]:
    """Connect the processes that torchrun started into one group within the block."""
    processes.start(device_named(recipe.device))
    try:
        yield
    finally:
        processes.stop()


def new_folder(method: str, parent: Path = Path("runs")) -> Path:
    """Return the next free run folder: `runs/0007-dcgan`."""
    numbers = [int(m.group()) for f in parent.glob("[0-9]*") if (m := re.match(r"\d+", f.name))]
    return parent / f"{max(numbers, default=0) + 1:04d}-{method}"


def prepare(
    method: str | Path | Method | Mapping[str, Any],
    *,
    data: Any = None,
    out: str | Path | None = None,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    notify: Notify = silent,
    **changes: Any,
) -> Run:
    """Return a new run; to play it, iterate over it or call `finish()`.

    Args:
        method: name, recipe file, tree of a recipe, or your own Method.
        data: one or several sources, the recipe's `data` as a table, an array or tensor of images, a
            `Source` or a `Dataset`; the built-in world if None.
        out: run folder; by default the next free one under `runs/`.
        preset: name of a preset of the method.
        overrides: `key=value`, as on the command line, applied last.
        notify: receives messages for the user.
        changes: keys of the recipe: `images=200_000`, `game={"objective": "hinge"}` ...

    Raises:
        FileExistsError: `out` contains a run already.
        FileNotFoundError, ValueError: see `chosen_recipe`.
    """
    recipe = chosen_recipe(method, data=data, preset=preset, changes=changes, overrides=overrides)
    folder = Path(out) if out is not None else new_folder(recipe.method)
    refuse_used(folder)
    return Run(folder, recipe=recipe, notify=notify)


def refuse_used(folder: Path) -> None:
    """Raise FileExistsError if the folder contains a run, which would be overwritten."""
    if (folder / "recipe.yaml").exists():
        raise FileExistsError(
            f"there is a run in {folder} already; resume it (ganarium resume {folder}), "
            "or choose another folder"
        )


def train(
    method: str | Path | Method | Mapping[str, Any],
    *,
    data: Any = None,
    out: str | Path | None = None,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    notify: Notify = silent,
    **changes: Any,
) -> Run:
    """Train a method to the end; see `prepare` for arguments and errors."""
    run = prepare(method, data=data, out=out, preset=preset, overrides=overrides, notify=notify, **changes)
    return run.finish()


def resume(folder: str | Path, *, data: Any = None, notify: Notify = silent, **changes: Any) -> Run:
    """Play a run to its end; the numbers equal those of an uninterrupted run.

    Args:
        folder: run folder.
        data: the array, tensor, `Source` or `Dataset` of the run, if its data were given as an object; or
            another place of the same data, or keys of the recipe's table `data` to change.
        notify: receives messages for the user.
        changes: keys of the recipe to change, for example a larger `images=...`.
    """
    layer = {} if data is None else data_layer(data)
    if layer and not str(layer.get("source", "")).startswith(GIVEN):  # objects are known by name now
        changes = {"data": layer, **changes}
    return Run(folder, notify=notify).changed(changes).finish()
