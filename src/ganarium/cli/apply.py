"""`ganarium apply`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganarium.cli.options import BatchSize, Device, Grid, Overlap, Palette, Precision, Window

if TYPE_CHECKING:
    from ganarium.inference.job import FileSettings
    from ganarium.models.model import Model


def apply(
    task: Annotated[str, typer.Argument(metavar="TASK", help="Name of the task.")],
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="Folder of a run or of a model.")],
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT... OUT [KEY=VALUE]...",
            help="A file or folder for each input that is a sample; the folder for the outputs; options.",
            show_default=False,
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="Number of samples, for tasks that take no files.")] = 16,
    seed: Annotated[int | None, typer.Option(help="Seed of the latents; 0 if not given.")] = None,
    derive: Annotated[
        bool, typer.Option("--derive", help="Make inputs such as edges from ordinary images.")
    ] = False,
    palette: Palette = None,
    grid: Grid = None,
    window: Window = None,
    overlap: Overlap = 64,
    batch_size: BatchSize = 8,
    precision: Precision = "float32",
    device: Device = "cpu",
) -> None:
    """Run any task of a model on files.

    The tasks of a model, with their inputs and options, are in its README. Outputs have the names of the
    inputs. Inputs that are no samples (labels), further files (a style) and options are given as key=value.

        ganarium apply translate runs/0003-cyclegan photos/ inked/ to=inked
        ganarium apply generate runs/0001-dcgan samples/ --count 100
    """
    from ganarium.cli.options import words_in
    from ganarium.inference.apply import takes_files
    from ganarium.inference.job import FileSettings
    from ganarium.models.loading import load

    texts = [each for each in places if "=" in each and each.partition("=")[0].isidentifier()]
    paths, words = [each for each in places if each not in texts], words_in(texts)
    if not paths:
        raise ValueError("name the folder for the outputs after the inputs")
    *inputs, out = map(Path, paths)
    model = load(source, device=device)
    if not inputs and not takes_files(model, task, words):
        _save(model, task, count, out, grid, words, seed or 0)
        return
    settings = FileSettings(seed, window, overlap, batch_size, grid, precision, derive, palette)
    apply_to_files(model, task, inputs, out, words, settings)


def apply_to_files(
    model: "Model",
    task: str,
    inputs: Sequence[Path],
    out: Path,
    words: Mapping[str, Any],
    settings: "FileSettings",
) -> None:
    """Run a task on files; print what is skipped and, at the end, how many files were written.

    Raises:
        typer.Exit: a file was skipped.
    """
    from ganarium.cli.errors import FAILED
    from ganarium.cli.progress import say, shares
    from ganarium.inference.apply import outcomes

    made, skipped = 0, 0
    with shares() as share:
        for each in outcomes(model, task, inputs, out, words, settings, notify=say, share=share):
            made += not each.reason
            if each.reason:
                skipped += 1
                typer.echo(f"skipped {each.given}: {each.reason}", err=True)
    typer.echo(f"{made:,} files: {out}" + (f"; {skipped:,} skipped" if skipped else ""))
    if skipped:
        raise typer.Exit(FAILED)


def _save(
    model: "Model", task: str, count: int, out: Path, grid: Path | None, words: Mapping[str, Any], seed: int
) -> None:
    """Save the samples of a task that takes no files."""
    from ganarium.cli.progress import say
    from ganarium.inference.samples import save_outputs

    places = {"out": out} if grid is None else {"out": out, "grid": grid}
    for place in save_outputs(model, task, count, places, words, seed=seed, notify=say):
        typer.echo(f"{count:,} samples of seed {seed}: {place}")
