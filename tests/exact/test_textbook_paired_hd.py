"""pix2pixHD and GauGAN against their papers' losses, written out by hand."""

import copy

import pytest
import torch
from torch.nn.functional import relu

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.data.batches import Conditioned
from ganarium.data.conditions.companion import Map
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.spec import DataSpec
from ganarium.methods.paired.gaugan import normal_divergence
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from helpers import Stream, assert_near, played, sgd
from textbook import BATCH, ROUNDS, rounds, steps

CLASSES, SIDE = 3, 32
LR = 0.01


def batches():
    """Pictures, and maps of two instances side by side."""
    for number, real in enumerate(Stream(BATCH, 3, SIDE, SIDE)):
        chance = torch.Generator().manual_seed(number)
        ids = torch.randint(CLASSES, (BATCH, 1, 1, 2), generator=chance)
        ids = ids.repeat_interleave(SIDE, 2).repeat_interleave(SIDE // 2, 3)
        instances = torch.arange(2).repeat_interleave(SIDE // 2).expand(BATCH, 1, SIDE, SIDE)
        yield Conditioned(real.double(), torch.cat([ids, instances], 1))


def one_hot_planes(condition):
    """A plane a class, and the two columns where one instance touches the other.

    All is compared in float64: instance norms and absolute values make much of rounding.
    """
    classes = torch.stack([(condition[:, 0] == k).double() for k in range(CLASSES)], 1)
    edges = torch.zeros(BATCH, 1, SIDE, SIDE, dtype=torch.float64)
    edges[..., SIDE // 2 - 1 : SIDE // 2 + 1] = 1
    return torch.cat([classes, edges], 1)


def game_of(name, changes):
    method = methods.find(name)
    recipe = resolve(method, TINY, method.tiny, {"data": {"size": SIDE}}, changes)
    spec = DataSpec(Image(), (3, SIDE, SIDE), Map(LabelMap(("a", "b", "c")), (2, SIDE, SIDE), "map"))
    game = build_game(method, recipe, spec).double()
    network_input = game.network_input
    game.network_input = lambda condition: network_input(condition).double()
    return game


def pix2pixhd(game, data, weight=10.0, constant_weights=0):
    """Wang et al. 2018, eq. 2 to 5 with least squares, the sum over layers averaged as in its program."""
    G, D, E = game.translator, game.discriminator, game.encoder
    step_d = steps(D, LR)
    movers = torch.nn.ModuleList(filter(None, [G, E]))
    enhancer = torch.nn.ModuleList([*G.enhancers, G.last, *filter(None, [E])])
    for number in rounds():
        real, condition = next(data)
        condition = network_input = one_hot_planes(condition)
        if E is not None:
            means = E.translator(real)
            halves = [half.mean((2, 3), keepdim=True).expand_as(half) for half in means.chunk(2, 3)]
            network_input = torch.cat([condition, torch.cat(halves, 3)], 1)
        fake = G(network_input)
        true_layers = D.features(torch.cat([condition, real], 1))
        fake_layers = D.features(torch.cat([condition, fake], 1))
        loss = 0
        for reals, fakes in zip(true_layers, fake_layers, strict=True):
            loss = loss + (fakes[-1] - 1).square().mean()
            for r, f in zip(reals[:-1], fakes[:-1], strict=True):
                loss = loss + weight / len(D.scales) * 4 / len(reals[:-1]) * (r.detach() - f).abs().mean()
        steps(enhancer if number < constant_weights else movers, LR)(loss)
        loss = 0
        for r, f in zip(
            D(torch.cat([condition, real], 1)), D(torch.cat([condition, fake.detach()], 1)), strict=True
        ):
            loss = loss + ((r - 1).square().mean() + f.square().mean()) / 2
        step_d(loss)


def gaugan(game, data, style_weight=0.05):
    """Park et al. 2019, sec. 3 and app. A: hinge, feature matching and the divergence of styles."""
    G, D, E = game.translator, game.discriminator, game.encoder
    step_g, step_d = steps(game.generator, LR), steps(D, LR)
    for _ in rounds():
        real, condition = next(data)
        condition = one_hot_planes(condition)
        styles, loss = [], 0
        if E is not None:
            mean, log_variance = E(real)
            styles = [mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)]
            ours = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
            theirs = torch.distributions.Normal(0.0, 1.0)
            divergence = torch.distributions.kl_divergence(ours, theirs)
            loss = style_weight * divergence.sum(1).mean()
        fake = G(condition, *styles)
        fake_layers = D.features(torch.cat([condition, fake], 1))
        with torch.no_grad():
            true_layers = D.features(torch.cat([condition, real], 1))
        scales = len(D.scales)
        for reals, fakes in zip(true_layers, fake_layers, strict=True):
            loss = loss - fakes[-1].mean() / scales
            for r, f in zip(reals[:-1], fakes[:-1], strict=True):
                loss = loss + 10 / scales * (r - f).abs().mean()
        step_g(loss)
        both = D(torch.cat([torch.cat([condition, fake.detach()], 1), torch.cat([condition, real], 1)]))
        loss = 0
        for f, r in (scores.split(BATCH) for scores in both):
            loss = loss + (relu(1 - r).mean() + relu(1 + f).mean()) / scales
        step_d(loss)


FEATURES = {"game": {"encoder_features": 2, "coarse_share": 0.0, "frozen_share": 0.0}}
BARE = {"networks": {"generator": {"style_dim": 0}}}
CASES = [
    (pix2pixhd, "pix2pixhd", {"game": {"frozen_share": 0.0}}),
    (pix2pixhd, "pix2pixhd", FEATURES),
    (gaugan, "gaugan", {}),
    (gaugan, "gaugan", BARE),
]


def both_ways(loop, name, changes, **settings):
    game = game_of(name, changes)
    by_hand = copy.deepcopy(game)
    played(Engine(game, sgd(game, LR), length=ROUNDS * BATCH), counted(), ROUNDS)
    loop(by_hand, batches(), **settings)
    return game, by_hand


class counted:  # noqa: N801 - a stream that counts, as a feed does
    def __init__(self):
        self.images, self.batches = 0, batches()

    def __iter__(self):
        return self

    def __next__(self):
        self.images += BATCH
        return next(self.batches)


@pytest.mark.parametrize(("loop", "name", "changes"), CASES, ids=["plain", "features", "styles", "bare"])
def test_game_equals_the_textbook_loop(loop, name, changes):
    game, by_hand = both_ways(loop, name, changes)
    assert_near(game.generator, by_hand.generator, rtol=1e-6, atol=1e-9)
    assert_near(game.discriminator, by_hand.discriminator, rtol=1e-6, atol=1e-9)


def test_at_first_only_the_enhancer_moves():
    changes = {"game": {"frozen_share": 0.5}}
    game, by_hand = both_ways(pix2pixhd, "pix2pixhd", changes, constant_weights=ROUNDS // 2)
    assert_near(game.generator, by_hand.generator, rtol=1e-6, atol=1e-9)
    other, _ = both_ways(pix2pixhd, "pix2pixhd", {"game": {"frozen_share": 0.0}})
    with pytest.raises(AssertionError):
        assert_near(game.generator, other.generator, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("loop", "name", "changes", "settings"),
    [
        (pix2pixhd, "pix2pixhd", {"game": {"frozen_share": 0.0}}, {"weight": 5.0}),
        (gaugan, "gaugan", {}, {"style_weight": 5.0}),
        (gaugan, "gaugan", {"game": {"over_scales": "sum"}}, {}),
    ],
)
def test_another_setting_ends_elsewhere(loop, name, changes, settings):
    """The comparison can fail."""
    game, by_hand = both_ways(loop, name, changes, **settings)
    with pytest.raises(AssertionError):
        assert_near(game.generator, by_hand.generator, rtol=1e-6, atol=1e-9)


def test_the_divergence_of_normal_noise_is_none():
    assert normal_divergence(torch.zeros(4, 3), torch.zeros(4, 3)) == 0
    assert normal_divergence(torch.ones(4, 3), torch.zeros(4, 3)) == pytest.approx(1.5)
