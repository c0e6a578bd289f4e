"""Games that are broken on purpose, each in one way: what the conformance checks must catch."""

import os
from random import SystemRandom

import torch
from torch import nn

from ganarium.core.game import turn
from ganarium.methods.noise_to_image.gan import GAN


class Changed(GAN):
    """A GAN to which something is done once it is built."""

    @classmethod
    def assemble(cls, network, spec, **settings):
        game = super().assemble(network, spec, **settings)
        game.change()
        return game


class BuiltByChance(Changed):
    def change(self):
        chance = torch.Generator()
        chance.seed()
        nn.init.normal_(next(self.generator.parameters()), generator=chance)


class BuiltByCount(Changed):
    built = 0

    def change(self):
        BuiltByCount.built += 1
        nn.init.constant_(next(self.generator.parameters()), self.built)


class NoTurnForTheGenerator(GAN):
    def play(self, data, clock):
        yield self.discriminator_turn(self.turn_data(next(data), clock, shared=False), clock)


class FlatLoss(GAN):
    def play(self, data, clock):
        yield turn(self.discriminator, flat=0 * self.discriminator(next(data)).mean())


class OwnBackward(GAN):
    def play(self, data, clock):
        self.discriminator(next(data)).mean().backward()
        yield from super().play(data, clock)


class WritesWhileOthersMove(GAN):
    @torch.no_grad()
    def nudge(self, gradient):
        self.discriminator.score.bias.add_(1e-3)

    def generator_turn(self, turn_data):
        yielded = super().generator_turn(turn_data)
        yielded.terms["adversarial"].register_hook(self.nudge)
        return yielded


class Endless(GAN):
    def generator_turn(self, turn_data):
        return turn(
            self.generator,
            adversarial=turn_data.fake.mean(),
            log=turn_data.fake.mean() + torch.zeros(()).log(),
        )


class NotANumber(GAN):
    def generator_turn(self, turn_data):
        return turn(self.generator, adversarial=turn_data.fake.mean() * float("nan"))


class YieldsInsideAWith(GAN):
    def play(self, data, clock):
        turn_data = self.turn_data(next(data), clock, shared=False)
        with torch.no_grad():
            yield self.discriminator_turn(turn_data, clock)


class LeavesEvalMode(GAN):
    def play(self, data, clock):
        self.discriminator.eval()
        yield from super().play(data, clock)


class ForgetsToThaw(GAN):
    def generator_turn(self, turn_data):
        self.discriminator.requires_grad_(False)
        return super().generator_turn(turn_data)


class OwnChance(GAN):
    def sample(self, count, condition=None):
        return super().sample(count) + SystemRandom().random()


class OwnNoise(GAN):
    def sample(self, count, condition=None):
        noise = torch.tensor(list(os.urandom(count * self.noise_dim))).view(count, -1) / 256
        return self.generator(noise)


class MovesOnEveryMicroBatch(Changed):
    def change(self):
        self.register_buffer("strength", torch.zeros(()))

    def play(self, data, clock):
        self.strength += 0.05
        yield from super().play(data, clock)


class CountsMicroBatches(Changed):
    def change(self):
        self.register_buffer("rounds", torch.zeros((), dtype=torch.int64))

    def play(self, data, clock):
        self.rounds += 1
        yield from super().play(data, clock)


class OneTurnMoreForTheFirst(GAN):
    def play(self, data, clock):
        yield from super().play(data, clock)
        if clock.first_micro_batch:
            yield self.generator_turn(self.turn_data(next(data), clock, shared=True))


class Cancels(GAN):
    def generator_turn(self, turn_data):
        one = self.discriminator(turn_data.fake).mean() * 0 + 1
        return turn(self.generator, adversarial=turn_data.fake.mean(), log=(one + 1e-3 - 1).log())


class NeedsFloat32(GAN):
    def generator_turn(self, turn_data):
        brightest = self.discriminator(turn_data.fake).detach().numpy().argmax()
        return turn(self.generator, adversarial=turn_data.fake[brightest].mean())


class RemembersANumber(GAN):
    mean = 0.0

    def generator_turn(self, turn_data):
        self.mean = 0.5 * self.mean + 0.5 * turn_data.fake.mean().item()
        return turn(self.generator, adversarial=(turn_data.fake.mean() - self.mean).square())


class RemembersAList(Changed):
    def change(self):
        self.past = []

    def discriminator_turn(self, turn_data, clock):
        self.past.append(turn_data.fake.detach())
        return super().discriminator_turn(turn_data._replace(fake=self.past[0]), clock)


class TooBright(GAN):
    def generate(self, z):
        return 2 + super().generate(z)


class TooDark(GAN):
    def generate(self, z):
        return super().generate(z) - 2


class OtherShape(GAN):
    def generate(self, z):
        return super().generate(z)[..., :-1]


class OtherBatch(GAN):
    def generate(self, z):
        return super().generate(z - z.mean(0))


class LosesANetwork(GAN):
    def generate(self, z):
        return self.generator(z) * self.discriminator(self.generator(z)).sigmoid().mean()


class LosesANumber(GAN):
    rounds = 0

    def play(self, data, clock):
        self.rounds += 1
        yield from super().play(data, clock)

    def generate(self, z):
        return self.generator(z) / (1 + self.rounds)
