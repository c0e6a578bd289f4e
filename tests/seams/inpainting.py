"""Prototype: holes of random place are filled; what is known stays as it is, bit for bit."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import l1_loss

import ganarium as gan
from ganarium.data.modalities.image import Image


@gan.CONDITIONS.add
@dataclass(frozen=True)
class Hole(gan.SampleCondition):
    """Mask of a square hole: 1 in the hole, -1 elsewhere; its place follows from the place in the stream."""

    size: tuple[int, ...]
    name, modality = "hole", Image()

    @classmethod
    def from_source(cls, source, settings, shape):
        return cls((1, *shape[1:]))

    def batch(self, real, rows):
        masks, side = torch.full((len(real), *self.size), -1.0), self.size[1] // 2
        for mask, place in zip(masks, rows.uniform("hole", 2), strict=True):
            top, left = (int(at * (n - side)) for at, n in zip(place, self.size[1:], strict=True))
            mask[:, top : top + side, left : left + side] = 1
        return gan.Conditioned(real, masks)


class Inpaint(gan.Task):
    name, description = "inpaint", "Fills holes of images."

    def inputs(self, game, spec, options):
        mask = gan.Input("mask", spec.condition, (1, "H", "W"))
        return gan.Input("images", spec.modality, spec.modality.open(spec.shape[0])), mask

    def outputs(self, game, spec, options):
        return (gan.Output("filled", spec.modality, spec.modality.open(spec.shape[0])),)

    def case(self, game, spec, batch, rows, options=None):
        return gan.Case({"images": batch.real, "mask": batch.condition}, {"filled": batch.real})


class Filler(gan.Game):
    tasks, saved_networks = (Inpaint(),), ("generator",)

    def __init__(self, channels):
        super().__init__()
        self.generator = nn.Conv2d(channels + 1, channels, 5, padding=2)
        self.discriminator = nn.Conv2d(channels, 1, 4, stride=2)

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape[0])

    def inpaint(self, images, mask):
        hidden = torch.where(mask > 0, 0.0, images)
        return torch.where(mask > 0, self.generator(torch.cat([hidden, mask], 1)), images)

    def play(self, data, clock):
        real, mask = next(data)
        fake = self.inpaint(real, mask)
        scores = (self.discriminator(real) - 1).square() + self.discriminator(fake.detach()).square()
        yield gan.turn(self.discriminator, adversarial=scores.mean())
        fooled = (self.discriminator(fake) - 1).square().mean()
        yield gan.turn(self.generator, pixels=l1_loss(fake, real), adversarial=fooled)


def recipe():
    optimizers = {"generator": {"lr": 1e-3}, "discriminator": {"lr": 1e-3}}
    data = gan.Data(condition="hole", size=16, count=16)
    return gan.Recipe(method="filler", images=64, optimizers=optimizers, data=data)


METHOD = gan.Method("filler", Filler, recipe, {})
