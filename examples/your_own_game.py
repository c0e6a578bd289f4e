"""Relativistic-ring: a relativistic GAN on points (Jolicoeur-Martineau 2019, arXiv:1807.00734).

A complete method in one file: the script of one round, and a recipe. `python examples/your_own_game.py`
trains it on eight points on a ring; `images=20_000`, or any other key of its recipe, overrides a setting.

    discriminator   min  E[softplus(D(G(z)) - D(x))] + weight (R1 + R2)
    generator       min  E[softplus(D(x) - D(G(z)))]

Not to be confused with: `gan`, whose discriminator scores each sample independently.

Deviations from the paper: 1. Both gradient penalties R1 and R2 (Mescheder et al. 2018, arXiv:1801.04406), for
convergence.

Tested by: all eight modes of a ring, with learning rate zero as a negative control.
"""

import sys

import torch
from torch.nn.functional import softplus

import ganarium as gan
from ganarium.data.sources.densities import POINTS
from ganarium.losses.penalties import r1, r2
from ganarium.methods.two_player import refuse_condition
from ganarium.metrics.points import modes_covered
from ganarium.networks import DISCRIMINATORS, GENERATORS


class Relativistic(gan.Game):
    roles = {"generator": GENERATORS, "discriminator": DISCRIMINATORS}
    tasks = (gan.Generate(),)

    def __init__(self, generator, discriminator, *, noise_dim: int = 16, penalty_weight: float = 0.1):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.noise_dim, self.penalty_weight = noise_dim, penalty_weight
        self.latents = (gan.Latent("z", (noise_dim,)),)

    @classmethod
    def assemble(cls, network, spec, **settings):
        refuse_condition(spec)
        generator = network("generator", settings["noise_dim"], spec.shape)
        return cls(generator, network("discriminator", spec.shape), **settings)

    def play(self, data, clock):
        real = next(data)
        fake = self.generator(torch.randn(len(real), self.noise_dim, device=real.device))
        margin = self.discriminator(real) - self.discriminator(fake.detach())
        slopes = self.penalty_weight * sum(r(self.discriminator, real, fake) for r in (r1, r2))
        yield gan.turn(self.discriminator, pairing=softplus(-margin).mean(), slopes=slopes)
        margin = self.discriminator(fake) - self.discriminator(real)
        yield gan.turn(self.generator, pairing=softplus(-margin).mean())

    def generate(self, z):
        return self.generator(z)

    def realness(self, samples, condition):
        return self.discriminator(samples)


def recipe():
    adam = {"lr": 1e-3, "betas": (0.0, 0.9)}
    return gan.Recipe(
        method="relativistic-ring",
        images=300_000,
        batch_size=128,
        networks={role: {"kind": "mlp", "width": 128, "depth": 2} for role in Relativistic.roles},
        optimizers={"generator": adam, "discriminator": adam},
        averages={"generator": gan.Average(half_life_kimg=20)},
        data=gan.Data(source="ring"),
    )


METHOD = gan.Method("relativistic-ring", Relativistic, recipe, tiny={"data": {"source": "world"}})

if __name__ == "__main__":
    run = gan.train(METHOD, overrides=sys.argv[1:])
    print(f"{run.folder}: {modes_covered(run.model().generate(2500, seed=1), POINTS['ring'])} of 8 modes")
