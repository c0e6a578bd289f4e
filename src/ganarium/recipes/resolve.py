"""Resolve recipes: layers of settings, completed and checked."""

from collections.abc import Mapping
from typing import Any

from ganarium.common.schema import checked, completed_kind, merge, plain, refuse_unknown, schema
from ganarium.core import optimizers
from ganarium.recipes.extensions import load_extensions
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import VERSION, Recipe

TINY: dict[str, Any] = {"images": 64, "batch_size": 8, "data": {"size": 16, "count": 16, "workers": 0}}
"""What makes any picture method's recipe tiny; each adds its own networks."""


def tiny(method: Method) -> Recipe:
    """The smallest recipe with all the method's parts: for tests."""
    return resolve(method, TINY, method.tiny)


def resolve(method: Method, *layers: Mapping[str, Any]) -> Recipe:
    """The method's own recipe, changed by each layer in turn, complete and checked.

    Raises:
        ValueError: a key that is unknown, missing or of the wrong type; the message names it, what it
            may be, and the nearest known key.
    """
    own = complete(method, method.recipe().model_dump(mode="json"))  # with the kinds that are in force
    tree = own.model_dump(mode="json")
    for layer in layers:
        tree = changed(tree, layer)
    return complete(method, tree)


def changed(tree: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's tree with a layer over it; of `images` and `epochs` the one said last is the length.

    Raises:
        ValueError: the layer says both.
    """
    if layer.get("images") is not None and layer.get("epochs") is not None:
        raise ValueError("images and epochs both say how long the run is: give one of them")
    length = {"epochs": None} if "images" in layer else {}
    return merge(tree, {**length, **layer})


def complete(method: Method, tree: Mapping[str, Any]) -> Recipe:
    """The recipe that `tree` describes, every default of its game, networks and optimizers written out."""
    if (version := tree.get("version", VERSION)) != VERSION:
        raise ValueError(
            f"this recipe is of version {version!r}, this program reads version {VERSION}; "
            "train again, from the method's present recipe: ganarium show METHOD"
        )
    load_extensions()
    recipe = checked(Recipe, tree, "")
    if recipe.method != method.name:
        raise ValueError(
            f"method is {recipe.method!r}, but this is the recipe of {method.name!r}; "
            "to play another method name it in the first place"
        )
    changes: dict[str, Any] = {
        "game": plain(schema(method.game), recipe.game, "game"),
        "networks": {
            role: completed_kind(table, recipe.networks.get(role, {}), f"networks.{role}")
            for role, table in method.game.roles.items()
        },
        "optimizers": {
            player: optimizers.completed(spec, f"optimizers.{player}")
            for player, spec in recipe.optimizers.items()
        },
    }
    refuse_unknown(recipe.networks, method.game.roles, "networks")
    return recipe.model_copy(update=changes)
