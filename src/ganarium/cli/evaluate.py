"""`ganarium evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from ganarium.cli.methods import AsJson
from ganarium.cli.options import Device


def evaluate(
    judged: Annotated[
        Path,
        typer.Argument(metavar="RUN_OR_MODEL_OR_FOLDER", help="A run, a model, or a folder of samples."),
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
        typer.Option(help="File of LPIPS' linear heads for one of these networks, for models of pairs."),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics to measure, such as fid,kid; all that apply if not given.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Number of samples.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the samples.")] = 0,
    resamples: Annotated[
        int, typer.Option(min=0, help="Halves of the samples that intervals follow from; 0 for none.")
    ] = 100,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither keep nor look for features of the real data on disk.")
    ] = False,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Evaluate samples beside real data.

    Images of the built-in world, points and signals are evaluated without any file; other images are
    compared on the features of pretrained networks. The network, its resizing and the numbers of images are
    part of the result: only results that agree in them can be compared. An interval holds, in 95 of 100
    cases, what other samples of the same number would give beside the same real ones. The newest result of a
    run is kept in RUN/evaluation.json, for its report.

        ganarium evaluate runs/0001-dcgan
        ganarium evaluate runs/0001-dcgan/model-best --features squeezenet1_0.safetensors --metrics fid
        ganarium evaluate generated/ --data real/ --features lenet.pth --features inception.pth --json
        ganarium evaluate runs/0002-pix2pix --metrics psnr,ssim

    Metrics of generated samples:

        fid         Frechet distance of features
        kid         kernel distance of features
        prdc        precision, recall, density and coverage
        is          inception score: classes are certain and equally frequent; ignores the real data
        memorization  share of samples as near to real ones as copies
        diversity   MS-SSIM of pairs of images, of all and of each class
        accuracy    share of samples that show the requested class
        energy      energy distance of signals, clips and points, as vectors
        modes,high_quality_share,swd,world   of points, and of the built-in world

    A model that translates is evaluated in each direction, on samples held back from training if there
    are any:

        fid,kid,prdc           of translations beside real images of the target domain
        psnr,ssim,ms-ssim      beside the truth, if the data are pairs
        lpips,perceptual       the same on the features given, with learned heads and without
        maps                   pixel accuracy and mean IoU, if the truth is a label map or the world's
        cycle,identity         mean error after translating back, and of images of the target domain
        translation            of the built-in world: whether class and color are kept
    """
    import json

    from ganarium.cli.tables import print_table
    from ganarium.evaluation.evaluate import result_of, save_result
    from ganarium.evaluation.tables import HEAD, tables

    result = result_of(
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
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    for table in () if as_json else tables(result):
        typer.echo("\n" * bool(table.network) + table.heading)
        if table.rows:
            print_table(HEAD, table.rows)
    save_result(judged, result)
