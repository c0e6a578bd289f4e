"""Files of a model: a folder with `config.json`, `model.safetensors` and a model card, or one file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors
from torch import Tensor

from ganarium.common.files import atomic_write, write_text

FORMAT = 2
KEYS = ("method", "images", "spec", "run_spec", "stage", "recipe")
"""Keys in the config of a trained game; the config of a single network has the key `network`."""
CONFIG = "ganarium"
"""Key of the config in the metadata of a single file."""


class Stored(NamedTuple):
    """Contents of the files of a model."""

    path: Path
    """Path of the folder or file."""
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    weights: Path
    """Path of the file of the tensors."""


def save_folder(
    folder: str | Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any], card: str
) -> Path:
    """Write a model folder, each file atomically, the config last."""
    folder = Path(folder)
    with atomic_write(folder / "model.safetensors") as file:
        file.write(format_tensors(dict(tensors)))
    write_text(folder / "README.md", card)
    write_text(folder / "config.json", json.dumps(config, indent=2) + "\n")
    return folder


def stored(path: Path) -> Stored:
    """Read a model folder, the model of a run folder, or one exported file.

    Raises:
        FileNotFoundError: there is no model; the message names the files that were looked for.
        ValueError: the model is damaged, or of another version.
    """
    if path.is_file():
        return Stored(path, _config_within(path), _tensors(path), path)
    folder = _model_folder(path)
    weights = folder / "model.safetensors"
    return Stored(folder, _config(folder / "config.json"), _tensors(weights), weights)


def _model_folder(folder: Path) -> Path:
    found = next((f for f in (folder, folder / "model") if (f / "config.json").is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"{folder} holds no model: looked for config.json in it and in {folder / 'model'}"
            + ("; the run has not saved one yet" if (folder / "recipe.yaml").exists() else "")
        )
    return found


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    return _checked(config, path)


def _config_within(path: Path) -> dict[str, Any]:
    try:
        with safetensors.safe_open(path, "pt") as file:
            config = (file.metadata() or {}).get(CONFIG)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a model: it cannot be read as safetensors: {error}") from None
    if config is None:
        raise ValueError(
            f"{path} contains weights without the config of a model; "
            "import an official checkpoint with ganarium import"
        )
    try:
        return _checked(json.loads(config), path)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def _checked(config: Any, path: Path) -> dict[str, Any]:
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        found = config.get("format") if isinstance(config, dict) else type(config).__name__
        raise ValueError(
            f"{path} is of format {found!r}; this program reads format {FORMAT}: train again, or import again"
        )
    if "network" not in config and (missing := [key for key in KEYS if key not in config]):
        raise ValueError(f"{path} is damaged: it lacks {', '.join(map(repr, missing))}")
    return config


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return parse_tensors(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing beside its config.json") from None
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
