"""Method: a row of the method table."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganarium.core.campaign import Campaign
from ganarium.core.game import Game
from ganarium.recipes.recipe import Recipe


@dataclass(frozen=True)
class Method:
    """A row of the method table."""

    name: str
    """As the literature writes it, in kebab-case."""
    game: type[Game] | type[Campaign]
    recipe: Callable[[], Recipe]
    """The paper's settings."""
    tiny: Mapping[str, Any]
    """What makes the recipe tiny, with all its parts: for tests."""

    presets: Path | None = None
    """Folder of presets, one YAML file each; None for the built-in methods."""

    @property
    def card(self) -> str:
        """What the method is, its formulas and its deviations from the paper."""
        return inspect.cleandoc(sys.modules[self.recipe.__module__].__doc__ or "")

    @property
    def headline(self) -> tuple[str, str]:
        """What the method is, and its paper: the card's first line, `NAME: what it is (paper).`."""
        first = " ".join(self.card.partition("\n\n")[0].split()).removesuffix(".")
        what, _, paper = first.partition(": ")[2].rpartition(" (")
        return (what, paper.removesuffix(")")) if what else (first, "")
