"""Load a saved model."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ganarium import methods
from ganarium.core.campaign import Campaign, game_of
from ganarium.core.game import Game
from ganarium.data.spec import DataSpec
from ganarium.models.model import Model
from ganarium.models.network import NetworkModel, revived
from ganarium.models.storage import stored
from ganarium.recipes.assemble import assemble
from ganarium.recipes.resolve import complete


def load(folder: str | Path, *, device: str = "cpu") -> Model | NetworkModel:
    """The model in a model folder, in a run's folder or in one exported file; a lone network where one was
    imported.

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
    method = methods.find(config["method"])
    recipe = complete(method, config["recipe"])
    spec, run_spec = (DataSpec.from_dict(config[key]) for key in ("facts", "run_spec"))
    played = assemble(method, recipe, run_spec)
    stage = config["stage"]
    game = game_of(played, stage, recipe.images) if isinstance(played, Campaign) else played
    _fill(game, tensors, weights)
    return Model(method, recipe, spec, game, config["images"], stage=stage, run_spec=run_spec).to(device)


def load_model(folder: str | Path, *, device: str = "cpu") -> Model:
    """As `load`, for what needs a trained game.

    Raises:
        FileNotFoundError, ValueError: as `load`; also where there is a lone network.
    """
    model = load(folder, device=device)
    if isinstance(model, NetworkModel):
        use = "translate(images)" if model.role == "translator" else ".network"
        raise ValueError(
            f"{folder} holds a lone {model.role} ({model.kind}), which was imported without a game; "
            f"in Python ganarium.load(folder) has {use}"
        )
    return model


def _fill(game: Game, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put the saved weights into the children that are kept, and drop the others."""
    for name in game.saved_networks:
        own = {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
        try:
            game.get_submodule(name).load_state_dict(own)
        except RuntimeError as error:
            raise ValueError(f"{path} does not fit its config.json: {error}") from None
    for name, _ in list(game.named_children()):
        if not any(kept == name or kept.startswith(f"{name}.") for kept in game.saved_networks):
            delattr(game, name)
