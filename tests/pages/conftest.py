"""A small trained run, and a run folder written by hand."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganarium as gan
from html_pages import SMALL


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be written to."""
    return gan.train("dcgan", out=tmp_path_factory.mktemp("runs") / "dcgan", **SMALL).folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that may be damaged."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run folder: its recipe, lines of its log, and sheets of a size, at these images."""

    def write(
        name: str,
        recipe: str | None = None,
        lines: list[dict[str, Any]] | None = None,
        sheets: tuple[int, ...] = (),
        side: int = 20,
    ) -> Path:
        folder = tmp_path / name
        (folder / "samples").mkdir(parents=True)
        if recipe is not None:
            (folder / "recipe.yaml").write_text(recipe)
        if lines is not None:
            (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for images in sheets:
            noise = np.random.default_rng(images).integers(0, 255, (side, side, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / "samples" / f"{images:012d}.png")
        return folder

    return write
