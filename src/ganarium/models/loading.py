"""Load a saved model."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from torch import Tensor

from ganarium import methods
from ganarium.core.game import Game
from ganarium.data.spec import DataSpec
from ganarium.models.model import Model, own_tensors
from ganarium.models.network import revived
from ganarium.models.storage import stored
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import complete


def load(folder: str | PathLike[str], *, device: str = "cpu") -> Model:
    """Load the model in a model folder, in a run's folder or in one exported file.

    Raises:
        FileNotFoundError: there is none; the message says what was looked for.
        ValueError: it is damaged, of another version, or of a method that is not installed.
    """
    path, config, tensors, weights = stored(Path(folder))
    if "network" in config:
        try:
            return revived(config, tensors).to(device)
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{path} is damaged: its files describe no network: {error}") from None
    return _trained(config, tensors, weights).to(device)


def opened(source: str | PathLike[str] | Model, *, device: str = "cpu") -> Model:
    """Return a model as it is, or the one in a folder or file.

    Raises:
        FileNotFoundError, ValueError: see `load`.
    """
    return load(source, device=device) if isinstance(source, str | PathLike) else source


def _trained(config: Mapping[str, Any], tensors: Mapping[str, Tensor], weights: Path) -> Model:
    method = methods.find(config["method"])
    recipe = complete(method, config["recipe"])
    spec, run_spec = (DataSpec.from_dict(config[key]) for key in ("spec", "run_spec"))
    game = build_game(method, recipe, run_spec, stage=config["stage"])
    _fill(game, tensors, weights)
    return Model(game, spec, Trained(method, recipe, run_spec, config["images"], config["stage"]))


def _fill(game: Game, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put the saved tensors into the game, and drop the children that are not saved."""
    for name in game.saved_networks:
        own = {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
        try:
            game.get_submodule(name).load_state_dict(own)
        except RuntimeError as error:
            raise ValueError(f"{path} does not fit its config.json: {error}") from None
    for name, tensor in own_tensors(game).items():
        if name not in tensors or tensors[name].shape != tensor.shape:
            raise ValueError(
                f"{path} does not fit its config.json: it lacks {name}, or has it in another shape"
            )
        tensor.copy_(tensors[name])
    for name, _ in list(game.named_children()):
        if not any(kept == name or kept.startswith(f"{name}.") for kept in game.saved_networks):
            delattr(game, name)
