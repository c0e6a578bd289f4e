"""`ganarium export`."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    source: Annotated[
        Path,
        typer.Argument(metavar="RUN_OR_MODEL", help="Folder of a run or of a model.", show_default=False),
    ],
    to: Annotated[str, typer.Option(help="onnx or safetensors.")] = "onnx",
    out: Annotated[Path | None, typer.Option(help="Folder. Default: RUN_OR_MODEL/exported/TASK.")] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Name of the task, such as classify. Default: the model's main one."),
    ] = None,
) -> None:
    """Write a model for other programs.

    An ONNX file runs without PyTorch and without ganarium: any number of samples at a time and, if the
    network allows it, images of any size. The file is first tried on random inputs; its largest difference
    from PyTorch is printed. Beside it are a model card and example.py, a short program that runs it. With
    safetensors the weights are one file, which ganarium's other verbs take in place of a folder.

        ganarium export runs/0001-dcgan
        ganarium export runs/0001-dcgan --to safetensors --out released/
    """
    from ganarium.exporting import export as exported

    files = exported(source, to, out=out, task=task)
    for file in files:
        size = file.path.stat().st_size / 2**20
        typer.echo(f"{file.path}  {size:.2f} MiB")
        if file.difference is not None:
            typer.echo(f"  {file.takes} to {file.gives}")
            typer.echo(f"  differs from PyTorch by at most {file.difference:.1e} of the largest value")
    typer.echo(f"card: {files[0].path.with_name('README.md')}")
    if files[0].takes:
        typer.echo(f"example: python {files[0].path.with_name('example.py')}")
