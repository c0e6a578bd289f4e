"""Recipes and settings as YAML."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ganarium.recipes.recipe import Recipe


class _Loader(yaml.SafeLoader):
    """YAML that takes 1e-4 for a number, as its version 1.2 does."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def override(text: str) -> dict[str, Any]:
    """`optimizers.generator.lr=1e-4` as a tree; the value is YAML, numbers may read 200_000 or 1e-4.

    Raises:
        ValueError: there is no `=`, or the value is no YAML.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ValueError(
            f"{text!r} is no setting; write key=value, for example images=200_000 (data go behind --data)"
        )
    try:
        node: Any = yaml.load(value, _Loader)
    except yaml.YAMLError:
        raise ValueError(f"{text!r}: its value is not YAML; a bracket or quote may be missing") from None
    for key in reversed(path.strip().split(".")):
        node = {key: node}
    return node


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """Several overrides as one tree, so that a kind and its settings may come in any order.

    Raises:
        ValueError: as `override`.
    """
    tree: dict[str, Any] = {}
    for text in texts:
        _lay_over(tree, override(text))
    return tree


def _lay_over(tree: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), dict):
            _lay_over(tree[key], value)
        else:
            tree[key] = value


def to_yaml(recipe: Recipe) -> str:
    """The recipe as a file that `from_yaml` reads back."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def from_yaml(text: str, where: str = "the recipe") -> dict[str, Any]:
    """The tree in a recipe file.

    Raises:
        ValueError: it is no YAML table, or has keys that look like two.
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
