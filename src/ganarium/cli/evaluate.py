"""`ganarium evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.generate import Device
from ganarium.cli.methods import AsJson


def evaluate(
    judged: Annotated[
        Path,
        typer.Argument(metavar="RUN_OR_MODEL_OR_FOLDER", help="A run, a model, or a folder of pictures."),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="The real data; those that the model was trained on if not given; given twice, two domains "
            "or the two sides of pairs.",
            show_default=False,
        ),
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(help="File of a pretrained network whose features are compared; may be repeated."),
    ] = None,
    lpips: Annotated[
        Path | None,
        typer.Option(help="File of LPIPS' linear heads for one of these networks, beside the truth."),
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
    what other samples of the same number would give beside the same real ones. Of a run the newest result
    is kept in RUN/evaluation.json, for its report.

        ganarium evaluate runs/0001-dcgan
        ganarium evaluate runs/0001-dcgan/model-best --features squeezenet1_0.safetensors --metrics fid
        ganarium evaluate generated/ --data real/ --features lenet.pth --features inception.pth --json
        ganarium evaluate runs/0002-pix2pix --metrics psnr,ssim

    What can be measured:

        fid         Frechet distance of features
        kid         kernel distance of features
        prdc        precision, recall, density and coverage
        is          inception score: classes sure and evenly drawn, whatever the real data are
        memorization  share of samples as near to real ones as copies
        diversity   MS-SSIM of pairs of pictures, in all and in each class
        accuracy    whether the class asked for is drawn
        modes,high_quality_share,swd,world   of points, and of the built-in world

    A model that translates is judged each way on pictures held back from training, where there are some:

        fid,kid,prdc           of translations beside real pictures of the kind translated into
        psnr,ssim,ms-ssim      beside the truth, where the data are pairs
        lpips,perceptual       the same on the features given, with learned heads and without
        maps                   pixel accuracy and mean IoU, where the truth is a label map or the world's
        cycle,identity         mean error there and back, and on pictures that are of the kind already
        translation            of the built-in world: whether class and colour are kept
    """
    import json

    from ganarium.cli.tables import print_table
    from ganarium.common.files import write_text
    from ganarium.evaluation.evaluate import evaluate
    from ganarium.evaluation.tables import HEAD, tables

    result = evaluate(
        judged,
        data=data or None,
        features=features,
        lpips=lpips,
        metrics=[name.strip() for name in metrics.split(",")] if metrics else None,
        count=count,
        seed=seed,
        resamples=resamples,
        cache=not no_cache,
        device=device,
    )
    if (judged / "recipe.yaml").is_file():
        write_text(judged / "evaluation.json", json.dumps(result, indent=1) + "\n")
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    for table in tables(result):
        typer.echo("\n" * bool(table.network) + table.heading)
        if table.rows:
            print_table(HEAD, table.rows)
