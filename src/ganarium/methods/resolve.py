"""Methods and recipes by name, file or tree."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganarium import methods
from ganarium.recipes.method import Method
from ganarium.recipes.presets import preset_settings, with_absolute_paths
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import resolve
from ganarium.recipes.sources import data_layer
from ganarium.recipes.yaml import from_yaml, settings


@contextlib.contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Prefix ValueErrors that are raised within the block with a recipe's path."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def method_of(tree: Mapping[str, Any]) -> Method:
    """Return the method that a recipe's tree names.

    Raises:
        ValueError: the key `method` is missing, or the method does not exist.
    """
    if "method" not in tree:
        raise ValueError("the key `method` is missing; name the method, for example method: dcgan")
    return methods.find(str(tree["method"]))


def chosen_recipe(
    method: str | Path | Method | Mapping[str, Any],
    *,
    data: Any = None,
    preset: str | None = None,
    changes: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
) -> Recipe:
    """Return the recipe of a method, a YAML file or a tree, with changes, complete and checked.

    Layers, each over the one before: the method's own recipe, the preset or file, `data`, `changes`,
    `overrides` (`key=value`).

    Raises:
        FileNotFoundError: the file or the preset does not exist.
        ValueError: the method or a key does not exist, or a value is invalid.
    """
    found, layers = _method_and_layers(method)
    if preset is not None:
        layers.append(preset_settings(found, preset))
    if data is not None:
        layers.append({"data": data_layer(data)})
    layers.append(changes or {})
    return with_absolute_paths(resolve(found, *layers, settings(overrides)))


def _method_and_layers(
    method: str | Path | Method | Mapping[str, Any],
) -> tuple[Method, list[Mapping[str, Any]]]:
    if isinstance(method, Method):
        methods.add(method)
        return method, []
    if isinstance(method, Mapping):
        return method_of(method), [method]
    if str(method).endswith((".yaml", ".yml")):
        path = Path(method)
        if not path.is_file():
            raise FileNotFoundError(f"there is no recipe file {path}")
        tree = from_yaml(path.read_text(encoding="utf-8"), str(path))
        with naming_file(path):
            found = method_of(tree)
            resolve(found, tree)
        return found, [tree]
    return methods.find(str(method)), []
