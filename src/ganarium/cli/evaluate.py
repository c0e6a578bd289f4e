"""`ganarium evaluate`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ganarium.cli.generate import Device
from ganarium.cli.methods import AsJson


def evaluate(
    judged: Annotated[
        Path,
        typer.Argument(metavar="RUN_OR_MODEL_OR_FOLDER", help="A run, a model, or a folder of pictures."),
    ],
    data: Annotated[
        str | None, typer.Option(help="The real data; those that the model was trained on if not given.")
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(help="File of a pretrained network whose features are compared; may be repeated."),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="What to measure, such as fid,kid; all that apply if not given.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many samples are judged.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    resamples: Annotated[
        int, typer.Option(min=0, help="Halves of the samples that intervals follow from; 0 for none.")
    ] = 100,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither keep nor look for features of the real data on disk.")
    ] = False,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Judge samples beside real data.

    Pictures of the built-in world and points are judged without any file; other pictures are compared on
    the features of pretrained networks. The network, its resizing and the numbers of pictures are part
    of the result: only results that agree in them can be compared. An interval holds, in 95 of 100 cases,
    what other samples of the same number would give beside the same real ones.

        ganarium evaluate runs/0001-dcgan
        ganarium evaluate runs/0001-dcgan/model-best --features squeezenet1_0.safetensors --metrics fid
        ganarium evaluate generated/ --data real/ --features lenet.pth --features inception.pth --json

    What can be measured:

        fid         Frechet distance of features
        kid         kernel distance of features
        prdc        precision, recall, density and coverage
        is          inception score: classes sure and evenly drawn, whatever the real data are
        neighbours  share of samples as near to real ones as copies
        diversity   MS-SSIM of pairs of pictures, in all and in each class
        accuracy    whether the class asked for is drawn
        modes,good,swd,world   of points, and of the built-in world
    """
    from ganarium import judge

    result = judge.evaluate(
        judged,
        data=data,
        features=features,
        metrics=[name.strip() for name in metrics.split(",")] if metrics else None,
        count=count,
        seed=seed,
        resamples=resamples,
        cache=not no_cache,
        device=device,
    )
    if as_json:
        import json

        typer.echo(json.dumps(result, indent=2))
        return
    _print(result)


def _print(result: Mapping[str, Any]) -> None:
    """A table of what was measured, and one for each network."""
    from ganarium.cli.tables import print_table
    from ganarium.watch.words import told

    shape = told(result["shape"])
    beside = f" beside {result['real']:,} real ones" if result["real"] else ""
    typer.echo(f"{result['judged']}: {result['samples']:,} samples of {shape}{beside} of {result['data']}")
    if rows := [*_rows(result), *_rows(result.get("world", {}), "world/")]:
        print_table(_HEAD, rows)
    for name, entry in result.get("features", {}).items():
        resized = "" if entry["resizing"] == "none" else f", resized ({entry['resizing']})"
        of = f"{entry['layer']}; {entry['dimension']} features{resized}"
        typer.echo(f"\non {name} ({entry['sha256']}): {of}")
        print_table(_HEAD, _rows(entry))


_HEAD = ("measure", "value", "95 % interval", "better", "real ones", "to know")
_NOT_MEASURED = ("judged", "data", "seed", "shape", "samples", "real", "dimension", "channels")
_BESIDE = ("_real", "_expected", "_floor")
"""How the keys end of what a value is to be held against."""


def _rows(entry: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, ...]]:
    from ganarium.metrics.measures import VALUES
    from ganarium.watch.words import told

    for key, value in entry.items():
        if key.endswith("_by_class") and not key.endswith("_real_by_class"):
            name = key.removesuffix("_by_class")
            of_real = entry.get(f"{name}_real_by_class", {})
            for label, share in value.items():
                yield f"{group}{name}/{label}", told(share), "", "", told(of_real.get(label, "")), ""
        if isinstance(value, bool | str | list | Mapping) or key in _NOT_MEASURED or key.endswith(_BESIDE):
            continue
        ends = " to ".join(map(told, entry.get(f"{key}_interval", ())))
        beside = [told(entry[key + end]) for end in _BESIDE if key + end in entry]
        known = VALUES.get(key)
        arrow = {"lower": "↓", "higher": "↑"}[known.better] if known else ""
        yield f"{group}{key}", told(value), ends, arrow, "".join(beside), known.note if known else ""
