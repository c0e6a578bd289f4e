"""Prototype: images enlarged to twice their height and width, learned from images that are made smaller."""

from dataclasses import dataclass

from PIL import Image
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, l1_loss

from conftest import ADAM
from ganarium.core.game import Game, turn
from ganarium.data.conditions.derived import Derived
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.settings import Data
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.base import NONE, Case, Input, Output, Task


@CONDITIONS.add
@dataclass(frozen=True)
class HalfSize(Derived):
    """Image of half the height and width."""

    name, make = "half-size", staticmethod(lambda real: avg_pool2d(real, 2))


class Upscale(Task):
    name, description = "upscale", "Enlarges images to twice their height and width."

    def inputs(self, game, spec, options):
        return (Input("images", spec.modality, spec.modality.open(spec.shape[0])),)

    def outputs(self, game, spec, options):
        return (Output("enlarged", spec.modality, (spec.shape[0], "H'", "W'")),)

    def case(self, game, spec, batch, rows, options=NONE):
        return Case({"images": batch.condition}, {"enlarged": batch.real})


class Upscaler(Game):
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
        yield turn(self.discriminator, adversarial=scores.mean())
        fooled = (self.discriminator(fake) - 1).square().mean()
        yield turn(self.generator, pixels=l1_loss(fake, real), adversarial=fooled)


def recipe():
    optimizers = {"generator": ADAM, "discriminator": ADAM}
    data = Data(condition="half-size", size=16, count=16)
    return Recipe(method="upscaler", images=64, optimizers=optimizers, data=data)


METHOD = Method("upscaler", Upscaler, recipe, {})


def test_upscaling_goes_the_whole_way(whole_way, tmp_path):
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.new("RGB", (21, 13), "red").save(small)
    measured = whole_way(METHOD, ["apply", "upscale", "RUN", small, large], exported="upscale.onnx")
    assert Image.open(large).size == (42, 26)
    assert measured["psnr"] > 5
