"""Presets of the methods: recipes for a kind of data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganarium.data.settings import source_of
from ganarium.data.sources.recognize import NAMES
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.yaml import from_yaml

PRESETS = Path(__file__).parents[1] / "presets"


def with_absolute_paths(recipe: Recipe) -> Recipe:
    """Return the recipe with absolute paths of data and features: the run can be resumed from any folder."""
    if recipe.evaluate.features is not None:
        features = str(Path(recipe.evaluate.features).resolve())
        evaluate = recipe.evaluate.model_copy(update={"features": features})
        recipe = recipe.model_copy(update={"evaluate": evaluate})
    source = source_of([_absolute(each) for each in recipe.data.sources])
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"source": source})})


def _absolute(source: str) -> str:
    path = Path(source)
    return source if source in NAMES or not path.exists() else str(path.resolve())


def presets(method: Method) -> dict[str, Path]:
    """Return the files of a method's presets, by name."""
    folder = method.presets or PRESETS / method.name
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def preset_settings(method: Method, name: str) -> Mapping[str, Any]:
    """Return the settings of a preset.

    Raises:
        FileNotFoundError: the method has no preset of that name.
    """
    files = presets(method)
    if name not in files:
        raise FileNotFoundError(f"{method.name} has no preset {name!r}; it has {', '.join(files) or 'none'}")
    return from_yaml(files[name].read_text(encoding="utf-8"), str(files[name]))
