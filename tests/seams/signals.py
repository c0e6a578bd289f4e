"""Prototype: sounds `[1, T]` from wave files, generated class by class."""

import wave
from dataclasses import dataclass

import numpy as np
from torch import cat, nn, randn
from torch.nn.functional import one_hot, softplus

import ganarium as gan


@gan.MODALITIES.add
@dataclass(frozen=True)
class Signal(gan.Modality):
    sample_rate: int = 8_000
    name, axes, windowed, suffixes, suffix = "signal", ("C", "T"), ("T",), frozenset({".wav"}), ".wav"

    def read_header(self, stream):
        with wave.open(stream) as file:
            return gan.Header((file.getnframes(),), f"{file.getframerate()} Hz")

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


class WaveGAN(gan.Game):
    tasks = (gan.Generate(),)

    def __init__(self, length, classes):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(4 + classes, 32), nn.ReLU(), nn.Linear(32, length), nn.Tanh()
        )
        self.discriminator = nn.Linear(length + classes, 1)
        self.latents, self.classes = (gan.Latent("z", (4,)),), classes

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape[1], len(spec.classes))

    def generate(self, z, condition):
        return self.generator(cat([z, one_hot(condition, self.classes)], 1))[:, None]

    def play(self, data, clock):
        real, labels = next(data)
        planes, fake = one_hot(labels, self.classes), self.generate(randn(len(real), 4), labels)
        real_scores, scores = (self.discriminator(cat([x[:, 0], planes], 1)) for x in (real, fake.detach()))
        yield gan.turn(self.discriminator, adversarial=(softplus(-real_scores) + softplus(scores)).mean())
        fooled = softplus(-self.discriminator(cat([fake[:, 0], planes], 1))).mean()
        yield gan.turn(self.generator, adversarial=fooled)


def recipe():
    optimizers = {"generator": {"lr": 1e-3}, "discriminator": {"lr": 1e-3}}
    data = gan.Data(condition="label", size=48)
    return gan.Recipe(method="wave", images=64, optimizers=optimizers, data=data)


METHOD = gan.Method("wave", WaveGAN, recipe, {"data": {"size": 48}})
