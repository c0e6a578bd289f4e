"""Provenance of a model that was trained here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganarium.data.spec import DataSpec
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


@dataclass(frozen=True)
class Trained:
    """Method and recipe of a trained model.

    Attributes:
        method: method that trained it.
        recipe: recipe of the run.
        run_spec: specification of the run's data; that of a campaign's stage may have another size.
        images: images shown so far.
        stage: stage of a campaign whose game it is; empty if there is one game.
    """

    method: Method
    recipe: Recipe
    run_spec: DataSpec
    images: int = 0
    stage: str = ""

    @property
    def title(self) -> str:
        """First line of the method's card."""
        return self.method.card.splitlines()[0].rstrip(".") if self.method.card else self.method.name

    @property
    def what(self) -> str:
        """Name of the method."""
        return self.method.name

    def details(self) -> Mapping[str, str]:
        """Return method and data in words."""
        sources = ", ".join(Path(source).name for source in self.recipe.data.sources)
        return {
            "method": f"`{self.method.name}` (`ganarium show {self.method.name}`)",
            "trained on": f"{self.images:,} images from `{sources}`",
            "weights": "running averages, where the recipe has them",
            "licence": "follows from the data that the weights were trained on; their owner has to state it",
        }

    def config(self) -> Mapping[str, Any]:
        """Return a plain tree."""
        return {
            "method": self.method.name,
            "images": self.images,
            "run_spec": self.run_spec.to_dict(),
            "stage": self.stage,
            "recipe": self.recipe.model_dump(mode="json"),
        }
