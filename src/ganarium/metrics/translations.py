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
from ganarium.metrics.pairs import psnr

STYLES: Mapping[str, Callable[[Scenes], np.ndarray]] = {"plain": Scenes.images, "inked": Scenes.styled}
"""The world's domains, and what draws scenes so: uint8 `[N, H, W, C]`."""


@dataclass(frozen=True)
class WorldTranslations:
    """What the world says of N translated pictures of scenes it knows."""

    right_class: Tensor
    """bool `[N]`: whether the nearest of all the world's drawings at this place, in this size and angle, is
    one of the true class."""
    right_colour: Tensor
    """bool `[N]`: whether it is one of the true colour."""
    psnr: Tensor
    """float64 `[N]`, in decibels, beside the true picture."""
    read_right: Tensor | None
    """bool `[N]`: whether the world's judge, which knows nothing of the scene, finds the true class and
    colour, well formed; None in the inked style, which it does not read."""

    @property
    def right(self) -> Tensor:
        """Whether the nearest drawing is the true one: bool `[N]`."""
        return self.right_class & self.right_colour

    def of(self, rows: Tensor) -> Self:
        """What is said of the pictures of these numbers alone."""
        read = None if self.read_right is None else self.read_right[rows]
        return replace(
            self,
            right_class=self.right_class[rows],
            right_colour=self.right_colour[rows],
            psnr=self.psnr[rows],
            read_right=read,
        )

    def summary(self) -> dict[str, float]:
        """`translation_accuracy`, the share of `right` ones (by chance 1/24); `class_kept` (1/6) and
        `colour_kept` (1/4); `psnr`, the mean; in the plain style `read_right`, a share.
        """
        shares = {
            "translation_accuracy": self.right,
            "class_kept": self.right_class,
            "colour_kept": self.right_colour,
            "psnr": self.psnr,
            "read_right": self.read_right,
        }
        return {name: float(values.double().mean()) for name, values in shares.items() if values is not None}


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
    colours = len(scenes.canvas.colours)
    number, kind = np.divmod(np.arange(len(scenes) * len(SHAPES) * colours), len(SHAPES) * colours)
    labels, paints = np.divmod(kind, colours)
    drawings = _drawn(replace(scenes[number], labels=labels, colours=paints), style)
    drawings = drawings.unflatten(0, (len(scenes), -1))  # [N, 24, C, H, W]
    if pictures.shape != drawings[:, 0].shape:
        raise ValueError(
            f"given: pictures {list(pictures.shape)} of scenes {list(drawings[:, 0].shape)}; "
            "one picture a scene, of the world's size and channels"
        )
    true = torch.from_numpy(scenes.labels * colours + scenes.colours)
    beside = psnr(pictures, drawings[torch.arange(len(true)), true])
    pictures = pictures.float().cpu()
    # |drawing - picture|^2 without |picture|^2, which is the same for all drawings of a scene.
    flat = drawings.flatten(2)
    nearest = (flat.square().sum(2) - 2 * (flat @ pictures.flatten(1)[:, :, None])[:, :, 0]).argmin(1)
    right_class, right_colour = nearest // colours == true // colours, nearest % colours == true % colours
    read_right = None
    if style == "plain":
        read = judgement(scenes.canvas, pictures)
        read_right = (read.labels * colours + read.colours == true) & read.well_formed
    return WorldTranslations(right_class, right_colour, beside, read_right)


def _drawn(scenes: Scenes, style: str) -> Tensor:
    """Pictures of the scenes: float `[N, C, H, W]` in [-1, 1]."""
    return torch.from_numpy(STYLES[style](scenes)).permute(0, 3, 1, 2) / 127.5 - 1
