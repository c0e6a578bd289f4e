"""Prototype: StarGAN, which gives images other attributes (Choi et al. 2018, arXiv:1711.09020)."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

import ganarium as gan


class StarGAN(gan.Game):
    tasks, saved_networks = (gan.Translate(),), ("generator",)

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
        yield gan.turn(
            self.discriminator,
            adversarial=((real_scores - 1).square() + fake_scores.square()).mean(),
            attributes=binary_cross_entropy_with_logits(logits, attributes),
        )
        scores, logits = self.read(fake)
        yield gan.turn(
            self.generator,
            adversarial=(scores - 1).square().mean(),
            attributes=binary_cross_entropy_with_logits(logits, target),
            cycle=10 * l1_loss(self.translate(fake, attributes), real),
        )


def recipe():
    optimizers = {"generator": {"lr": 1e-3}, "discriminator": {"lr": 1e-3}}
    data = gan.Data(condition="attributes", size=16, count=16)
    return gan.Recipe(method="star", images=64, optimizers=optimizers, data=data)


METHOD = gan.Method("star", StarGAN, recipe, {})
