"""The classic variants against the loops of their papers, written out by hand."""

# ruff: noqa: N803 - G and D, as the papers write them

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot, relu, softplus

from ganarium.core.engine import Engine
from helpers import assert_near, played, sgd
from textbook import BATCH, ROUNDS, batches, game_of, normal, rounds, steps


def lsgan(G, D, data):
    """Mao et al. 2017, equation 8."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        step_d((D(real) - 1).square().mean() / 2 + (D(fake.detach()) + 1).square().mean() / 2)
        step_g(D(fake).square().mean() / 2)


def wgan(G, D, data):
    """Arjovsky et al. 2017, algorithm 1, with its RMSprop and two updates."""
    rmsprop_g = torch.optim.RMSprop(G.parameters(), lr=1e-3)
    rmsprop_d = torch.optim.RMSprop(D.parameters(), lr=1e-3)
    for _ in rounds():
        for _ in range(2):
            real, fake = next(data), G(normal())
            rmsprop_d.zero_grad()
            (D(fake.detach()).mean() - D(real).mean()).backward()
            rmsprop_d.step()
            for p in D.parameters():
                p.data.clamp_(-0.01, 0.01)
        rmsprop_g.zero_grad()
        (-D(fake).mean()).backward()
        rmsprop_g.step()


def relativistic_average(G, D, data):
    """Jolicoeur-Martineau 2019, algorithm 2; one power iteration for the discriminator's turn."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        r, f = D(torch.cat([real, fake.detach()])).split(BATCH)
        step_d(softplus(-(r - f.mean())).mean() + softplus(f - r.mean()).mean())
        f, r = D(fake), D(real)
        step_g(softplus(-(f - r.mean())).mean() + softplus(r - f.mean()).mean())


def relativistic_standard(G, D, data):
    """Its algorithm 1."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        r, f = D(torch.cat([real, fake.detach()])).split(BATCH)
        step_d(softplus(-(r - f)).mean())
        f, r = D(fake), D(real)
        step_g(softplus(-(f - r)).mean())


def loss_sensitive(G, D, data):
    """Qi 2020, eq. 7, with L = -D and the pair's own margin."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        margin = 2.0 * (real - fake.detach()).abs().mean((1, 2, 3))
        step_d(relu(margin + -D(real) - -D(fake.detach())).mean())
        step_g(-D(fake).mean())


def ebgan(G, D, data):
    """Zhao et al. 2017, eq. 1, 2 and 4, with pairs of codes counted one by one."""
    step_g, step_d = steps(G), steps(D)

    def energy(x):
        return (D(x) - x).square().mean((1, 2, 3))

    for _ in rounds():
        real, fake = next(data), G(normal())
        step_d(energy(real).mean() + relu(0.5 - energy(fake.detach())).mean())
        codes = D.features(fake)
        cosines = [
            torch.cosine_similarity(codes[i], codes[j], 0).square()
            for i in range(BATCH)
            for j in range(BATCH)
            if i != j
        ]
        step_g(energy(fake).mean() + 0.1 * sum(cosines) / (BATCH * (BATCH - 1)))


def pretrained_ebgan(G, D, data):
    """The autoencoder sees the first two batches alone."""
    step_g, step_d = steps(G), steps(D)

    def energy(x):
        return (D(x) - x).square().mean((1, 2, 3))

    for number in rounds():
        real = next(data)
        if number < 2:
            step_d(energy(real).mean())
            continue
        fake = G(normal())
        step_d(energy(real).mean() + relu(0.3 - energy(fake.detach())).mean())
        step_g(energy(fake).mean())


def acgan(G, D, data):
    """Odena et al. 2017, eq. 2 and 3: L_S + L_C, and L_C - L_S."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, label = next(data)
        fake = G(normal(), label)
        r, f = D(real), D(fake.detach())
        sources = softplus(-r[:, 0]).mean() + softplus(f[:, 0]).mean()
        step_d(sources + 0.5 * (cross_entropy(r[:, 1:], label) + cross_entropy(f[:, 1:], label)))
        f = D(fake)
        step_g(softplus(-f[:, 0]).mean() + 0.5 * cross_entropy(f[:, 1:], label))


def infogan(G, D, data):
    """Chen et al. 2016, eq. 6: a code of ten categories and two numbers."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real = next(data)
        category = torch.randint(10, (BATCH,))
        numbers = torch.rand(BATCH, 2) * 2 - 1
        fake = G(torch.cat([normal(), one_hot(category, 10), numbers], 1))

        def misread(scores, category=category, numbers=numbers):
            log_likelihood = -(scores[:, 11:] - numbers).square().sum(1) / 2
            return cross_entropy(scores[:, 1:11], category) - 0.1 * log_likelihood.mean()

        f = D(fake.detach())
        step_d(softplus(-D(real)[:, 0]).mean() + softplus(f[:, 0]).mean() + misread(f))
        f = D(fake)
        step_g(softplus(-f[:, 0]).mean() + misread(f))


def projection_cgan(G, D, data):
    """Miyato & Koyama 2018, algorithm 1; one pass, so one power iteration, over real and fake."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, label = next(data)
        fake = G(normal(), label)
        r, f = D(torch.cat([real, fake.detach()]), label.repeat(2)).split(BATCH)
        step_d(relu(1 - r).mean() + relu(1 + f).mean())
        step_g(-D(fake, label).mean())


def feature_matching(G, D, data):
    """Salimans et al. 2016, sec. 3.1, in place of the generator's objective."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        step_d(softplus(-D(real)).mean() + softplus(D(fake.detach())).mean())
        step_g((D.features(real).detach().mean(0) - D.features(fake).mean(0)).square().sum())


def historical_averaging(G, D, data):
    """Its sec. 3.2: the mean runs over the weights before each round."""
    step_g, step_d = steps(G), steps(D)
    past = [[[p.detach().clone() for p in net.parameters()]] for net in (G, D)]

    def distance(net, states):
        means = [torch.stack(weights).mean(0) for weights in zip(*states, strict=True)]
        return sum((p - mean).square().sum() for p, mean in zip(net.parameters(), means, strict=True))

    for _ in rounds():
        real, fake = next(data), G(normal())
        step_d(softplus(-D(real)).mean() + softplus(D(fake.detach())).mean() + 0.5 * distance(D, past[1]))
        step_g(softplus(-D(fake)).mean() + 0.5 * distance(G, past[0]))
        for net, states in zip((G, D), past, strict=True):
            states.append([p.detach().clone() for p in net.parameters()])


def instance_noise(G, D, data):
    """Sønderby et al. 2017: the same noise on real and fake, less of it as the run goes on."""
    step_g, step_d = steps(G), steps(D)
    for number in rounds():
        real, fake = next(data), G(normal())
        deviation = 0.2 * (1 - number / ROUNDS)
        real = real + deviation * torch.randn_like(real)
        fake = fake + deviation * torch.randn_like(fake)
        step_d(softplus(-D(real)).mean() + softplus(D(fake.detach())).mean())
        step_g(softplus(-D(fake)).mean())


def smoothed_labels(G, D, data):
    """Salimans et al. 2016, sec. 3.4."""
    step_g, step_d = steps(G), steps(D)
    for _ in rounds():
        real, fake = next(data), G(normal())
        step_d(
            0.9 * softplus(-D(real)).mean()
            + 0.1 * softplus(D(real)).mean()
            + softplus(D(fake.detach())).mean()
        )
        step_g(softplus(-D(fake)).mean())


CASES = [
    (lsgan, "lsgan", {"targets": [-1, 1, 0]}),
    (relativistic_average, "relativistic-gan", {}),
    (relativistic_standard, "relativistic-gan", {"relativistic": "standard"}),
    (loss_sensitive, "loss-sensitive-gan", {"margin_weight": 2.0}),
    (ebgan, "ebgan", {"margin": 0.5, "pulling_away_weight": 0.1}),
    (pretrained_ebgan, "ebgan", {"pretraining_images": 16, "margin": 0.3, "pulling_away_weight": 0}),
    (acgan, "acgan", {"classification_weight": 0.5, "fake_classification_weight": 1.0}),
    (infogan, "infogan", {"noise": "normal", "warp": 0.0, "information_weight": 1.0}),
    (projection_cgan, "projection-cgan", {}),
    (feature_matching, "gan", {"feature_matching_weight": 1.0, "adversarial_weight": 0.0}),
    (historical_averaging, "gan", {"historical_averaging_weight": 0.5}),
    (instance_noise, "gan", {"instance_noise": 0.2}),
    (smoothed_labels, "gan", {"real_label": 0.9}),
]
IDS = [case[0].__name__ for case in CASES]


@pytest.mark.parametrize(("loop", "name", "changes"), CASES, ids=IDS)
def test_game_equals_the_textbook_loop(loop, name, changes):
    game = game_of(name, changes)
    textbook = copy.deepcopy(game)
    played(Engine(game, sgd(game, 0.05), length=ROUNDS * BATCH), batches(name), ROUNDS)
    loop(textbook.generator, textbook.discriminator, batches(name))
    assert_near(game.generator, textbook.generator, rtol=1e-5, atol=1e-6)
    assert_near(game.discriminator, textbook.discriminator, rtol=1e-5, atol=1e-6)


def test_wgan_equals_the_textbook_loop():
    game = game_of("wgan", {})
    textbook = copy.deepcopy(game)
    optimizers = {n: torch.optim.RMSprop(net.parameters(), lr=1e-3) for n, net in game.players().items()}
    played(Engine(game, optimizers), batches("wgan"), ROUNDS)
    wgan(textbook.generator, textbook.discriminator, batches("wgan"))
    assert_near(game, textbook, rtol=1e-5, atol=1e-6)
    assert max(p.abs().max() for p in game.discriminator.parameters()) <= 0.01


@pytest.mark.parametrize(
    ("loop", "name", "changes"),
    [
        (lsgan, "lsgan", {}),
        (relativistic_average, "relativistic-gan", {"relativistic": "standard"}),
        (loss_sensitive, "loss-sensitive-gan", {"margin_weight": 2.0, "slope": 0.5}),
        (ebgan, "ebgan", {"margin": 0.5, "pulling_away_weight": 0.0}),
        (acgan, "acgan", {"classification_weight": 0.5}),
        (
            infogan,
            "infogan",
            {"noise": "normal", "warp": 0.0, "information_weight": 1.0, "continuous_weight": 0.2},
        ),
        (projection_cgan, "projection-cgan", {"objective": "non-saturating"}),
        (historical_averaging, "gan", {}),
        (smoothed_labels, "gan", {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_another_setting_ends_elsewhere(loop, name, changes):
    """The comparison can fail."""
    game = game_of(name, changes)
    textbook = copy.deepcopy(game)
    played(Engine(game, sgd(game, 0.05)), batches(name), ROUNDS)
    loop(textbook.generator, textbook.discriminator, batches(name))
    with pytest.raises(AssertionError):
        assert_near(game.generator, textbook.generator, rtol=1e-5, atol=1e-6)


def test_the_generalised_loss_of_slope_one_is_that_of_wgan():
    """Qi 2020, appendix D of the preprint: up to the margin, which no weight can change."""
    game = game_of("loss-sensitive-gan", {"slope": 1.0, "margin_weight": 0.0})
    other = game_of("wgan", {})
    other.load_state_dict(game.state_dict())
    played(Engine(game, sgd(game, 1e-3)), batches("wgan"), 1)
    real = next(batches("wgan"))
    torch.manual_seed(0)
    fake = other.generator(normal())
    steps(other.discriminator, 1e-3)(
        other.discriminator(fake.detach()).mean() - other.discriminator(real).mean()
    )
    assert_near(game.discriminator, other.discriminator, rtol=1e-5, atol=1e-6)
