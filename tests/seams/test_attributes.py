"""Prototype: StarGAN, which gives images other attributes (Choi et al. 2018, arXiv:1711.09020)."""

import torch
from PIL import Image
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

from conftest import ADAM
from ganarium.core.game import Game, turn
from ganarium.data.settings import Data
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.translate import Translate


class StarGAN(Game):
    tasks, saved_networks = (Translate(),), ("generator",)

    def __init__(self, channels, attributes):
        super().__init__()
        self.generator = nn.Conv2d(channels + attributes, channels, 3, padding=1)
        self.discriminator = nn.Conv2d(channels, 1 + attributes, 4, stride=2)

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape[0], *spec.condition.shape())

    def translate(self, images, to):
        planes = to[..., None, None].expand(-1, -1, *images.shape[2:])
        return images + self.generator(torch.cat([images, planes], 1))

    def read(self, images):
        """Return scores and logits of attributes."""
        return self.discriminator(images).mean((2, 3)).split([1, self.discriminator.out_channels - 1], 1)

    def play(self, data, clock):
        real, attributes = next(data)
        target = attributes.roll(1, 0)
        fake = self.translate(real, target)
        (real_scores, logits), (fake_scores, _) = self.read(real), self.read(fake.detach())
        yield turn(
            self.discriminator,
            adversarial=((real_scores - 1).square() + fake_scores.square()).mean(),
            attributes=binary_cross_entropy_with_logits(logits, attributes),
        )
        scores, logits = self.read(fake)
        yield turn(
            self.generator,
            adversarial=(scores - 1).square().mean(),
            attributes=binary_cross_entropy_with_logits(logits, target),
            cycle=10 * l1_loss(self.translate(fake, attributes), real),
        )


def recipe():
    optimizers = {"generator": ADAM, "discriminator": ADAM}
    data = Data(condition="attributes", size=16, count=16)
    return Recipe(method="star", images=64, optimizers=optimizers, data=data)


METHOD = Method("star", StarGAN, recipe, {})


def test_attributes_go_the_whole_way(whole_way, tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(2):
        Image.new("RGB", (20, 17), "blue").save(tmp_path / "in" / f"{i}.png")
    command = ["translate", "RUN", tmp_path / "in", tmp_path / "out", "--to", "left"]
    measured = whole_way(METHOD, command, exported="translate.onnx")
    assert Image.open(tmp_path / "out" / "1.png").size == (20, 17)
    assert 0 <= measured["world"]["well_formed"] <= 1
