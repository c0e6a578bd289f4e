"""Presets that come with the methods."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganarium.data.settings import source_of
from ganarium.data.sources.recognize import NAMES
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.yaml import from_yaml

PRESETS = Path(__file__).parents[1] / "presets"


def with_whole_paths(recipe: Recipe) -> Recipe:
    """The recipe with the whole paths of its data and features, so that the run goes on from any folder."""
    if recipe.evaluate.features is not None:
        features = str(Path(recipe.evaluate.features).resolve())
        evaluate = recipe.evaluate.model_copy(update={"features": features})
        recipe = recipe.model_copy(update={"evaluate": evaluate})
    whole = source_of([_whole(each) for each in recipe.data.sources])
    data = recipe.data.model_copy(update={"source": whole})
    return recipe.model_copy(update={"data": data})


def _whole(source: str) -> str:
    path = Path(source)
    return source if source in NAMES or not path.exists() else str(path.resolve())


def presets(method: Method) -> dict[str, Path]:
    """The presets that come with a method, by name."""
    folder = method.presets or PRESETS / method.name
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def preset_settings(method: Method, name: str) -> Mapping[str, Any]:
    """Return the settings of a preset.

    Raises:
        FileNotFoundError: the method has no preset of that name.
    """
    there = presets(method)
    if name not in there:
        raise FileNotFoundError(f"{method.name} has no preset {name!r}; it has {', '.join(there) or 'none'}")
    return from_yaml(there[name].read_text(encoding="utf-8"), str(there[name]))
