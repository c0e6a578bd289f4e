"""Prototype: clips `[C, T, H, W]` from arrays, continued from their first frame."""

from dataclasses import dataclass

import numpy as np
from torch import nn, randn
from torch.nn.functional import l1_loss

import ganarium as gan
from ganarium.data.modalities.image import Image


@gan.MODALITIES.add
@dataclass(frozen=True)
class Clip(gan.Modality):
    name, axes, windowed = "clip", ("C", "T", "H", "W"), ("T", "H", "W")
    suffixes, suffix = frozenset({".npy"}), ".npy"

    def read_header(self, stream):
        return gan.Header(np.load(stream).shape[1:])

    def decode(self, stream, format):
        return np.load(stream).astype(np.float32)

    def encode(self, sample, stream, like=None):
        np.save(stream, sample.numpy())


@gan.CONDITIONS.add
@dataclass(frozen=True)
class FirstFrame(gan.SampleCondition):
    size: tuple[int, ...]
    name, modality = "first-frame", Image()

    @classmethod
    def from_source(cls, source, settings, shape):
        return cls((shape[0], *shape[2:]))

    def batch(self, real, rows):
        return gan.Conditioned(real, real[:, :, 0])


class NextFrames(gan.Game):
    tasks = (gan.Generate(),)

    def __init__(self, shape):
        super().__init__()
        self.generator = nn.Linear(4, shape[1])
        self.discriminator = nn.Conv3d(shape[0], 1, 2)
        self.latents = (gan.Latent("z", (4,)),)

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape)

    def generate(self, z, condition):
        return condition[:, :, None] * self.generator(z)[:, None, :, None, None].tanh()

    def play(self, data, clock):
        real, frame = next(data)
        fake = self.generate(randn(len(real), 4), frame)
        scores = (self.discriminator(real) - 1).square() + self.discriminator(fake.detach()).square()
        yield gan.turn(self.discriminator, adversarial=scores.mean())
        fooled = (self.discriminator(fake) - 1).square().mean()
        yield gan.turn(self.generator, adversarial=fooled, frames=l1_loss(fake, real))


def recipe():
    optimizers = {"generator": {"lr": 1e-3}, "discriminator": {"lr": 1e-3}}
    data = gan.Data(condition="first-frame", channels=3)
    return gan.Recipe(method="frames", images=64, optimizers=optimizers, data=data)


METHOD = gan.Method("frames", NextFrames, recipe, {"data": {"size": [5, 8, 6]}})
