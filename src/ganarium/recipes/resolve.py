"""Resolution of recipes: layers of settings, completed and checked."""

from collections.abc import Mapping
from typing import Any

from ganarium.common.schema import checked, completed_kind, merge, plain, refuse_unknown, schema
from ganarium.core import optimizers
from ganarium.recipes.extensions import load_extensions
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import VERSION, Recipe

TINY: dict[str, Any] = {"images": 64, "batch_size": 8, "data": {"size": 16, "count": 16, "workers": 0}}
"""Settings that make the recipe of any image method tiny; each method adds those of its networks."""


def tiny(method: Method) -> Recipe:
    """Return the smallest recipe with all of a method's parts, for tests."""
    return resolve(method, TINY, method.tiny)


def resolve(method: Method, *layers: Mapping[str, Any]) -> Recipe:
    """Return the method's own recipe, changed by each layer in turn, complete and checked.

    Raises:
        ValueError: a key is unknown, missing or of the wrong type; the message names the key, the allowed
            values and the nearest known key.
    """
    own = complete(method, method.recipe().model_dump(mode="json"))  # with default kinds, for `merge`
    tree = own.model_dump(mode="json")
    for layer in layers:
        tree = changed(tree, layer)
    return complete(method, tree)


def changed(tree: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's tree with a layer over it; the later of `images` and `epochs` is the length.

    Raises:
        ValueError: the layer has both.
    """
    if layer.get("images") is not None and layer.get("epochs") is not None:
        raise ValueError("images and epochs both set the length of the run; give one of them")
    length = {"epochs": None} if "images" in layer else {}
    return merge(tree, {**length, **layer})


def complete(method: Method, tree: Mapping[str, Any]) -> Recipe:
    """Return the recipe that `tree` describes, with all defaults of game, networks and optimizers."""
    if (version := tree.get("version", VERSION)) != VERSION:
        raise ValueError(
            f"this recipe is of version {version!r}, this program reads version {VERSION}; "
            "train again with the method's current recipe: ganarium show METHOD"
        )
    load_extensions()
    recipe = checked(Recipe, tree, "")
    if recipe.method != method.name:
        raise ValueError(
            f"method is {recipe.method!r}, but this is the recipe of {method.name!r}; "
            f"to train {recipe.method!r}, give it as METHOD"
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
