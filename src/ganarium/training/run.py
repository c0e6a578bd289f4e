"""A run: a folder in which a method is, or was, trained."""

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
from ganarium.evaluation.during_training import BEST
from ganarium.methods.resolve import chosen_recipe, method_of, naming_file
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.monitoring import log
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import changed, complete
from ganarium.recipes.sources import source_name
from ganarium.recipes.yaml import saved_recipe, settings
from ganarium.training.loop import Progress
from ganarium.training.trainer import Trainer


class Run:
    """A run folder. Iterating plays it: first its log so far, then what is still to be played.

    Attributes:
        folder: where everything is.
        recipe: what is played.
    """

    def __init__(self, folder: str | Path, *, recipe: Recipe | None = None, notify: Notify = silent):
        """Open a run; with a recipe, begin one.

        Raises:
            FileNotFoundError: there is no run in this folder.
            ValueError: its recipe cannot be used.
        """
        self.folder = Path(folder)
        self.notify = notify
        self.recipe = recipe if recipe is not None else _saved_recipe(self.folder)
        self._trainer: Trainer | None = None

    def changed(self, changes: Mapping[str, Any], overrides: Sequence[str] = ()) -> Self:
        """The same run with some keys of its recipe changed (a greater length, another learning rate)."""
        tree = functools.reduce(changed, [changes, settings(overrides)], self.recipe.model_dump(mode="json"))
        return type(self)(
            self.folder, recipe=complete(methods.find(self.recipe.method), tree), notify=self.notify
        )

    def trainer(self) -> Trainer:
        """What will play it, its data open: to see what they are, and what playing will cost.

        Nothing is written. Under torchrun ask within `group`.
        """
        if self._trainer is None:
            self._trainer = Trainer(self.recipe, self.folder, notify=self.notify)
            self.recipe = self._trainer.recipe
        return self._trainer

    def play(self) -> Generator[Progress, None, None]:
        """Play on from where the folder stands; yields a Progress for each new line of the log."""
        with group(self.recipe):
            trainer, self._trainer = self.trainer(), None
            yield from trainer.play()

    def __iter__(self) -> Iterator[Progress]:
        """The log so far, then each new line as it is played."""
        for record in log.read(self.folder):
            yield Progress(
                record["round"],
                record["images"],
                self.recipe.images,
                record["terms"],
                0.0,
                0.0,
                self.sheet,
                record.get("stage", ""),
                record.get("metrics", {}),
            )
        yield from self.play()

    def finish(self) -> Self:
        """Play to the end."""
        for _ in self.play():
            pass
        return self

    @property
    def sheet(self) -> Path | None:
        """The newest sheet of samples."""
        return max((self.folder / "samples").glob("*.png"), default=None)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The log so far: round, images, mean terms and learning rates of each line."""
        return log.read(self.folder)

    @property
    def best(self) -> Path | None:
        """The folder of the best model so far, by `evaluate.best`; None where nothing was judged yet."""
        folder = self.folder / BEST
        return folder if (folder / "config.json").is_file() else None

    def model(self) -> Model:
        """The model as it was last saved."""
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
    """Within the block the processes that torchrun started are one group."""
    processes.start(device_named(recipe.device))
    try:
        yield
    finally:
        processes.stop()


def new_folder(method: str, parent: Path = Path("runs")) -> Path:
    """The next free run folder: `runs/0007-dcgan`."""
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
    """A new run that waits to be played: iterate over it, or call `finish()`.

    Args:
        method: a name, a recipe file, or a Method of your own.
        data: a source or several, the recipe's `data` as a table, an array or tensor of images, a `Source`
            or a
            `Dataset`; the built-in world if None.
        out: the run folder; the next free one under `runs/` where it is not said.
        preset: the method's preset for a kind of data.
        overrides: `key=value`, as on the command line; they come last.
        notify: is told what people should know.
        changes: keys of the recipe: `images=200_000`, `game={"objective": "hinge"}` ...

    Raises:
        FileExistsError: there is a run in `out` already.
        FileNotFoundError, ValueError: as `chosen_recipe`.
    """
    recipe = chosen_recipe(method, data=data, preset=preset, changes=changes, overrides=overrides)
    folder = Path(out) if out is not None else new_folder(recipe.method)
    refuse_used(folder)
    return Run(folder, recipe=recipe, notify=notify)


def refuse_used(folder: Path) -> None:
    """Raise FileExistsError where a run is in the folder: nothing is written over."""
    if (folder / "recipe.yaml").exists():
        raise FileExistsError(
            f"there is a run in {folder} already; go on with it (ganarium resume {folder}), "
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
    """Train to the end; see `prepare` for the arguments and errors."""
    run = prepare(method, data=data, out=out, preset=preset, overrides=overrides, notify=notify, **changes)
    return run.finish()


def resume(folder: str | Path, *, data: Any = None, notify: Notify = silent, **changes: Any) -> Run:
    """Go on with a run to its end: the same numbers as if it had never stopped.

    Args:
        folder: the run's.
        data: the array, tensor, `Source` or `Dataset` that the run was given, if it was given an object.
        notify: is told what people should know.
        changes: keys of the recipe to change, a greater `images=...` say.
    """
    if data is not None:
        source_name(data)
    return Run(folder, notify=notify).changed(changes).finish()
