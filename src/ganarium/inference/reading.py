"""From a picture in a file through a translating model: how it is read, and what is made of it."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ganarium.common import grids
from ganarium.common.notify import Notify
from ganarium.common.text import nearest
from ganarium.core.devices import PRECISIONS
from ganarium.data.conditions.derived import CONDITIONS
from ganarium.data.modalities.image import ArrayFormat, normalized, picture, read_header, reason, recolored
from ganarium.data.sources.map_files import MapFiles
from ganarium.methods.paired.semantic import SemanticTranslator
from ganarium.models.model import Model
from ganarium.models.network import NetworkModel
from ganarium.ops.label_maps import one_hot_planes
from ganarium.tasks.windows import tiled

WEIGHTS_PER_PIXEL = 192
"""For each pixel of a batch a CPU's network should have so many: a batch shares the reading of the weights,
but maps of many pixels do not fit into the caches. ResNet-9 and U-Net-256 are about the fastest so."""


class InputImage(NamedTuple):
    """A file as a model wants it."""

    levels: Tensor  # uint8 or float [C, H, W] of a picture, int64 [1 or 2, H, W] of a map
    alpha: Image.Image | None


class Route:
    """One way of a model or network, and how pictures are read for it.

    Args:
        model: translates.
        to: the domain that is wished, as in `Model.way`.
        from_: that of the pictures; `picture` makes what a model is told from ordinary ones.
        precision: a key of `ganarium.core.devices.PRECISIONS`.

    Raises:
        ValueError: it does not translate so, or there is no such precision.
    """

    def __init__(
        self, model: Model | NetworkModel, to: str | int | None, from_: str | int | None, precision: str
    ):
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise ValueError(f"--precision {precision}: choose from {known}{nearest(precision, PRECISIONS)}")
        self.model, self.classes, self.precision = model, 0, PRECISIONS[precision]
        self.told_instances = False
        self.maps: MapFiles | None = None
        self.style: Tensor | None = None
        self.seed: int | None = None
        self.make: Callable[[Tensor], Tensor] | None = None
        if isinstance(model, NetworkModel):
            if model.role != "translator":
                raise ValueError(f"this is a {model.role} ({model.kind}), not a translator")
            if to is not None or from_ is not None:
                raise ValueError("this network translates one way only: leave --to and --from out")
            self.channels = int(model.settings["labels" if model.kind == "spade" else "inputs"])
            if model.kind == "spade" or self.channels not in (1, 3, 4):
                self.classes = self.channels
            self.network: nn.Module = model.network
            return
        paired = model.spec.condition not in (None, "domains")
        if paired and from_ == "picture":
            kind = str(model.spec.condition)
            if kind not in CONDITIONS:
                raise ValueError(
                    f"--from picture: {kind} is not made from pictures; those are {', '.join(CONDITIONS)}"
                )
            self.make, from_ = CONDITIONS[kind], None
        self.way = model.way(to, from_)
        shape = model.spec.condition_shape if paired else model.spec.shape
        self.channels = model.spec.shape[0] if self.make else shape[0]
        if model.spec.condition == "map":
            self.classes, self.told_instances = len(model.spec.classes), shape[0] == 2
        if isinstance(
            model.game, SemanticTranslator
        ):  # its encoder is told a style, which is never cut into tiles
            self.network = model.game.translator
        else:
            self.network = nn.ModuleList(model.game.get_submodule(name) for name in model.game.saved_networks)

    @property
    def pixels_at_once(self) -> float:
        """More of them in a batch would be slower."""
        if self.model.device.type != "cpu":
            return math.inf
        parts = self.network if isinstance(self.network, nn.ModuleList) else [self.network]
        weights = max(sum(each.numel() for each in part.parameters()) for part in parts)
        return weights / WEIGHTS_PER_PIXEL

    def choose_style(self, file: Path | None, seed: int | None) -> None:
        """What the outcome shall look like, where the model leaves that open.

        Raises:
            ValueError: it does not.
        """
        named, draws, game = "a lone network", False, None
        if isinstance(self.model, Model):
            named, game = f"this {self.model.method.name} model", self.model.game
            draws = self.model.draws
        if seed is not None and (file is not None or not draws):
            why = "the style is given" if draws else f"{named} draws no style, what goes in tells all"
            raise ValueError(f"--seed {seed}: {why}; leave it out")
        self.seed = seed or 0 if draws and file is None else None
        if file is None:
            return
        if not (
            isinstance(self.model, Model)
            and isinstance(game, SemanticTranslator)
            and game.encoder is not None
        ):
            raise ValueError(f"--style {file}: {named} takes no style; gaugan and pix2pixhd learn to")
        try:
            with file.open("rb") as stream:
                header = read_header(stream)
                form = ArrayFormat(
                    (self.model.spec.shape[0], header.height, header.width), np.dtype(np.uint8)
                )
                stream.seek(0)
                pixels = picture(stream, form)
        except FileNotFoundError:
            raise FileNotFoundError(f"--style {file}: there is no such file") from None
        except Exception as error:  # what decoders of damaged files raise is not known
            raise ValueError(f"--style {file}: {reason(error)}") from None
        self.style = torch.from_numpy(normalized(pixels))[None]

    def look_around(self, folder: Path, palette: Path | None, notify: Notify) -> None:
        """How label maps in a folder are read.

        Raises:
            FileNotFoundError, ValueError: as `MapFiles`; or the model is told no maps.
        """
        if self.classes:
            spec = self.model.spec if isinstance(self.model, Model) else None
            names = spec.classes if spec else tuple(map(str, range(self.classes)))
            known = (spec.numbers, spec.colors) if spec else ()
            self.maps = MapFiles(
                folder, names, *known, palette=palette, instances=self.told_instances, notify=notify
            )
        elif palette is not None:
            raise ValueError(f"--palette {palette}: this model is told pictures, no label maps")

    def read(self, path: Path) -> InputImage:
        """A file as the model wants it, upright and at its own size."""
        if self.maps is not None:
            return InputImage(torch.from_numpy(self.maps.ids(path).astype(np.int64)), None)
        with path.open("rb") as stream:
            header = read_header(stream)
            stream.seek(0)
            channels = 4 if header.alpha else 3 if header.color else 1
            deep = np.dtype(np.uint16 if header.deep and channels == 1 else np.uint8)
            pixels = picture(stream, ArrayFormat((channels, header.height, header.width), deep))
        alpha = Image.fromarray(pixels[3]) if header.alpha and self.channels != 4 else None
        if self.channels == 4 and channels != 4:
            pixels = recolored(pixels[None], 3)[0]
            pixels = np.concatenate([pixels, np.full_like(pixels[:1], np.iinfo(pixels.dtype).max)])
        pixels = recolored(pixels[None], self.channels)[0]
        levels = torch.from_numpy(normalized(pixels) if deep == np.uint16 else np.array(pixels))
        return InputImage(levels if self.make is None else self.make(_scaled(levels)[None])[0], alpha)

    def turned(
        self, given: Sequence[Tensor], cut: bool, tile: int, overlap: int, told: Callable[[float], object]
    ) -> list[Tensor]:
        """What the model makes of pictures of one size, `[C, H, W]` each."""
        if cut:
            return [
                tiled(self._turn, self.network, each, tile=tile, overlap=overlap, told=told) for each in given
            ]
        return list(self._turn(torch.stack([_scaled(each) for each in given])))  # of 8 and 16 bits

    def again(self, image: Tensor) -> list[Image.Image]:
        """A translation taken back, for the sheet; nothing where there is no way back."""
        if isinstance(self.model, NetworkModel) or (back := self.way[::-1]) not in self.model.directions:
            return []
        small = np.asarray(grids.cell(grids.to_image(image), fill=False))
        levels = torch.from_numpy(np.array(small if small.ndim == 3 else small[..., None])).permute(2, 0, 1)
        with self._autocast():
            made = self.model.translate(_scaled(levels)[None], to=back[1], source=back[0])
        return [grids.cell(grids.to_image(made[0]))]

    def seen(self, levels: Tensor) -> Image.Image:
        """What went in; of a map the ids as shades."""
        if self.classes:
            return grids.to_image(levels[:1].float() / max(1, self.classes - 1) * 2 - 1)
        return grids.to_image(_scaled(levels))

    def _turn(self, given: Tensor) -> Tensor:
        with self._autocast():
            return self._translated(given)

    def _autocast(self) -> torch.autocast:
        lower = self.precision != torch.float32
        return torch.autocast(self.model.device.type, self.precision, enabled=lower)

    def _translated(self, given: Tensor) -> Tensor:
        if isinstance(self.model, Model):
            told = given if self.classes else _scaled(given)
            turn = partial(self.model.translate, to=self.way[1], source=self.way[0])
            if self.seed is None:
                return turn(told, style=self.style, batch_size=len(given))
            return torch.cat([turn(each[None], seed=self.seed) for each in told])  # one style for all
        told = one_hot_planes(given, self.classes) if self.classes else _scaled(given)
        return self.model.translate(told, batch_size=len(given))


def _scaled(levels: Tensor) -> Tensor:
    """Levels as float in [-1, 1]."""
    return levels.float() * (2 / 255) - 1 if levels.dtype == torch.uint8 else levels
