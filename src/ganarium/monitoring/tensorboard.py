"""TensorBoard event files of a run: loss terms, learning rates, metrics and sample grids by images shown."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def require() -> None:
    """Raise ValueError unless TensorBoard is installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ValueError(
            "tensorboard=true needs a package that is not installed: pip install 'ganarium[tensorboard]', "
            "or set tensorboard=false"
        )


class Board:
    """Writer of a run's folder `tensorboard`, which `tensorboard --logdir RUN` displays."""

    def __init__(self, folder: Path, images: int):
        """Continue after `images` shown; TensorBoard discards events written after that point.

        Raises:
            ValueError: TensorBoard is not installed.
        """
        require()
        from torch.utils.tensorboard import SummaryWriter

        self.writer: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=images + 1 if images else 0)

    def line(
        self,
        images: int,
        terms: Mapping[str, float],
        rates: Mapping[str, float],
        metrics: Mapping[str, float],
    ) -> None:
        """Write mean loss terms by `player/term`, learning rates by player, and metrics by name."""
        for name, value in terms.items():
            self.writer.add_scalar(name, value, images)
        for player, rate in rates.items():
            self.writer.add_scalar(f"learning rate/{player}", rate, images)
        for name, value in metrics.items():
            self.writer.add_scalar(f"metrics/{name}", value, images)

    def grid(self, images: int, grid: Image.Image) -> None:
        """Write a sample grid."""
        self.writer.add_image("samples", np.asarray(grid.convert("RGB")), images, dataformats="HWC")

    def flush(self) -> None:
        """Write pending events to the file."""
        self.writer.flush()

    def close(self) -> None:
        """Write pending events and close the file."""
        self.writer.close()
