"""Games whose domains share layers or codes equal plain loops, written out as the papers tell them."""

import copy
import random

import pytest
import torch
from torch.nn.functional import softplus

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.data.batches import Unpaired
from ganarium.data.conditions.domains import Domains
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from helpers import Stream, assert_near, played, sgd
from textbook import BATCH, ROUNDS, SHAPE, rounds, steps

torch.set_num_threads(1)
RATE = 1e-3


def game_of(name, game, domains=2):
    method = methods.find(name)
    recipe = resolve(method, TINY, method.tiny, {"game": game})
    spec = DataSpec(Image(), SHAPE, Domains(("a", "b", "c")[:domains]))
    return build_game(method, recipe, spec).double().train()


class DomainStream(Stream):
    """Several domains of as many pictures; counted are those of one, as a feed does."""

    def __init__(self, domains=2):
        super().__init__(BATCH, *SHAPE)
        self.domains = domains

    def __next__(self):
        parts = tuple(super(DomainStream, self).__next__().double().tanh() for _ in range(self.domains))
        self.images -= BATCH * (self.domains - 1)
        return Unpaired(parts)


def check_equal(game, loop, *, domains=2, lr=RATE):
    played(Engine(game, sgd(game, lr=lr)), DomainStream(domains), ROUNDS)
    assert_near(game, loop, rtol=1e-6, atol=1e-9)


def joint(*networks):
    return steps(torch.nn.ModuleList(networks), RATE)


def fooled(scores):
    return softplus(-scores).mean()


def judged(real, fake):
    return (softplus(-real).mean() + softplus(fake).mean()) / 2


def unit(loop):
    """Liu et al. 2017, eq. 1 to 5, and a classifier of codes."""
    enc, dec, d_a, d_b, c = (
        loop.encoder,
        loop.decoder,
        loop.discriminator_a,
        loop.discriminator_b,
        loop.domain_classifier,
    )
    move, move_a, move_b, move_c = joint(enc, dec), joint(d_a), joint(d_b), joint(c)
    data = DomainStream()
    for _ in rounds():
        a, b = next(data).domains
        mean_a = enc(a, 0)
        z_a = mean_a + torch.randn_like(mean_a)
        fake_b = dec(z_a, 1)
        mean_ab = enc(fake_b, 1)
        back_a = dec(mean_ab + torch.randn_like(mean_ab), 0)
        mean_b = enc(b, 1)
        z_b = mean_b + torch.randn_like(mean_b)
        fake_a = dec(z_b, 0)
        mean_ba = enc(fake_a, 0)
        back_b = dec(mean_ba + torch.randn_like(mean_ba), 1)
        loss = 10 * (fooled(d_a(fake_a)) + fooled(d_b(fake_b)))
        loss = loss + 100 * ((dec(z_a, 0) - a).abs().mean() + (dec(z_b, 1) - b).abs().mean())
        loss = loss + 50 * ((back_a - a).abs().mean() + (back_b - b).abs().mean())
        loss = loss + 0.1 / 2 * sum(m.square().mean() for m in (mean_a, mean_b, mean_ab, mean_ba))
        loss = loss - 0.5 * (softplus(c(mean_a)).mean() + softplus(-c(mean_b)).mean())
        move(loss)
        move_a(judged(d_a(a), d_a(fake_a.detach())))
        move_b(judged(d_b(b), d_b(fake_b.detach())))
        move_c(softplus(c(mean_a.detach())).mean() + softplus(-c(mean_b.detach())).mean())


def xgan(loop):
    """Royer et al. 2017, eq. 1 to 4, with the gradient of the classifier's loss turned round."""
    enc, dec, d_a, d_b, c = (
        loop.encoder,
        loop.decoder,
        loop.discriminator_a,
        loop.discriminator_b,
        loop.domain_classifier,
    )
    move, move_a, move_b, move_c = joint(enc, dec), joint(d_a), joint(d_b), joint(c)
    data = DomainStream()
    for _ in rounds():
        a, b = next(data).domains
        e_a, e_b = enc(a, 0), enc(b, 1)
        fake_b, fake_a = dec(e_a, 1), dec(e_b, 0)
        loss = 10 * ((dec(e_a, 0) - a).abs().mean() + (dec(e_b, 1) - b).abs().mean())
        loss = loss + 3 * ((enc(fake_b, 1) - e_a).abs().mean() + (enc(fake_a, 0) - e_b).abs().mean())
        loss = loss + fooled(d_a(fake_a)) + fooled(d_b(fake_b))
        loss = loss - 0.1 * (softplus(c(e_a)).mean() + softplus(-c(e_b)).mean())
        move(loss)
        move_a(judged(d_a(a), d_a(fake_a.detach())))
        move_b(judged(d_b(b), d_b(fake_b.detach())))
        move_c(softplus(c(e_a.detach())).mean() + softplus(-c(e_b.detach())).mean())


LOOPS = {
    "unit": (unit, {"cycle_weight": 50.0, "domain_weight": 0.5}, {"kl_weight": 1.0}),
    "xgan": (xgan, {"semantic_weight": 3.0}, {"domain_weight": 0.2}),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_shared_code(name):
    play, settings, _ = LOOPS[name]
    game = game_of(name, settings)
    loop = copy.deepcopy(game)
    play(loop)
    check_equal(game, loop)


@pytest.mark.parametrize("name", LOOPS)
def test_another_weight_ends_elsewhere(name):
    """The comparison can fail."""
    play, settings, other = LOOPS[name]
    loop = game_of(name, settings)
    game = game_of(name, {**settings, **other})
    game.load_state_dict(loop.state_dict())
    play(loop)
    with pytest.raises(AssertionError):
        check_equal(game, loop)


def combogan(loop):
    """Anoosheh et al. 2017, sec. 3: CycleGAN between two of three domains, chosen anew each round."""
    enc, dec, judges = loop.encoder, loop.decoder, loop.discriminator
    move, move_judges = joint(enc, dec), joint(judges)
    data, chosen = DomainStream(3), []
    for number in rounds():
        real = next(data).domains
        i, j = random.Random(f"0 {number}").sample(range(3), 2)
        chosen.append({i, j})
        fake_j, fake_i = dec(enc(real[i], i), j), dec(enc(real[j], j), i)
        d_i, d_j = judges[i], judges[j]
        loss = (d_j(fake_j) - 1).square().mean() + (d_i(fake_i) - 1).square().mean()
        loss = loss + 10 * (dec(enc(fake_j, j), i) - real[i]).abs().mean()
        loss = loss + 10 * (dec(enc(fake_i, i), j) - real[j]).abs().mean()
        move(loss)
        fake_i, fake_j = fake_i.detach(), fake_j.detach()
        move_judges(
            ((d_i(real[i]) - 1).square().mean() + d_i(fake_i).square().mean()) / 2
            + ((d_j(real[j]) - 1).square().mean() + d_j(fake_j).square().mean()) / 2
        )
    return chosen


def test_three_domains_two_of_which_play():
    game = game_of("combogan", {"pool_size": 0}, domains=3)
    loop = copy.deepcopy(game)
    chosen = combogan(loop)
    assert len({frozenset(pair) for pair in chosen}) > 1
    check_equal(game, loop, domains=3)


def domains_own(game, i):
    return game.encoder.own[i], game.decoder.own[i], game.discriminator[i]


def test_who_is_not_on_turn_stands_still():
    """Under Adam, too, whose moments would go on moving weights with a gradient of zero."""
    game = game_of("combogan", {}, domains=3)
    optimizers = {n: torch.optim.Adam(net.parameters(), lr=1e-2) for n, net in game.players().items()}
    engine, data = Engine(game, optimizers), DomainStream(3)
    for number in range(ROUNDS):
        played_by = set(random.Random(f"0 {number}").sample(range(3), 2))
        before = copy.deepcopy(game)
        engine.round(data)
        for i in range(3):
            for net, old in zip(domains_own(game, i), domains_own(before, i), strict=True):
                pairs = zip(net.parameters(), old.parameters(), strict=True)
                assert any(not torch.equal(p, q) for p, q in pairs) == (i in played_by)


def cogan(loop):
    """Liu & Tuzel 2016, algorithm 1: the same noise for every generator."""
    g, d = loop.generator, loop.discriminator
    move_g, move_d = joint(g), joint(d)
    data = DomainStream()
    for _ in rounds():
        x = next(data).domains
        z = (torch.rand(BATCH, 4) * 2 - 1).double()
        fakes = [g.networks[i](z) for i in range(2)]
        losses = [
            softplus(-d.networks[i](x[i])).mean() + softplus(d.networks[i](fakes[i].detach())).mean()
            for i in range(2)
        ]
        move_d(sum(losses) / 2)
        move_g(sum(softplus(-d.networks[i](fakes[i])).mean() for i in range(2)) / 2)


def cogan_game(shared):
    method = methods.find("cogan")
    plain = {"generator": {"norm": "none"}, "discriminator": {"norm": "none"}}
    layers = {"shared_generator_layers": shared, "shared_discriminator_layers": shared}
    recipe = resolve(method, TINY, method.tiny, {"networks": plain, "game": layers})
    game = build_game(method, recipe, DataSpec(Image(), SHAPE, Domains(("a", "b")))).double().train()
    noise_for = game.noise_for
    game.noise_for = lambda count: noise_for(count).double()
    return game


@pytest.mark.parametrize("shared", [None, 0, 1, 2])
def test_couples(shared):
    game, loop = cogan_game(shared), cogan_game(shared)
    cogan(loop)
    check_equal(game, loop)
