"""What recipes differ in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ganarium.common.text import leaves
from ganarium.recipes.recipe import Recipe

NONE = "–"
"""Stands where a run has no such key or number."""


def beside(recipes: Sequence[Recipe | None]) -> list[tuple[str, ...]]:
    """The keys in which recipes differ, table by table, and the value in each: as a recipe file has it."""
    trees = [dict(leaves(recipe.model_dump(mode="json"), ".")) if recipe else {} for recipe in recipes]
    keys = dict.fromkeys(key for tree in trees for key in tree)
    tables = list(dict.fromkeys(_table(key) for key in keys))
    rows = [
        (key, *(_scalar(tree, key) for tree in trees))
        for key in sorted(keys, key=lambda key: tables.index(_table(key)))
    ]
    return [row for row in rows if len(set(row[1:])) > 1]


def marked(text: str, keys: set[str]) -> Iterator[tuple[str, bool]]:
    """The lines of a recipe file, and whether each belongs to one of these keys."""
    path: list[tuple[int, str]] = []  # how far each key around this line is indented, and its name
    for line in text.splitlines():
        if key := re.match(r"( *)([^\s:#-][^:]*):", line):
            path = [(depth, name) for depth, name in path if depth < len(key[1])]
            path.append((len(key[1]), key[2].strip("'\"")))
        yield line, ".".join(name for _, name in path) in keys


def _table(key: str) -> str:
    return key.rpartition(".")[0]


def _scalar(tree: Mapping[str, Any], key: str) -> str:
    if key not in tree:
        return NONE
    text = yaml.safe_dump(tree[key], default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
