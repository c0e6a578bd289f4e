"""Recipes and settings as YAML."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ganarium.recipes.recipe import Recipe


class _Loader(yaml.SafeLoader):
    """Loader that reads 1e-4 as a number, as YAML 1.2 does."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def override(text: str) -> dict[str, Any]:
    """Return `optimizers.generator.lr=1e-4` as a tree; the value is YAML, also 200_000 or 1e-4.

    Raises:
        ValueError: `=` is missing, or the value is not YAML.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ValueError(
            f"{text!r} is no setting; write key=value, for example images=200_000 (data: --data SOURCE)"
        )
    try:
        node: Any = yaml.load(value, _Loader)
    except yaml.YAMLError:
        raise ValueError(f"{text!r}: its value is not YAML; a bracket or quote may be missing") from None
    for key in reversed(path.strip().split(".")):
        node = {key: node}
    return node


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """Return several overrides as one tree; a kind and its settings may come in any order.

    Raises:
        ValueError: as `override`.
    """
    tree: dict[str, Any] = {}
    for text in texts:
        _update(tree, override(text))
    return tree


def _update(tree: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), dict):
            _update(tree[key], value)
        else:
            tree[key] = value


def to_yaml(recipe: Recipe) -> str:
    """Return the text of a recipe file, which `from_yaml` reads back."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def from_yaml(text: str, where: str = "the recipe") -> dict[str, Any]:
    """Return the tree in a recipe file.

    Raises:
        ValueError: the text is not a YAML table.
    """
    try:
        tree = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is not YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ValueError(f"{where} must be a table of keys, not {type(tree).__name__}")
    return tree


def saved_recipe(folder: Path) -> dict[str, Any]:
    """Return the tree in the `recipe.yaml` of a run's folder.

    Raises:
        FileNotFoundError: the folder holds no run.
        ValueError: the file is damaged.
    """
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is no run: it has no recipe.yaml")
    return from_yaml(path.read_text(encoding="utf-8"), str(path))
