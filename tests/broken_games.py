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
    def assemble(cls, network, facts, **settings):
        game = super().assemble(network, facts, **settings)
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
        yield self.discriminators_turn(self.deal(next(data), clock, shared=False), clock)


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

    def generators_turn(self, deal):
        beat = super().generators_turn(deal)
        beat.terms["adversarial"].register_hook(self.nudge)
        return beat


class Endless(GAN):
    def generators_turn(self, deal):
        return turn(
            self.generator, adversarial=deal.fake.mean(), log=deal.fake.mean() + torch.zeros(()).log()
        )


class NotANumber(GAN):
    def generators_turn(self, deal):
        return turn(self.generator, adversarial=deal.fake.mean() * float("nan"))


class YieldsInsideAWith(GAN):
    def play(self, data, clock):
        deal = self.deal(next(data), clock, shared=False)
        with torch.no_grad():
            yield self.discriminators_turn(deal, clock)


class LeavesEvalMode(GAN):
    def play(self, data, clock):
        self.discriminator.eval()
        yield from super().play(data, clock)


class ForgetsToThaw(GAN):
    def generators_turn(self, deal):
        self.discriminator.requires_grad_(False)
        return super().generators_turn(deal)


class OwnChance(GAN):
    def sample(self, count, told=None):
        return super().sample(count) + SystemRandom().random()


class OwnNoise(GAN):
    def sample(self, count, told=None):
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
        if clock.leads:
            yield self.generators_turn(self.deal(next(data), clock, shared=True))


class Cancels(GAN):
    def generators_turn(self, deal):
        one = self.discriminator(deal.fake).mean() * 0 + 1
        return turn(self.generator, adversarial=deal.fake.mean(), log=(one + 1e-3 - 1).log())


class NeedsFloat32(GAN):
    def generators_turn(self, deal):
        brightest = self.discriminator(deal.fake).detach().numpy().argmax()
        return turn(self.generator, adversarial=deal.fake[brightest].mean())


class RemembersANumber(GAN):
    mean = 0.0

    def generators_turn(self, deal):
        self.mean = 0.5 * self.mean + 0.5 * deal.fake.mean().item()
        return turn(self.generator, adversarial=(deal.fake.mean() - self.mean).square())


class RemembersAList(Changed):
    def change(self):
        self.past = []

    def discriminators_turn(self, deal, clock):
        self.past.append(deal.fake.detach())
        return super().discriminators_turn(deal._replace(fake=self.past[0]), clock)


class TooBright(GAN):
    def generate(self, noise, condition=None):
        return 2 + super().generate(noise)


class OtherShape(GAN):
    def generate(self, noise, condition=None):
        return super().generate(noise)[..., :-1]


class OtherStart(GAN):
    def draw_noise(self, count, generator):
        return torch.randn(self.noise_dim, count, generator=generator).T


class LosesANetwork(GAN):
    def generate(self, noise, condition=None):
        return self.generator(noise) * self.discriminator(self.generator(noise)).sigmoid().mean()


class LosesABuffer(MovesOnEveryMicroBatch):
    def generate(self, noise, condition=None):
        return self.generator(noise) * (1 - self.strength)
