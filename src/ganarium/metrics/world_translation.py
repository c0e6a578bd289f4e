"""Translations of the built-in world's pictures between its two styles, where the truth is known."""

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
"""The world's domains, and what draws scenes so: uint8 `[N, H, W, C]`."""


@dataclass(frozen=True)
class WorldTranslations:
    """What the world says of N translated pictures of scenes it knows."""

    class_kept: Tensor
    """bool `[N]`: whether the nearest of all the world's drawings at this place, in this size and angle, is
    one of the true class."""
    color_kept: Tensor
    """bool `[N]`: whether it is one of the true colour."""
    psnr: Tensor
    """float64 `[N]`, in decibels, beside the true picture."""
    read_right: Tensor | None
    """bool `[N]`: whether the world's judge, which knows nothing of the scene, finds the true class and
    colour, well formed; None in the inked style, which it does not read."""

    @property
    def right(self) -> Tensor:
        """Whether the nearest drawing is the true one: bool `[N]`."""
        return self.class_kept & self.color_kept

    def of(self, rows: Tensor) -> Self:
        """What is said of the pictures of these numbers alone."""
        read = None if self.read_right is None else self.read_right[rows]
        return replace(
            self,
            class_kept=self.class_kept[rows],
            color_kept=self.color_kept[rows],
            psnr=self.psnr[rows],
            read_right=read,
        )

    def values(self) -> dict[str, Tensor]:
        """Of each picture: `translation_accuracy`, which is `right` (by chance 1/24), `class_kept` (1/6),
        `color_kept` (1/4), `psnr` and, in the plain style, `read_right`: float64 `[N]` each.
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
        """The means of `values()`; equal pictures are taken for 100 dB."""
        return {name: float(values.clamp(max=MOST_PSNR).mean()) for name, values in self.values().items()}


@torch.no_grad()
def world_translations(pictures: Tensor, scenes: Scenes, style: str) -> WorldTranslations:
    """What the world says of translations into one of its styles.

    Each scene is drawn in the wished style in all 24 combinations of class and colour, at the same place, in
    the same size and angle; the nearest by mean squared distance is what the picture shows. A translator
    that swaps colours, as one without pairs may, keeps the class alone.

    Args:
        pictures: float `[N, C, H, W]` in [-1, 1], the scenes as a translator drew them.
        scenes: the N scenes that it was shown, in the same order.
        style: `plain` or `inked`: the one translated into.

    Raises:
        ValueError: another style, or pictures of another number, size or range.
    """
    if style not in STYLES:
        raise ValueError(f"style={style!r}: the world draws in {' and '.join(STYLES)}")
    colors = len(scenes.canvas.colors)
    number, kind = np.divmod(np.arange(len(scenes) * len(SHAPES) * colors), len(SHAPES) * colors)
    labels, paints = np.divmod(kind, colors)
    drawings = _drawn(replace(scenes[number], labels=labels, colors=paints), style)
    drawings = drawings.unflatten(0, (len(scenes), -1))  # [N, 24, C, H, W]
    if pictures.shape != drawings[:, 0].shape:
        raise ValueError(
            f"given: pictures {list(pictures.shape)} of scenes {list(drawings[:, 0].shape)}; "
            "one picture a scene, of the world's size and channels"
        )
    true = torch.from_numpy(scenes.labels * colors + scenes.colors)
    beside = psnr(pictures, drawings[torch.arange(len(true)), true])
    pictures = pictures.float().cpu()
    # |drawing - picture|^2 without |picture|^2, which is the same for all drawings of a scene.
    flat = drawings.flatten(2)
    nearest = (flat.square().sum(2) - 2 * (flat @ pictures.flatten(1)[:, :, None])[:, :, 0]).argmin(1)
    class_kept, color_kept = nearest // colors == true // colors, nearest % colors == true % colors
    read_right = None
    if style == "plain":
        read = judgement(scenes.canvas, pictures)
        read_right = (read.labels * colors + read.colors == true) & read.well_formed
    return WorldTranslations(class_kept, color_kept, beside, read_right)


def world_maps(pictures: Tensor, scenes: Scenes) -> Tensor:
    """What each pixel of plain pictures shows, as `Scenes.semantic` tells it: int64 `[N, H, W]`.

    The class is the one that the world's judge reads, the shape is where its colour covers the background.

    Args:
        pictures: float `[N, C, H, W]` in [-1, 1].
        scenes: of the world that they show.
    """
    canvas = scenes.canvas
    read = judgement(canvas, pictures)
    paint = canvas.palette[read.colors] - canvas.background  # [N, C]
    contrast = 127.5 * (pictures.float() + 1) - canvas.background[:, None, None]
    share = torch.einsum("nc,nchw->nhw", paint / paint.square().sum(1, keepdim=True), contrast)
    return (share >= 0.5) * (read.labels + 1)[:, None, None]


def _drawn(scenes: Scenes, style: str) -> Tensor:
    """Pictures of the scenes: float `[N, C, H, W]` in [-1, 1]."""
    return torch.from_numpy(STYLES[style](scenes)).permute(0, 3, 1, 2) / 127.5 - 1
