"""The scripts of pix2pix and CycleGAN equal plain loops, written out as the papers tell them."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.data.batches import Conditioned, Unpaired
from ganarium.data.conditions.companion import Map
from ganarium.data.conditions.derived import Edges
from ganarium.data.conditions.domains import Domains
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.spec import DataSpec
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from helpers import Stream, assert_near, played, sgd
from textbook import BATCH, ROUNDS, SHAPE, rounds, steps

torch.set_num_threads(1)

PAIRED = DataSpec(Image(), SHAPE, Edges((1, *SHAPE[1:])))
DOMAINS = DataSpec(Image(), SHAPE, Domains(("a", "b")))


def game_of(name, spec, **changes):
    method = methods.find(name)
    recipe = resolve(method, TINY, method.tiny, {"game": changes})
    return build_game(method, recipe, spec).double()


def pairs():
    return (Conditioned(real, real[:, :1].sign()) for real in map(torch.Tensor.double, Stream(BATCH, *SHAPE)))


def domains():
    stream = map(torch.Tensor.double, Stream(2 * BATCH, *SHAPE))
    return (Unpaired((both[:BATCH], both[BATCH:].abs())) for both in stream)


def check_equal(game, loop, data):
    played(Engine(game.train(), sgd(game, lr=0.05)), data, ROUNDS)
    assert_near(game, loop, rtol=1e-7, atol=1e-9)


def bce(scores, target):
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


def mse(scores, target):
    return mse_loss(scores, torch.full_like(scores, target))


@pytest.mark.parametrize("objective", ["non-saturating", "least-squares"])
def test_pix2pix(objective):
    loss = bce if objective == "non-saturating" else mse
    game, loop = (game_of("pix2pix", PAIRED, objective=objective, l1_weight=10.0) for _ in range(2))
    generator, discriminator = loop.generator.train(), loop.discriminator.train()
    generators_step, discriminators_step = steps(generator), steps(discriminator)
    data = pairs()
    for _ in rounds():
        real, edges = next(data)
        fake = generator(edges)
        fakes = loss(discriminator(torch.cat([edges, fake.detach()], 1)), 0.0)
        reals = loss(discriminator(torch.cat([edges, real], 1)), 1.0)
        discriminators_step((fakes + reals) / 2)
        generators_step(loss(discriminator(torch.cat([edges, fake], 1)), 1.0) + 10 * l1_loss(fake, real))
    check_equal(game, loop, pairs())


@pytest.mark.parametrize("cycle", ["both", "forward", "backward"])
@pytest.mark.parametrize("identity_weight", [0.5, 0.0])
def test_cyclegan(cycle, identity_weight):
    settings = {"cycle": cycle, "identity_weight": identity_weight, "pool_size": 0, "cycle_weight": 3.0}
    game, loop = (game_of("cyclegan", DOMAINS, **settings) for _ in range(2))
    there, back, judge_a, judge_b = loop.a_to_b, loop.b_to_a, loop.discriminator_a, loop.discriminator_b
    move_both, move_a, move_b = map(steps, (torch.nn.ModuleList([there, back]), judge_a, judge_b))
    data = domains()
    for _ in rounds():
        a, b = next(data).domains
        fake_b, fake_a = there(a), back(b)
        loss = mse(judge_b(fake_b), 1.0) + mse(judge_a(fake_a), 1.0)
        if cycle in ("both", "forward"):
            loss = loss + 3 * l1_loss(back(fake_b), a)
        if cycle in ("both", "backward"):
            loss = loss + 3 * l1_loss(there(fake_a), b)
        move_both(loss + 3 * identity_weight * (l1_loss(there(b), b) + l1_loss(back(a), a)))
        move_a((mse(judge_a(a), 1.0) + mse(judge_a(fake_a.detach()), 0.0)) / 2)
        move_b((mse(judge_b(b), 1.0) + mse(judge_b(fake_b.detach()), 0.0)) / 2)
    check_equal(game, loop, domains())


def test_a_fake_from_the_past_is_judged():
    """Through the pool the discriminators see fakes of other rounds, too."""
    game = game_of("cyclegan", DOMAINS, pool_size=2)
    Engine(game.train(), sgd(game)).round(domains())
    assert game.pool_a.history.shape == (2, *SHAPE)
    assert not torch.equal(game.pool_a.history, game.pool_b.history)


@pytest.mark.parametrize(
    ("name", "spec", "changes", "complaint"),
    [
        ("pix2pix", DataSpec(Image(), SHAPE), {}, "data.condition=None"),
        ("pix2pix", PAIRED, {"l1_weight": 0, "adversarial_weight": 0}, "game.l1_weight"),
        ("cyclegan", DataSpec(Image(), SHAPE), {}, "set data.condition=domains"),
        ("cyclegan", DataSpec(Image(), SHAPE, Domains(("a", "b", "c"))), {}, "between 2.*have 3"),
    ],
)
def test_what_cannot_be_played_is_named(name, spec, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        game_of(name, spec, **changes)


def test_label_maps_go_in_as_planes_with_outlines():
    spec = DataSpec(Image(), SHAPE, Map(LabelMap(("sky", "road", "car")), (2, *SHAPE[1:]), "map"))
    game = game_of("pix2pix", spec)
    ids = torch.zeros(2, 2, 16, 16, dtype=torch.int64)
    ids[:, 0, 8:], ids[:, 1, :, 4:] = 2, 7
    network_input = game.network_input(ids)
    assert network_input.shape == (2, 4, 16, 16)
    assert network_input[:, :3].sum(1).eq(1).all()
    assert network_input[:, 2, 8:].all()
    assert network_input[:, 0, :8].all()
    assert network_input[0, 3].sum(0).tolist() == [0, 0, 0, 16, 16] + [0] * 11
    assert game.float().translate(ids).shape == (2, *SHAPE)
