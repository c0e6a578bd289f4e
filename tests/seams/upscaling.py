"""Prototype: images enlarged to twice their height and width, learned from images that are made smaller."""

from dataclasses import dataclass

from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, l1_loss

import ganarium as gan


@gan.CONDITIONS.add
@dataclass(frozen=True)
class HalfSize(gan.Derived):
    """Image of half the height and width."""

    name, make = "half-size", staticmethod(lambda real: avg_pool2d(real, 2))


class Upscale(gan.Task):
    name, description = "upscale", "Enlarges images to twice their height and width."

    def inputs(self, game, spec, options):
        return (gan.Input("images", spec.modality, spec.modality.open(spec.shape[0])),)

    def outputs(self, game, spec, options):
        return (gan.Output("enlarged", spec.modality, (spec.shape[0], "H'", "W'")),)

    def case(self, game, spec, batch, rows, options=None):
        return gan.Case({"images": batch.condition}, {"enlarged": batch.real})


class Upscaler(gan.Game):
    tasks, saved_networks, scale = (Upscale(),), ("generator",), 2

    def __init__(self, channels):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.Conv2d(8, channels, 3, padding=1)
        )
        self.discriminator = nn.Conv2d(channels, 1, 4, stride=2)

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape[0])

    def upscale(self, images):
        large = interpolate(images, scale_factor=2)
        return large + self.generator(large)

    def play(self, data, clock):
        real, small = next(data)
        fake = self.upscale(small)
        scores = (self.discriminator(real) - 1).square() + self.discriminator(fake.detach()).square()
        yield gan.turn(self.discriminator, adversarial=scores.mean())
        fooled = (self.discriminator(fake) - 1).square().mean()
        yield gan.turn(self.generator, pixels=l1_loss(fake, real), adversarial=fooled)


def recipe():
    optimizers = {"generator": {"lr": 1e-3}, "discriminator": {"lr": 1e-3}}
    data = gan.Data(condition="half-size", size=16, count=16)
    return gan.Recipe(method="upscaler", images=64, optimizers=optimizers, data=data)


METHOD = gan.Method("upscaler", Upscaler, recipe, {})
