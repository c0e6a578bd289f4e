"""`ganarium import`."""

from pathlib import Path
from typing import Annotated

import typer

Unseen = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Settings that the file does not contain: padding, doublings ...",
        show_default=False,
    ),
]


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Checkpoint: .pth, .pt or .safetensors.")],
    settings: Unseen = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the model; models/ and the file's name if not given.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Network to import, if the file holds several.")] = None,
) -> None:
    """Convert an official checkpoint to a model folder.

    The network, its widths and its depths are recognized by the names and shapes of the tensors. Known are
    the generators and discriminators of pytorch-CycleGAN-and-pix2pix, pix2pixHD and SPADE (GauGAN), and the
    encoders of the latter two. Files are read as tensors only, never as code. The folder's README states the
    origin of the network and its licence.

        ganarium import latest_net_G.pth
        ganarium import latest_net_G.pth padding=replicate --out models/horse2zebra
    """
    from ganarium.interop import import_network
    from ganarium.recipes.yaml import settings as settings_in

    folder = out or Path("models") / file.stem
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already; name another folder with --out")
    model = import_network(file, part=part, **settings_in(settings or ()))
    model.save(folder)
    origin = model.origin
    parameters = sum(weight.numel() for weight in model.network.parameters())
    typer.echo(f"network  {origin.network}, {origin.repository}; {parameters:,} parameters")
    typer.echo(f"settings {', '.join(f'{name}={value}' for name, value in model.settings.items())}")
    typer.echo(f"licence  of {origin.repository}: {origin.licence}; see {folder / 'README.md'}")
    typer.echo(f"model    {folder}")
