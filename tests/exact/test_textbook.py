"""Each game against the loop that its paper's algorithm box says, written out by hand."""

# ruff: noqa: N803 - G and D, as the papers write them

import copy

import pytest
import torch
from torch.nn.functional import relu, softplus

from ganarium.core.engine import Engine
from helpers import adam, assert_equal, assert_near, played, sgd
from textbook import BATCH, CLASSES, ROUNDS, batches, game_of, normal, rounds, steps, uniform


def gan(G, D, data):
    """Goodfellow et al. 2014, algorithm 1, with k = 1 and the non-saturating generator."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        step_d(softplus(-D(real)).mean() + softplus(D(fake.detach())).mean())
        step_g(softplus(-D(fake)).mean())


def saturating(G, D, data):
    """Its equation 1: both play for the same value."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        step_d(-D(real).sigmoid().log().mean() - (1 - D(fake.detach()).sigmoid()).log().mean())
        step_g((1 - D(fake).sigmoid()).log().mean())


def resample_noise(G, D, data):
    """The generator's turn draws its own noise, as the algorithm has it."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal()).detach()
        step_d(softplus(-D(real)).mean() + softplus(D(fake)).mean())
        step_g(softplus(-D(G(normal()))).mean())


def generator_first(G, D, data):
    """The generator answers the discriminator of the round before; two updates follow."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        step_g(softplus(-D(fake)).mean())
        step_d(softplus(-D(real)).mean() + softplus(D(fake.detach())).mean())
        real, fake = next(data), G(normal()).detach()
        step_d(softplus(-D(real)).mean() + softplus(D(fake)).mean())


def generator_first_with_fresh_noise(G, D, data):
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real = next(data)
        step_g(softplus(-D(G(normal()))).mean())
        step_d(softplus(-D(real)).mean() + softplus(D(G(normal()).detach())).mean())


def three_updates(G, D, data):
    """k = 3; the generator is judged on the last fake batch."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        for _ in range(3):
            real, fake = next(data), G(normal())
            step_d(softplus(-D(real)).mean() + softplus(D(fake.detach())).mean())
        step_g(softplus(-D(fake)).mean())


def clipped(G, D, data):
    """WGAN, Arjovsky et al. 2017, algorithm 1."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        for _ in range(2):
            real, fake = next(data), G(normal())
            step_d(D(fake.detach()).mean() - D(real).mean())
            for p in D.parameters():
                p.data.clamp_(-0.02, 0.02)
        step_g(-D(fake).mean())


def lazy_r1(G, D, data):
    """R1 every second round, twice as strong (Karras et al. 2020, appendix B)."""
    step_g, step_d = steps(G), steps(D)
    for number in rounds():
        real, fake = next(data).requires_grad_(), G(normal())
        loss = softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()
        if number % 2 == 0:
            (slope,) = torch.autograd.grad(D(real).sum(), real, create_graph=True)
            loss = loss + 2 * 0.3 / 2 * slope.square().sum((1, 2, 3)).mean()
        step_d(loss)
        step_g(softplus(-D(fake)).mean())


def dcgan(G, D, data):
    """Radford et al. 2016: uniform noise, real and fake samples in batches of their own."""
    optimizer_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for _ in rounds():
        real, fake = next(data), G(uniform())
        optimizer_d.zero_grad()
        (softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()).backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        softplus(-D(fake)).mean().backward()
        optimizer_g.step()


def wgan_gp(G, D, data):
    """Gulrajani et al. 2017, algorithm 1, with two updates."""
    step_g, step_d = steps(G, 0.01), steps(D, 0.01)
    for _ in rounds():
        for _ in range(2):
            real, fake = next(data), G(normal())
            share = torch.rand(BATCH, 1, 1, 1)
            between = ((1 - share) * real + share * fake.detach()).requires_grad_()
            (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
            penalty = (slope.square().sum((1, 2, 3)).sqrt() - 1).square().mean()
            step_d(D(fake.detach()).mean() - D(real).mean() + 10 * penalty)
        step_g(-D(fake).mean())


def sngan(G, D, data):
    """Miyato et al. 2018, equations 16 and 17; one pass, so one power iteration, over real and fake."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        scores = D(torch.cat([real, fake.detach()]))
        step_d(relu(1 - scores[:BATCH]).mean() + relu(1 + scores[BATCH:]).mean())
        step_g(-D(fake).mean())


def cgan(G, D, data):
    """Mirza & Osindero 2014, equation 2."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, label = next(data)
        fake = G(normal(), label)
        step_d(softplus(-D(real, label)).mean() + softplus(D(fake.detach(), label)).mean())
        step_g(softplus(-D(fake, label)).mean())


def cgan_apart(G, D, data):
    """Two questions, each with a log-likelihood of its own: is it real, and does it match?"""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, label = next(data)
        fake = G(normal(), label)
        detached = fake.detach()
        is_real = softplus(-D(real, label)[:, 0]).mean() + softplus(D(detached, label)[:, 0]).mean()
        matches = softplus(-D(real, label)[:, 1]).mean() + softplus(D(detached, label)[:, 1]).mean()
        step_d(is_real + matches)
        step_g(softplus(-D(fake, label)[:, 0]).mean() + softplus(-D(fake, label)[:, 1]).mean())


def cgan_mismatched(G, D, data):
    """Reed et al. 2016, algorithm 1: half of what must be refused is real, with a wrong label."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, label = next(data)
        fake = G(normal(), label)
        wrong = (label + torch.randint(1, CLASSES, label.shape)) % CLASSES
        refused = softplus(D(fake.detach(), label)).mean() + softplus(D(real, wrong)).mean()
        step_d(softplus(-D(real, label)).mean() + refused / 2)
        step_g(softplus(-D(fake, label)).mean())


def cgan_apart_mismatched(G, D, data):
    """Only the question "does it match?" is asked of wrong labels."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, label = next(data)
        fake = G(normal(), label)
        detached = fake.detach()
        wrong = (label + torch.randint(1, CLASSES, label.shape)) % CLASSES
        is_real = softplus(-D(real, label)[:, 0]).mean() + softplus(D(detached, label)[:, 0]).mean()
        refused = softplus(D(detached, label)[:, 1]).mean() + softplus(D(real, wrong)[:, 1]).mean()
        step_d(is_real + softplus(-D(real, label)[:, 1]).mean() + refused / 2)
        step_g(softplus(-D(fake, label)).mean(0).sum())


CASES = [
    (gan, "gan", {}),
    (saturating, "gan", {"objective": "saturating"}),
    (resample_noise, "gan", {"resample_noise": True}),
    (generator_first, "gan", {"generator_first": True, "discriminator_updates": 2}),
    (generator_first_with_fresh_noise, "gan", {"generator_first": True, "resample_noise": True}),
    (three_updates, "gan", {"discriminator_updates": 3}),
    (
        clipped,
        "gan",
        {"objective": "wasserstein", "penalty": "clip", "clip_bound": 0.02, "discriminator_updates": 2},
    ),
    (lazy_r1, "gan", {"penalty": "r1", "penalty_weight": 0.3, "penalty_interval": 2}),
    (sngan, "sngan", {}),
    (cgan, "cgan", {}),
    (cgan_apart, "cgan", {"condition_score": "apart"}),
    (cgan_mismatched, "cgan", {"mismatched_pairs": True}),
    (cgan_apart_mismatched, "cgan", {"condition_score": "apart", "mismatched_pairs": True}),
]


@pytest.mark.parametrize(("loop", "name", "changes"), CASES, ids=[case[0].__name__ for case in CASES])
def test_game_equals_the_textbook_loop(loop, name, changes):
    game = game_of(name, changes)
    textbook = copy.deepcopy(game)
    played(Engine(game, sgd(game, 0.05)), batches(name), ROUNDS)
    loop(textbook.generator, textbook.discriminator, batches(name))
    assert_near(game, textbook, rtol=1e-5, atol=1e-6)


def test_wgan_gp_equals_the_textbook_loop():
    game = game_of("wgan-gp", {})
    textbook = copy.deepcopy(game)
    played(Engine(game, sgd(game, 0.01)), batches("wgan-gp"), ROUNDS)
    wgan_gp(textbook.generator, textbook.discriminator, batches("wgan-gp"))
    assert_near(game, textbook, rtol=1e-5, atol=1e-6)


def test_dcgan_equals_the_textbook_loop_bit_for_bit():
    """Batch norm keeps real and fake in passes of their own, so nothing is rounded differently."""
    game = game_of("dcgan", {})
    textbook = copy.deepcopy(game)
    played(Engine(game, adam(game, lr=2e-4, betas=(0.5, 0.999))), batches("dcgan"), ROUNDS)
    dcgan(textbook.generator, textbook.discriminator, batches("dcgan"))
    assert_equal(game, textbook)


@pytest.mark.parametrize("case", CASES[1:8], ids=[case[0].__name__ for case in CASES[1:8]])
def test_another_loop_ends_elsewhere(case):
    """The comparison can fail: each choice leads away from the plain game."""
    loop, name, _ = case
    game = game_of(name, {})
    textbook = copy.deepcopy(game)
    played(Engine(game, sgd(game, 0.05)), batches(name), ROUNDS)
    loop(textbook.generator, textbook.discriminator, batches(name))
    with pytest.raises(AssertionError):
        assert_near(game, textbook, rtol=1e-5, atol=1e-6)
