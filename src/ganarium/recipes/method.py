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
    """Name in the literature, in kebab-case."""
    game: type[Game] | type[Campaign]
    recipe: Callable[[], Recipe]
    """Function that returns the paper's settings."""
    tiny: Mapping[str, Any]
    """Settings that make the recipe tiny and keep all its parts, for tests."""

    presets: Path | None = None
    """Folder of presets, one YAML file each; None for the built-in methods."""

    @property
    def card(self) -> str:
        """Documentation of the method: description, formulas, deviations from the paper."""
        return inspect.cleandoc(sys.modules[self.recipe.__module__].__doc__ or "")

    @property
    def headline(self) -> tuple[str, str]:
        """Description and paper, from the card's first line: `NAME: description (paper).`."""
        first = " ".join(self.card.partition("\n\n")[0].split()).removesuffix(".")
        description, _, paper = first.partition(": ")[2].rpartition(" (")
        return (description, paper.removesuffix(")")) if description else (first, "")
