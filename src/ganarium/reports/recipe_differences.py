"""Differences between recipes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ganarium.common.text import leaves
from ganarium.recipes.recipe import Recipe

NONE = "–"
"""Text in place of a key or number that a run does not have."""


def table(recipes: Sequence[Recipe | None]) -> list[tuple[str, ...]]:
    """Return a row for each key in which recipes differ: the key, and its value in each, as in YAML.

    Keys of one table of the recipe are adjacent.
    """
    trees = [dict(leaves(recipe.model_dump(mode="json"), ".")) if recipe else {} for recipe in recipes]
    keys = dict.fromkeys(key for tree in trees for key in tree)
    parents = list(dict.fromkeys(_parent(key) for key in keys))
    rows = [
        (key, *(_value(tree, key) for tree in trees))
        for key in sorted(keys, key=lambda key: parents.index(_parent(key)))
    ]
    return [row for row in rows if len(set(row[1:])) > 1]


def marked(text: str, keys: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield each line of a recipe file, with True if it belongs to one of the keys."""
    path: list[tuple[int, str]] = []  # indentation and name of each key around the line
    for line in text.splitlines():
        if key := re.match(r"( *)([^\s:#-][^:]*):", line):
            path = [(depth, name) for depth, name in path if depth < len(key[1])]
            path.append((len(key[1]), key[2].strip("'\"")))
        yield line, ".".join(name for _, name in path) in keys


def _parent(key: str) -> str:
    return key.rpartition(".")[0]


def _value(tree: Mapping[str, Any], key: str) -> str:
    if key not in tree:
        return NONE
    text = yaml.safe_dump(tree[key], default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
