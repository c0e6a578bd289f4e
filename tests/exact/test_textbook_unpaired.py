"""CycleGAN's kin equal plain loops, written out as the papers tell them; what their frozen networks see."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cosine_similarity, cross_entropy

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.data.batches import Unpaired
from ganarium.data.conditions.domains import Domains
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.networks.alexnet_vgg import VGG
from ganarium.networks.frozen import EdgeMaps, VGGMaps
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from helpers import Stream, assert_near, played, sgd
from textbook import BATCH, ROUNDS, SHAPE, rounds, steps

torch.set_num_threads(1)

SLOW = 1e-3
"""A learning rate for slopes told in units of their mean: nearly flat pictures have steep ones."""
DOMAINS = DataSpec(Image(), SHAPE, Domains(("a", "b")))


def recipe_of(name, *layers):
    method = methods.find(name)
    return resolve(method, TINY, method.tiny, *layers)


def game_of(name, game=None, networks=None):
    recipe = recipe_of(name, {"game": game or {}, "networks": networks or {}})
    return build_game(methods.find(name), recipe, DOMAINS).double().train()


class DomainStream(Stream):
    """Two domains of as many pictures; counted are those of one, as a feed does."""

    def __next__(self):
        a, b = super().__next__().double(), super().__next__().double().abs()
        self.images -= BATCH
        return Unpaired((a, b))


def domains():
    return DomainStream(BATCH, *SHAPE)


def check_equal(game, loop, optimizers=sgd, **settings):
    played(Engine(game, optimizers(game, **settings)), domains(), ROUNDS)
    assert_near(game, loop, rtol=1e-7, atol=1e-9)


def bce(scores, target):
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


@pytest.mark.parametrize("cycle", ["both", "none"])
def test_discogan(cycle):
    """Kim et al. 2017, sec. 2: L_GAN + L_CONST of either side; and the standard GAN beside it."""
    game, loop = (game_of("discogan", {"cycle": cycle}) for _ in range(2))
    G_AB, G_BA, D_A, D_B = loop.a_to_b, loop.b_to_a, loop.discriminator_a, loop.discriminator_b
    generators_step = steps(torch.nn.ModuleList([G_AB, G_BA]))
    discriminators_steps = {D_A: steps(D_A), D_B: steps(D_B)}
    data = domains()
    for _ in rounds():
        x_A, x_B = next(data).domains
        x_AB, x_BA = G_AB(x_A), G_BA(x_B)
        L_GAN = bce(D_B(x_AB), 1.0) + bce(D_A(x_BA), 1.0)
        L_CONST = (G_BA(x_AB) - x_A).square().mean() + (G_AB(x_BA) - x_B).square().mean()
        generators_step(L_GAN + L_CONST if cycle == "both" else L_GAN)
        # Batch norm: fakes and reals each in a batch of their own, fakes first.
        for D, real, fake in ((D_A, x_A, x_BA), (D_B, x_B, x_AB)):
            discriminators_steps[D]((bce(D(fake.detach()), 0.0) + bce(D(real), 1.0)) / 2)
    check_equal(game, loop, lr=0.05)


def rmsprop(parameters, lr=1e-3):
    return torch.optim.RMSprop(parameters, lr=lr)


def test_dualgan():
    """Yi et al. 2017, algorithm 1, from its generators on; critics' losses halved, which RMSprop forgives."""
    game, loop = (game_of("dualgan", {"cycle_weight": 20.0, "discriminator_updates": 2}) for _ in range(2))
    there, back, judge_a, judge_b = loop.a_to_b, loop.b_to_a, loop.discriminator_a, loop.discriminator_b
    nets = {"g": torch.nn.ModuleList([there, back]), "a": judge_a, "b": judge_b}
    movers = {name: rmsprop(net.parameters()) for name, net in nets.items()}

    def move(name, loss):
        movers[name].zero_grad()
        loss.backward()
        movers[name].step()

    data = domains()
    for _ in rounds():
        a, b = next(data).domains
        fake_b, fake_a = there(a), back(b)
        recovered = (back(fake_b) - a).abs().mean() + (there(fake_a) - b).abs().mean()
        move("g", 20 * recovered - judge_b(fake_b).mean() - judge_a(fake_a).mean())
        for update in range(2):
            if update:
                a, b = next(data).domains
                fake_a, fake_b = back(b), there(a)
            fake, real = judge_a(fake_a.detach()).mean(), judge_a(a).mean()
            move("a", (fake - real) / 2)
            fake, real = judge_b(fake_b.detach()).mean(), judge_b(b).mean()
            move("b", (fake - real) / 2)
            for p in (*judge_a.parameters(), *judge_b.parameters()):
                p.data.clamp_(-0.01, 0.01)
    optimizers = {name: rmsprop(net.parameters()) for name, net in game.players().items()}
    played(Engine(game, optimizers), domains(), ROUNDS)
    assert_near(game, loop, rtol=1e-7, atol=1e-9)
    assert max(p.abs().max().item() for p in game.discriminator_a.parameters()) <= 0.01


def test_direct_translation():
    """Chen et al. 2018, eq. 2 to 4 without the blurred edges; the first of four rounds is content alone."""
    settings = {"content_weight": 3.0, "pretraining_images": BATCH}
    game, loop = (game_of("direct-translation", settings) for _ in range(2))
    generator, discriminator, phi = loop.generator, loop.discriminator, loop.features
    generators_step, discriminators_step = steps(generator, SLOW), steps(discriminator, SLOW)
    data = domains()
    for number in rounds():
        a, b = next(data).domains
        fake = generator(a)
        content = 3 * (phi(fake) - phi(a)).abs().mean()
        if number == 0:
            generators_step(content)
            continue
        discriminators_step((bce(discriminator(b), 1.0) + bce(discriminator(fake.detach()), 0.0)) / 2)
        generators_step(bce(discriminator(fake), 1.0) + content)
    check_equal(game, loop, lr=SLOW)


@pytest.mark.parametrize("distance", ["l2", "cosine"])
def test_dtn(distance):
    """Taigman et al. 2017, sec. 4: L_D, L_GANG, L_CONST, L_TID and L_TV."""
    settings = {"distance": distance, "identity_weight": 2.0, "smoothness_weight": 0.5}
    game, loop = (game_of("dtn", settings) for _ in range(2))
    g, discriminator, f = loop.generator, loop.discriminator, loop.features
    generators_step, discriminators_step = steps(g, SLOW), steps(discriminator, SLOW)

    def said(pictures, kind):
        logits = discriminator(pictures)
        assert logits.shape[1] == 3
        return cross_entropy(logits, torch.full_like(logits[:, 0], kind, dtype=torch.int64))

    data = domains()
    for _ in rounds():
        s, t = next(data).domains
        from_s, from_t = g(f(s)), g(f(t))
        discriminators_step(said(from_s.detach(), 0) + said(from_t.detach(), 1) + said(t, 2))
        loss = said(from_s, 2) + said(from_t, 2) + 2 * (from_t - t).square().mean()
        if distance == "l2":
            loss = loss + 15 * (f(s) - f(from_s)).square().mean()
        else:
            loss = loss + 15 * (1 - cosine_similarity(f(s), f(from_s), 1)).mean()
        slopes = [
            ((z[:, :, i, j + 1] - z[:, :, i, j]) ** 2 + (z[:, :, i + 1, j] - z[:, :, i, j]) ** 2).sqrt()
            for z in (from_s, from_t)
            for i in range(15)
            for j in range(15)
        ]
        generators_step(loss + 0.5 * torch.stack(slopes).mean())
    played(Engine(game, sgd(game, lr=SLOW)), domains(), ROUNDS)
    assert_near(game, loop, rtol=1e-5, atol=1e-7)  # the root of a slope is softened at zero


def test_edges_are_the_same_on_black_and_on_white():
    """And through half the contrast; colours are kept."""
    torch.manual_seed(0)
    pictures = torch.rand(2, 1, 8, 8).expand(-1, 3, -1, -1) * 2 - 1
    maps = EdgeMaps(3)
    network_input = maps(pictures)
    assert network_input.shape == (2, 4, 8, 8)
    torch.testing.assert_close(maps(-pictures), network_input)
    torch.testing.assert_close(maps(pictures / 2)[:, :1], network_input[:, :1], rtol=1e-2, atol=1e-2)
    assert network_input[:, 1:].abs().max() < 1e-5, "grey has no colour"
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert maps(red)[0, 1:, 0, 0].tolist() == pytest.approx([4.0, -2.0, -2.0])
    assert EdgeMaps(1, halvings=2)(pictures[:, :1]).shape == (2, 1, 2, 2)


@pytest.fixture
def vgg_file(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "vgg11.pth"
    torch.save(VGG(depth=11, classes=None).state_dict(), path)
    return path


def test_a_vgg_sees_what_its_file_taught_it(vgg_file):
    """Its third convolution, after two halvings; grey stands for all three channels."""
    maps = VGGMaps(3, file=str(vgg_file), depth=11, layer=3)
    theirs = VGG(depth=11, classes=None)
    theirs.load_state_dict(torch.load(vgg_file))
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    expected = theirs.features[:7](((images + 1) / 2 - mean) / deviation)
    assert (maps.width, maps.multiple) == (256, 4)
    torch.testing.assert_close(maps(images), expected)
    gray = VGGMaps(1, file=str(vgg_file), depth=11, layer=3)
    torch.testing.assert_close(gray(images[:, :1]), maps(images[:, :1].expand(-1, 3, -1, -1)))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"file": "nothing.pth"}, "no file 'nothing.pth'.*kind=edges needs none"),
        ({"depth": 16}, "does not hold this VGG: features.2.weight should be"),
        ({"layer": 9}, "VGG-11 has the convolutions 1 to 8"),
        ({"inputs": 4}, "1 or 3 channels, these have 4"),
    ],
)
def test_a_file_that_does_not_fit_is_named(vgg_file, settings, complaint):
    settings = {"inputs": 3, "file": str(vgg_file), "depth": 11, "layer": 3, **settings}
    with pytest.raises((ValueError, FileNotFoundError), match=complaint):
        VGGMaps(settings.pop("inputs"), **settings)(torch.zeros(1, 3, 16, 16))


@pytest.mark.parametrize("name", ["direct-translation", "dtn"])
def test_a_saved_translator_needs_the_file_no_more(name, vgg_file, tmp_path):
    vgg = {"features": {"kind": "vgg", "file": str(vgg_file), "depth": 11, "layer": 3}}
    recipe = recipe_of(name, {"networks": vgg})
    game = build_game(methods.find(name), recipe, DOMAINS)
    stream = (Unpaired(tuple(both.chunk(2))) for both in Stream(4, *SHAPE))
    Engine(game.train(), sgd(game)).round(stream)
    ours = Model(game, DOMAINS, Trained(methods.find(name), recipe, DOMAINS))
    pictures = torch.rand(2, *SHAPE)
    before = ours.translate(pictures)
    ours.save(tmp_path / "model")
    vgg_file.unlink()
    torch.testing.assert_close(load(tmp_path / "model").translate(pictures), before)
