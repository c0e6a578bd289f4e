"""Metrics of translations between the two styles of the built-in world, whose truth is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ganarium.data.world import Scenes
from ganarium.data.world.judge import judgement
from ganarium.data.world.shapes import SHAPES
from ganarium.metrics.pairs import MOST_PSNR, psnr

STYLES: Mapping[str, Callable[[Scenes], np.ndarray]] = {"plain": Scenes.images, "inked": Scenes.styled}
"""Styles of the world, and methods that render scenes in them: uint8 `[N, H, W, C]`."""


@dataclass(frozen=True)
class WorldTranslations:
    """Scores of N translated images of known scenes."""

    class_kept: Tensor
    """Mask of the images whose nearest rendering has the true class: bool `[N]`. The renderings have all
    combinations of class and colour, and the place, size and angle of the scene."""
    color_kept: Tensor
    """Mask of the images whose nearest rendering has the true colour: bool `[N]`."""
    psnr: Tensor
    """PSNR to the true image, in decibels: float64 `[N]`."""
    read_right: Tensor | None
    """Mask of the images that `World.judge`, which does not know the scene, finds well formed and of the true
    class and colour: bool `[N]`. None in the inked style, which it cannot evaluate."""

    @property
    def right(self) -> Tensor:
        """Mask of the images whose nearest rendering is the true one: bool `[N]`."""
        return self.class_kept & self.color_kept

    def of(self, rows: Tensor) -> Self:
        """Return the part that belongs to these row numbers."""
        read = None if self.read_right is None else self.read_right[rows]
        return replace(
            self,
            class_kept=self.class_kept[rows],
            color_kept=self.color_kept[rows],
            psnr=self.psnr[rows],
            read_right=read,
        )

    def values(self) -> dict[str, Tensor]:
        """Return the values of each image by name, float64 `[N]` each.

        `translation_accuracy` is `right`; `class_kept`, `color_kept`, `psnr` and, in the plain style,
        `read_right` are the fields. The first three are 1/24, 1/6 and 1/4 for random images.
        """
        every = {
            "translation_accuracy": self.right,
            "class_kept": self.class_kept,
            "color_kept": self.color_kept,
            "psnr": self.psnr,
            "read_right": self.read_right,
        }
        return {name: values.double() for name, values in every.items() if values is not None}

    def summary(self) -> dict[str, float]:
        """Return the means of `values()`; equal images count as 100 dB."""
        return {name: float(values.clamp(max=MOST_PSNR).mean()) for name, values in self.values().items()}


@torch.no_grad()
def world_translations(images: Tensor, scenes: Scenes, style: str) -> WorldTranslations:
    """Evaluate translations into one of the world's styles.

    Each scene is rendered in this style in all 24 combinations of class and colour, at the same place, in the
    same size and angle. The image shows class and colour of the rendering with the smallest mean squared
    distance. An unpaired translator may swap colours; it then keeps only the class.

    Args:
        images: translations of the scenes, float `[N, C, H, W]` in [-1, 1].
        scenes: the N translated scenes, in the same order.
        style: style of the translations, `plain` or `inked`.

    Raises:
        ValueError: other style, or images of another number, size or range.
    """
    if style not in STYLES:
        raise ValueError(f"style={style!r}: choose from {', '.join(STYLES)}")
    colors = len(scenes.canvas.colors)
    number, kind = np.divmod(np.arange(len(scenes) * len(SHAPES) * colors), len(SHAPES) * colors)
    labels, paints = np.divmod(kind, colors)
    renderings = _rendered(replace(scenes[number], labels=labels, colors=paints), style)
    renderings = renderings.unflatten(0, (len(scenes), -1))  # [N, 24, C, H, W]
    if images.shape != renderings[:, 0].shape:
        raise ValueError(
            f"images {list(images.shape)} do not fit scenes {list(renderings[:, 0].shape)}: "
            "give one image per scene, of the world's size and channels"
        )
    true = torch.from_numpy(scenes.labels * colors + scenes.colors)
    psnr_to_truth = psnr(images, renderings[torch.arange(len(true)), true])
    images = images.float().cpu()
    # |rendering - image|^2 without |image|^2, which is the same for all renderings of a scene.
    flat = renderings.flatten(2)
    nearest = (flat.square().sum(2) - 2 * (flat @ images.flatten(1)[:, :, None])[:, :, 0]).argmin(1)
    class_kept, color_kept = nearest // colors == true // colors, nearest % colors == true % colors
    read_right = None
    if style == "plain":
        read = judgement(scenes.canvas, images)
        read_right = (read.labels * colors + read.colors == true) & read.well_formed
    return WorldTranslations(class_kept, color_kept, psnr_to_truth, read_right)


def world_maps(images: Tensor, scenes: Scenes) -> Tensor:
    """Return label maps of images in the plain style, with ids as in `Scenes.semantic`: int64 `[N, H, W]`.

    `World.judge` finds class and colour; a pixel belongs to the shape if at least half of it has this colour.

    Args:
        images: float `[N, C, H, W]` in [-1, 1].
        scenes: scenes of the same world.
    """
    canvas = scenes.canvas
    read = judgement(canvas, images)
    paint = canvas.palette[read.colors] - canvas.background  # [N, C]
    contrast = 127.5 * (images.float() + 1) - canvas.background[:, None, None]
    share = torch.einsum("nc,nchw->nhw", paint / paint.square().sum(1, keepdim=True), contrast)
    return (share >= 0.5) * (read.labels + 1)[:, None, None]


def _rendered(scenes: Scenes, style: str) -> Tensor:
    """Return images of the scenes: float `[N, C, H, W]` in [-1, 1]."""
    return torch.from_numpy(STYLES[style](scenes)).permute(0, 3, 1, 2) / 127.5 - 1
