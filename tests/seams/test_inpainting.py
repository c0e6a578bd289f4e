"""Prototype: holes of random place are filled; what is known stays as it is, bit for bit."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import l1_loss

from conftest import ADAM
from ganarium.core.game import Game, turn
from ganarium.data.batches import Conditioned
from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.settings import Data
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.base import NONE, Case, Input, Output, Task


@CONDITIONS.add
@dataclass(frozen=True)
class Hole(Condition):
    """Mask of a square hole: 1 in the hole, -1 elsewhere; its place follows from the place in the stream."""

    side: int
    name = "hole"

    @classmethod
    def from_source(cls, source, settings, shape):
        return cls(shape[1] // 2)

    @property
    def modality(self):
        return ImageModality()

    def shape(self):
        return (1, "H", "W")

    def batch(self, real, rows):
        masks = torch.full((len(real), 1, *real.shape[2:]), -1.0)
        for mask, place in zip(masks, rows.uniform("hole", 2), strict=True):
            top, left = (int(at * (n - self.side)) for at, n in zip(place, real.shape[2:], strict=True))
            mask[:, top : top + self.side, left : left + self.side] = 1
        return Conditioned(real, masks)

    def draw(self, count, shape, generator):
        return torch.randint(2, (count, *shape), generator=generator) * 2.0 - 1


class Inpaint(Task):
    name, description = "inpaint", "Fills holes of images."

    def inputs(self, game, spec, options):
        mask = Input("mask", spec.condition, spec.condition.shape())
        return Input("images", spec.modality, spec.modality.open(spec.shape[0])), mask

    def outputs(self, game, spec, options):
        return (Output("filled", spec.modality, spec.modality.open(spec.shape[0])),)

    def case(self, game, spec, batch, rows, options=NONE):
        return Case({"images": batch.real, "mask": batch.condition}, {"filled": batch.real})


class Filler(Game):
    tasks, saved_networks = (Inpaint(),), ("generator",)

    def __init__(self, channels):
        super().__init__()
        self.generator = nn.Conv2d(channels + 1, channels, 5, padding=2)
        self.discriminator = nn.Conv2d(channels, 1, 4, stride=2)

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape[0])

    def inpaint(self, images, mask):
        known = torch.where(mask > 0, 0.0, images)
        return torch.where(mask > 0, self.generator(torch.cat([known, mask], 1)), images)

    def play(self, data, clock):
        real, mask = next(data)
        fake = self.inpaint(real, mask)
        scores = (self.discriminator(real) - 1).square() + self.discriminator(fake.detach()).square()
        yield turn(self.discriminator, adversarial=scores.mean())
        yield turn(
            self.generator,
            pixels=l1_loss(fake, real),
            adversarial=(self.discriminator(fake) - 1).square().mean(),
        )


def recipe():
    data = Data(condition="hole", size=16, count=16)
    return Recipe(
        method="filler", images=64, optimizers={"generator": ADAM, "discriminator": ADAM}, data=data
    )


METHOD = Method("filler", Filler, recipe, {})


def test_inpainting_goes_the_whole_way(whole_way, tmp_path):
    image, mask, filled = (tmp_path / f"{name}.png" for name in ("image", "mask", "filled"))
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (19, 22, 3), np.uint8)).save(image)
    hole = np.zeros((19, 22), np.uint8)
    hole[4:9, 5:15] = 255
    Image.fromarray(hole).save(mask)
    measured = whole_way(METHOD, ["apply", "inpaint", "RUN", image, mask, filled], exported="inpaint.onnx")
    before, after = (np.asarray(Image.open(path)) for path in (image, filled))
    assert (before[hole == 0] == after[hole == 0]).all()
    assert (before[hole > 0] != after[hole > 0]).any()
    assert measured["psnr"] > 5
