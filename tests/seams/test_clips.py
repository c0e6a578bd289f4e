"""Prototype: clips `[C, T, H, W]` from arrays, continued from their first frame."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn, randn
from torch.nn.functional import l1_loss

from conftest import ADAM
from ganarium.core.game import Game, turn
from ganarium.data.batches import Conditioned
from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.modalities.base import Header, Modality
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.modalities.table import MODALITIES
from ganarium.data.settings import Data
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent


@MODALITIES.add
@dataclass(frozen=True)
class Clip(Modality):
    name, axes, windowed = "clip", ("C", "T", "H", "W"), ("T", "H", "W")
    suffixes, suffix = frozenset({".npy"}), ".npy"

    def read_header(self, stream):
        return Header(np.load(stream).shape[1:])

    def decode(self, stream, format):
        return np.load(stream).astype(np.float32)

    def encode(self, sample, stream, like=None):
        np.save(stream, sample.numpy())


@CONDITIONS.add
@dataclass(frozen=True)
class FirstFrame(Condition):
    size: tuple[int, ...]
    name = "first-frame"

    @classmethod
    def from_source(cls, source, settings, shape):
        return cls((shape[0], *shape[2:]))

    @property
    def modality(self):
        return ImageModality()

    def shape(self):
        return self.size

    def batch(self, real, rows):
        return Conditioned(real, real[:, :, 0])

    def draw(self, count, shape, generator):
        return torch.rand(count, *shape, generator=generator) * 2 - 1


class NextFrames(Game):
    tasks = (Generate(),)

    def __init__(self, shape):
        super().__init__()
        self.generator = nn.Linear(4, shape[1])
        self.discriminator = nn.Conv3d(shape[0], 1, 2)
        self.latents = (Latent("z", (4,)),)

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape)

    def generate(self, z, condition):
        return condition[:, :, None] * self.generator(z)[:, None, :, None, None].tanh()

    def play(self, data, clock):
        real, frame = next(data)
        fake = self.generate(randn(len(real), 4), frame)
        scores = (self.discriminator(real) - 1).square() + self.discriminator(fake.detach()).square()
        yield turn(self.discriminator, adversarial=scores.mean())
        fooled = (self.discriminator(fake) - 1).square().mean()
        yield turn(self.generator, adversarial=fooled, frames=l1_loss(fake, real))


def recipe():
    optimizers = {"generator": ADAM, "discriminator": ADAM}
    return Recipe(
        method="frames", images=64, optimizers=optimizers, data=Data(condition="first-frame", channels=3)
    )


METHOD = Method("frames", NextFrames, recipe, {"data": {"size": [5, 8, 6]}})


def test_clips_go_the_whole_way(whole_way, tmp_path):
    (tmp_path / "clips").mkdir()
    for i in range(10):
        np.save(tmp_path / "clips" / f"{i}.npy", np.random.default_rng(i).uniform(-1, 1, (3, 5, 8, 6)))
    Image.new("RGB", (6, 8), "red").save(tmp_path / "frame.png")
    command = [
        "generate",
        "RUN",
        "--count",
        2,
        "--condition",
        tmp_path / "frame.png",
        "--out",
        tmp_path / "made",
    ]
    measured = whole_way(METHOD, command, exported="generate.onnx", data=tmp_path / "clips")
    assert np.load(sorted((tmp_path / "made").glob("*.npy"))[1]).shape == (3, 5, 8, 6)
    assert 0 <= measured["energy_distance"] <= 1
