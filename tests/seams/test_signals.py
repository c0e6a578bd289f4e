"""Prototype: sounds `[1, T]` from wave files, generated class by class."""

import wave
from dataclasses import dataclass

import numpy as np
from torch import cat, nn, randn
from torch.nn.functional import one_hot, softplus

from conftest import ADAM
from ganarium.core.game import Game, turn
from ganarium.data.modalities.base import Header, Modality
from ganarium.data.modalities.table import MODALITIES
from ganarium.data.settings import Data
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent


@MODALITIES.add
@dataclass(frozen=True)
class Signal(Modality):
    sample_rate: int = 8_000
    name, axes, windowed, suffixes, suffix = "signal", ("C", "T"), ("T",), frozenset({".wav"}), ".wav"

    def read_header(self, stream):
        with wave.open(stream) as file:
            return Header((file.getnframes(),), f"{file.getframerate()} Hz")

    def of(self, headers):
        return Signal(int(next(iter(headers.values())).mode.split()[0]))

    def decode(self, stream, format):
        with wave.open(stream) as file:
            levels = np.frombuffer(file.readframes(format.shape[1]), "<i2")
        return (levels[None] / 32768).astype(np.float32)

    def encode(self, sample, stream, like=None):
        with wave.open(stream, "wb") as file:
            file.setparams((1, 2, self.sample_rate, 0, "NONE", ""))
            file.writeframes((sample[0] * 32767).numpy().astype("<i2").tobytes())


class WaveGAN(Game):
    tasks = (Generate(),)

    def __init__(self, length, classes):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(4 + classes, 32), nn.ReLU(), nn.Linear(32, length), nn.Tanh()
        )
        self.discriminator = nn.Linear(length + classes, 1)
        self.latents, self.classes = (Latent("z", (4,)),), classes

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape[1], len(spec.classes))

    def generate(self, z, condition):
        return self.generator(cat([z, one_hot(condition, self.classes)], 1))[:, None]

    def play(self, data, clock):
        real, labels = next(data)
        planes, fake = one_hot(labels, self.classes), self.generate(randn(len(real), 4), labels)
        real_scores, scores = (self.discriminator(cat([x[:, 0], planes], 1)) for x in (real, fake.detach()))
        yield turn(self.discriminator, adversarial=(softplus(-real_scores) + softplus(scores)).mean())
        fooled = softplus(-self.discriminator(cat([fake[:, 0], planes], 1))).mean()
        yield turn(self.generator, adversarial=fooled)


def recipe():
    optimizers = {"generator": ADAM, "discriminator": ADAM}
    return Recipe(method="wave", images=64, optimizers=optimizers, data=Data(condition="label", size=48))


METHOD = Method("wave", WaveGAN, recipe, {"data": {"size": 48}})


def test_signals_go_the_whole_way(whole_way, tmp_path):
    for i in range(12):
        path = tmp_path / "sounds" / ("low" if i % 2 else "high") / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            Signal(11_025).encode(randn(1, 64).clamp(-1, 1), stream)
    command = ["generate", "RUN", "--count", 3, "--condition", "low", "--out", tmp_path / "made"]
    measured = whole_way(METHOD, command, exported="generate.onnx", data=tmp_path / "sounds")
    made = sorted((tmp_path / "made").glob("*low.wav"))
    with wave.open(str(made[2])) as file:
        assert (file.getframerate(), file.getnframes()) == (11_025, 48)
    assert 0 <= measured["energy_distance"] <= 1
