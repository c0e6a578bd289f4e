"""`ganarium import`."""

from pathlib import Path
from typing import Annotated

import typer

Unseen = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE", help="What the file does not tell: padding, doublings ...", show_default=False
    ),
]


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint: .pth, .pt or .safetensors.")],
    settings: Unseen = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the model; models/ and the file's name if not given.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="The network that is meant, of a file that holds several.")
    ] = None,
) -> None:
    """Turn an official checkpoint into a model folder.

    The network and its widths and depths are told by the names and shapes of the tensors. Recognised are the
    generators and discriminators of pytorch-CycleGAN-and-pix2pix, pix2pixHD and SPADE (GauGAN), and the
    encoders of the latter two. Files are read as tensors alone, never as code. The folder's README says whose
    network it is, and under which licence.

        ganarium import latest_net_G.pth
        ganarium import latest_net_G.pth padding=replicate --out models/horse2zebra
    """
    from ganarium.interop import import_network
    from ganarium.recipes.yaml import settings as settings_in

    folder = out or Path("models") / file.stem
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already; name another folder with --out")
    lone = import_network(file, part=part, **settings_in(settings or ()))
    lone.save(folder)
    parameters = sum(weight.numel() for weight in lone.network.parameters())
    typer.echo(f"network  {lone.origin.network}, {lone.origin.repository}; {parameters:,} parameters")
    typer.echo(f"settings {', '.join(f'{name}={value}' for name, value in lone.settings.items())}")
    typer.echo(f"licence  of {lone.origin.repository}: {lone.origin.licence}; see {folder / 'README.md'}")
    typer.echo(f"model    {folder}")
