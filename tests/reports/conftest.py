"""Small trained run, and run folders written by hand."""

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
    """Return the folder of a finished run; tests may not write to it."""
    return gan.train("dcgan", out=tmp_path_factory.mktemp("runs") / "dcgan", **SMALL).folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished run that tests may damage."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a run folder: recipe, log lines, and sample grids of one size."""

    def write(
        name: str,
        recipe: str | None = None,
        lines: list[dict[str, Any]] | None = None,
        grids: tuple[int, ...] = (),
        side: int = 20,
    ) -> Path:
        folder = tmp_path / name
        (folder / "samples").mkdir(parents=True)
        if recipe is not None:
            (folder / "recipe.yaml").write_text(recipe)
        if lines is not None:
            (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for images in grids:
            noise = np.random.default_rng(images).integers(0, 255, (side, side, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / "samples" / f"{images:012d}.png")
        return folder

    return write
