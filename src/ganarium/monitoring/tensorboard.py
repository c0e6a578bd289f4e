"""Event files for TensorBoard: the log's terms and learning rates, and the sample sheets, by images shown."""

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
    """The folder `tensorboard` of a run: `tensorboard --logdir RUN` shows it."""

    def __init__(self, folder: Path, images: int):
        """Go on after `images` shown; TensorBoard forgets what was written after them.

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
        """Mean loss terms by `player/term`, the players' learning rates, and what was measured."""
        for name, value in terms.items():
            self.writer.add_scalar(name, value, images)
        for player, rate in rates.items():
            self.writer.add_scalar(f"learning rate/{player}", rate, images)
        for name, value in metrics.items():
            self.writer.add_scalar(f"metrics/{name}", value, images)

    def sheet(self, images: int, picture: Image.Image) -> None:
        """A sheet of samples."""
        self.writer.add_image("samples", np.asarray(picture.convert("RGB")), images, dataformats="HWC")

    def flush(self) -> None:
        """Write out what is waiting."""
        self.writer.flush()

    def close(self) -> None:
        """Write out what is waiting, and end."""
        self.writer.close()
