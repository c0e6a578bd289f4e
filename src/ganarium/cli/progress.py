"""Output of a training run on a terminal, and in a file."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ganarium.common.text import duration

if TYPE_CHECKING:
    from ganarium.training.loop import Progress
    from ganarium.training.trainer import Trainer

SECONDS_BETWEEN_LINES = 5
TERMS = 4
"""Number of loss terms in a line."""
METRICS = 2
"""Number of metrics in a line, the selecting one first."""
PATIENCE = 20
"""Seconds to the first line above which a note explains the wait."""

Show = Callable[["Progress"], None]


def say(line: str) -> None:
    """Print a line, at once; of several processes only the first one speaks."""
    if os.environ.get("RANK", "0") == "0":
        print(line, flush=True)


def plan(trainer: "Trainer") -> Iterator[str]:
    """Yield the lines of a recipe file; data, networks and the estimated cost are its comments."""
    from ganarium.evaluation.during_training import BEST
    from ganarium.recipes.yaml import to_yaml

    recipe = trainer.recipe
    yield to_yaml(recipe).rstrip()
    yield from (f"# data: {line}" for line in trainer.dataset.report.lines())
    epochs = recipe.images / len(trainer.dataset)
    yield f"# length: {recipe.images:,} images, {epochs:,.3g} epochs of {len(trainer.dataset):,} samples"
    estimate = trainer.estimate()
    for player, parameters in estimate.parameters.items():
        kind = recipe.networks.get(player, {}).get("kind")  # several players may share a role's network
        yield f"# {player}: {f'{kind}, ' if kind else ''}{parameters:,} parameters"
    cost = f"{duration(estimate.seconds)}, {estimate.memory_mib:,} MiB of memory"
    yield f"# estimate: {cost} on {trainer.run.device} in {recipe.precision}"
    if trainer.run.evaluation:
        by = trainer.run.evaluation.selecting.key
        yield f"# evaluated every {recipe.evaluate.every:,} images by {by}; the best model is kept in {BEST}"
    if recipe.accumulate > 1:
        yield (
            "# note: the fake samples of all micro-batches are kept until the generator's turn, so "
            f"accumulate={recipe.accumulate} saves less memory than the number suggests"
        )
    first = estimate.seconds * (recipe.every.log or recipe.images // 200) / recipe.images
    if first > PATIENCE:
        yield f"# note: the first line comes after {duration(first)}; every.log=IMAGES changes that"


def follow(progress: "Iterable[Progress]") -> "Progress | None":
    """Show progress as it comes; return the last of it, or None if there was none."""
    prints = os.environ.get("RANK", "0") == "0"
    last = None
    with _bar() if prints and sys.stdout.isatty() else _lines(prints) as show:
        for last in progress:
            show(last)
    return last


@contextlib.contextmanager
def _lines(prints: bool) -> Iterator[Show]:
    """Yield a function that prints a line every few seconds, one for each evaluation, and the last one."""
    printed_at = -float("inf")
    waiting: list[Progress] = []

    def show(progress: "Progress") -> None:
        nonlocal printed_at
        waiting[:] = [progress]
        news = progress.metrics or progress.images >= progress.length
        if prints and (news or time.monotonic() - printed_at >= SECONDS_BETWEEN_LINES):
            printed_at = time.monotonic()
            _print(waiting.pop())

    try:
        yield show
    finally:
        if prints and waiting:
            _print(waiting.pop())


@contextlib.contextmanager
def _bar() -> Iterator[Show]:
    """Yield a function that redraws a bar; no further thread takes time from training."""
    from rich import progress as rich_progress
    from rich.table import Column

    columns = (
        rich_progress.BarColumn(bar_width=16, table_column=Column(min_width=16)),
        rich_progress.TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
    )
    with rich_progress.Progress(*columns, auto_refresh=False) as bar:
        task = bar.add_task("", total=None, visible=False)

        def show(news: "Progress") -> None:
            bar.update(
                task,
                completed=min(news.images, news.length),
                total=news.length,
                description="\n".join(map("  ".join, _parts(news))),
                visible=True,
                refresh=True,
            )

        yield show


def _print(progress: "Progress") -> None:
    print("  ".join(part for parts in _parts(progress) for part in parts), flush=True)


def _parts(progress: "Progress") -> tuple[list[str], list[str]]:
    """Return progress and speed; and the main terms."""
    speed = [
        f"{progress.images:,}/{progress.length:,} images",
        f"{progress.images_per_second:,.0f} images/s",
        f"{duration(progress.seconds_left)} left" if progress.images < progress.length else "done",
    ]
    if progress.data_wait_share >= 0.05:
        speed.append(f"{progress.data_wait_share:.0%} waiting for data")
    main = sorted(progress.terms, key=lambda name: "penalty" in name)[:TERMS]
    measured = [f"{name} {value:.4g}" for name, value in list(progress.metrics.items())[:METRICS]]
    if progress.best:
        measured[0] += " (the best so far)"
    return speed, measured + [f"{name} {progress.terms[name]:.3g}" for name in sorted(main)]


@contextlib.contextmanager
def shares() -> Iterator[Callable[[str, float], object]]:
    """Yield a function that shows a name and the share that is done: a bar on a terminal, else lines."""
    if sys.stdout.isatty():
        from rich import progress as rich_progress

        with rich_progress.Progress(auto_refresh=False) as bar:
            task = bar.add_task("", total=1.0)
            yield lambda name, done: bar.update(task, completed=done, description=name, refresh=True)
        return
    printed_at = time.monotonic()

    def line(name: str, done: float) -> None:
        nonlocal printed_at
        if time.monotonic() - printed_at >= SECONDS_BETWEEN_LINES:
            printed_at = time.monotonic()
            print(f"{done:.0%}  {name}", flush=True)

    yield line
