"""The engine's contract, checked against what can be known without it."""

import copy
import math

import pytest
import torch
from torch import nn

from ganarium.core.engine import Engine
from ganarium.core.game import Clock, Game, Turn, turn
from ganarium.losses.objectives import non_saturating
from ganarium.losses.penalties import gradient_penalty
from helpers import Scalar, Stream, TwoPlayerGame, adam, assert_equal, assert_near, copies, mlp, played, sgd


def duel_script(game, data, clock):
    """A shared fake: judged by the discriminator, then shown again by the generator."""
    real = next(data)
    fake = game.generator(torch.randn_like(real))
    yield turn(
        game.discriminator,
        adversarial=non_saturating.discriminator(game.discriminator(real), game.discriminator(fake.detach())),
    )
    yield turn(game.generator, adversarial=non_saturating.generator(game.discriminator(fake)))


def test_only_movers_get_a_gradient():
    """Even where the graph runs on into the other player."""
    seen = []

    def script(game, data, clock):
        fake = game.generator(next(data))
        yield turn(game.discriminator, judge=game.discriminator(fake).mean())
        seen.append({name for name, p in game.named_parameters() if p.grad is not None})

    game = TwoPlayerGame(script)
    Engine(game, sgd(game)).round(Stream())
    assert seen == [{name for name, _ in game.named_parameters() if name.startswith("discriminator")}]


def test_a_shared_fake_stays_alive_for_its_own_turn():
    game = TwoPlayerGame(duel_script)
    before = copies(game.generator)
    Engine(game, adam(game)).round(Stream())
    assert not any(map(torch.equal, before, game.generator.parameters()))


class Bilinear(Game):
    """min over x, max over y, of x y: simultaneous steps spiral out, alternating ones circle."""

    def __init__(self, *, simultaneous):
        super().__init__()
        self.x, self.y, self.simultaneous = Scalar(1.0), Scalar(0.0), simultaneous

    def play(self, data, clock):
        value = self.x.value * self.y.value
        if self.simultaneous:
            yield turn(self.x, value=value), turn(self.y, value=-value)
        else:
            yield turn(self.x, value=value)
            yield turn(self.y, value=-self.x.value * self.y.value)


def test_simultaneous_steps_leave_from_the_same_state():
    game, lr, rounds = Bilinear(simultaneous=True), 0.1, 500
    played(Engine(game, sgd(game, lr)), iter(()), rounds)
    radius = math.hypot(game.x.value.item(), game.y.value.item())
    assert radius == pytest.approx((1 + lr**2) ** (rounds / 2), rel=1e-9)


def test_alternating_steps_see_the_other_player_moved():
    """The map (x, y) -> (x - h y, y + h (x - h y)) keeps x^2 + y^2 - h x y."""
    game, lr = Bilinear(simultaneous=False), 0.1
    played(Engine(game, sgd(game, lr)), iter(()), 500)
    x, y = game.x.value.item(), game.y.value.item()
    assert x**2 + y**2 - lr * x * y == pytest.approx(1, rel=1e-9)


def test_turns_of_a_tuple_share_one_forward_pass():
    """Three players, three losses (Larsen et al. 2016, algorithm 1): gradients as autograd gives them."""

    def script(game, data, clock):
        (turns,) = losses(game, next(data))
        yield turns

    def losses(game, real):
        mean, log_variance = game.encoder(real).chunk(2, 1)
        decoded = game.generator(mean + torch.randn_like(mean) * (log_variance / 2).exp())
        prior = (mean.square() + log_variance.exp() - log_variance).sum(1).mean() / 2
        judged = non_saturating.discriminator(game.discriminator(real), game.discriminator(decoded))
        like = (decoded - real).square().mean()
        yield (
            turn(game.encoder, prior=prior, like=like),
            turn(game.generator, like=like, fool=-judged),
            turn(game.discriminator, judge=judged),
        )

    torch.manual_seed(0)
    encoder = mlp(2, 4)
    game = TwoPlayerGame(script, encoder=encoder)
    by_hand = copy.deepcopy(game)
    Engine(game, sgd(game)).round(Stream())

    torch.manual_seed(0)
    (turns,) = losses(by_hand, next(Stream()))
    slopes = [
        torch.autograd.grad(sum(t.terms.values()), list(t.players[0].parameters()), retain_graph=True)
        for t in turns
    ]
    with torch.no_grad():
        for t, gradient in zip(turns, slopes, strict=True):
            for p, g in zip(t.players[0].parameters(), gradient, strict=True):
                p -= 0.1 * g
    assert_near(game, by_hand, rtol=1e-6)


def noiseless_script(game, data, clock):
    noise, real = next(data).chunk(2, 1)
    fake = game.generator(noise)
    penalty = (game.discriminator(real) - 1).square().mean()
    judged = non_saturating.discriminator(game.discriminator(real), game.discriminator(fake.detach()))
    yield turn(game.discriminator, judge=judged, penalty=penalty)
    yield turn(game.generator, fool=non_saturating.generator(game.discriminator(fake)))


@pytest.mark.parametrize("parts", [2, 4, 16])
def test_micro_batches_equal_one_batch(parts):
    whole, cut = TwoPlayerGame(noiseless_script), TwoPlayerGame(noiseless_script)
    batches = [next(Stream(16, 4, start=i)) for i in range(3)]
    played(Engine(whole, sgd(whole)), iter(batches), 3)
    pieces = [piece for batch in batches for piece in batch.chunk(parts)]
    played(Engine(cut, sgd(cut), accumulate=parts), iter(pieces), 3)
    assert_near(whole, cut)


def test_the_report_is_the_mean_over_micro_batches():
    def script(game, data, clock):
        yield turn(game.generator, value=next(data) + 0 * game.judged_fake().mean())

    game = TwoPlayerGame(script)
    report = Engine(game, sgd(game), accumulate=4).round(iter(torch.arange(4.0)))
    assert report["generator/value"].item() == 1.5


class Canvas(Game):
    """A picture of one pixel, pulled towards the mean of what the data say."""

    def __init__(self):
        super().__init__()
        self.image = Scalar(5.0)

    def play(self, data, clock):
        goal = next(data)
        yield Turn((self.image,), lambda: {"content": (self.image.value - goal).square()})


@pytest.mark.parametrize("goals", [[2.0], [1.0, 3.0]])
def test_lbfgs_evaluates_every_micro_batch_again(goals):
    game = Canvas()
    engine = Engine(game, {"image": torch.optim.LBFGS(game.image.parameters())}, accumulate=len(goals))
    engine.round(iter(goals))
    assert game.image.value.item() == pytest.approx(2.0, abs=1e-6)


def test_turn_takes_a_function_as_its_last_argument():
    net = mlp()
    last = turn(net, lambda: {"loss": net(torch.zeros(1, 2)).mean()})
    assert last.players == (net,)
    assert callable(last.terms)


def test_frozen_networks_stay_in_eval_mode():
    game = TwoPlayerGame(duel_script, features=mlp().requires_grad_(False), pool=nn.Identity())
    game.eval().train()
    assert "features" not in game.players()
    assert not game.features.training
    assert game.pool.training
    assert game.generator.training


def test_items_of_containers_are_players():
    game = TwoPlayerGame(duel_script, encoders=nn.ModuleDict({"horse": mlp(), "owl": nn.ModuleList([mlp()])}))
    assert list(game.players()) == ["generator", "discriminator", "encoders.horse", "encoders.owl.0"]


class ManyDomains(Game):
    """The clock's shared random generator chooses the two domains that play."""

    def __init__(self, domains):
        super().__init__()
        self.coders = nn.ModuleDict({name: mlp(2, 2) for name in domains})

    def play(self, data, clock):
        a, b = clock.shared_random().sample(sorted(self.coders), 2)
        real = next(data)
        cycled = self.coders[b](self.coders[a](real))
        yield turn(self.coders[a], self.coders[b], cycle=nn.functional.l1_loss(cycled, real))


def test_micro_batches_share_the_clocks_random_generator():
    game = ManyDomains(["horse", "owl", "yak", "zebra"])
    before = {name: copies(net) for name, net in game.coders.items()}
    Engine(game, adam(game), accumulate=3).round(Stream())
    moved = {
        name for name, net in game.coders.items() if not all(map(torch.equal, before[name], net.parameters()))
    }
    assert moved == set(Clock().shared_random().sample(sorted(game.coders), 2))


def test_shared_random_depends_on_seed_and_round_alone():
    def rolled(**clock):
        return Clock(**clock).shared_random().random()

    assert rolled(round=3, seed=1) == rolled(round=3, seed=1, images=99, first_micro_batch=False)
    assert len({rolled(round=r, seed=s) for r in range(5) for s in range(5)}) == 25


def test_clock_counts_what_the_data_gave():
    game = TwoPlayerGame(duel_script)
    engine = Engine(game, adam(game), length=64)
    played(engine, Stream(8, 2), 3)
    assert (engine.clock.round, engine.clock.images, engine.clock.progress) == (3, 24, 0.375)
    played(engine, Stream(8, 2), 10)
    assert engine.clock.progress == 1.0


def test_noise_follows_seed_and_round_alone():
    """What was drawn before a round does not change its noise."""
    ends = []
    for disturbed in (False, True):
        game = TwoPlayerGame(duel_script)
        engine, data = Engine(game, adam(game), seed=5), Stream()
        for _ in range(3):
            if disturbed:
                torch.randn(7)
            engine.round(data)
        ends.append(game)
    assert_equal(*ends)


def test_another_seed_is_another_match():
    ends = []
    for seed in (0, 1):
        game = TwoPlayerGame(duel_script)
        played(Engine(game, adam(game), seed=seed), Stream(), 1)
        ends.append(copies(game))
    assert not all(map(torch.equal, *ends))


def test_bfloat16_reaches_the_body_of_the_script():
    seen = []

    def script(game, data, clock):
        real = next(data)
        for net in (game.discriminator, game.generator):
            scores = net(real)
            seen.append(scores.dtype)
            yield turn(net, loss=scores.float().mean())

    game = TwoPlayerGame(script)
    Engine(game, adam(game), precision=torch.bfloat16).round(Stream())
    assert seen == [torch.bfloat16] * 2
    assert not torch.is_autocast_enabled("cpu")


def test_closures_run_in_bfloat16_too():
    seen = []

    def script(game, data, clock):
        real = next(data)

        def terms():
            scores = game.discriminator(real)
            seen.append(scores.dtype)
            return {"loss": scores.float().mean()}

        yield turn(game.discriminator, terms)

    game = TwoPlayerGame(script)
    Engine(game, sgd(game), precision=torch.bfloat16).round(Stream())
    assert seen == [torch.bfloat16]


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_fakes_made_without_gradients_do_not_take_them_from_later_ones(precision):
    """Autocast may remember a weight's cast that was made under no_grad."""

    def script(game, data, clock, *, peek):
        real = next(data)
        if peek:
            with torch.no_grad():
                game.generator(real)
        yield turn(game.generator, loss=game.generator(real).float().square().mean())

    ends = []
    for peek in (False, True):
        game = TwoPlayerGame(lambda *args, peek=peek: script(*args, peek=peek))
        Engine(game, sgd(game), precision=precision).round(Stream())
        ends.append(game)
    assert_equal(*ends)


def test_autocast_keeps_no_cache_of_casts():
    seen = []

    def script(game, data, clock):
        seen.append(torch.is_autocast_cache_enabled())
        yield turn(game.generator, loss=game.generator(next(data)).float().mean())

    game = TwoPlayerGame(script)
    Engine(game, sgd(game), precision=torch.bfloat16).round(Stream())
    assert seen == [False]


def test_clip_norm_bounds_the_gradient_that_is_stepped_on():
    def script(game, data, clock):
        yield turn(game.generator, loss=1000 * game.judged_fake().mean())

    game = TwoPlayerGame(script)
    before = copies(game.generator)
    Engine(game, sgd(game, lr=1.0), clip_norms={"generator": 0.5}).round(iter(()))
    steps = [(p - q).flatten() for p, q in zip(game.generator.parameters(), before, strict=True)]
    assert torch.cat(steps).norm().item() == pytest.approx(0.5, rel=1e-4)


def test_clip_norm_leaves_short_gradients_alone():
    ends = []
    for clip_norms in ({}, {"generator": 1e6}):
        game = TwoPlayerGame(duel_script)
        played(Engine(game, sgd(game), clip_norms=clip_norms), Stream(), 2)
        ends.append(game)
    assert_equal(*ends)


def test_two_time_scales():
    """Each player's own learning rate: of SGD the steps' ratio is the rates'."""

    def script(game, data, clock):
        yield turn(game.one, value=game.one.value), turn(game.two, value=game.two.value)

    game = TwoPlayerGame(script, one=Scalar(0.0), two=Scalar(0.0))
    optimizers = sgd(game) | {"two": torch.optim.SGD(game.two.parameters(), lr=0.4)}
    played(Engine(game, optimizers), iter(()), 3)
    assert game.one.value.item() == pytest.approx(-0.3)
    assert game.two.value.item() == pytest.approx(-1.2)


def test_resumed_equals_uninterrupted():
    def penalized(game, data, clock):
        real = next(data)
        fake = game.generator(torch.randn_like(real))
        penalty = gradient_penalty(lambda x: game.discriminator(x)[:, 0], real, fake)
        yield turn(game.discriminator, judge=game.discriminator(fake.detach()).mean(), penalty=penalty)
        yield turn(game.generator, fool=-game.discriminator(fake).mean())

    whole, data = TwoPlayerGame(penalized), Stream()
    engine = Engine(whole, adam(whole))
    played(engine, data, 3)
    state = copy.deepcopy(engine.state_dict())
    played(engine, data, 4)

    torch.manual_seed(999)
    other = TwoPlayerGame(penalized)
    for p in other.parameters():
        nn.init.normal_(p)
    resumed = Engine(other, adam(other))
    resumed.load_state_dict(state)
    played(resumed, Stream(start=3), 4)
    assert_equal(whole, other)
    assert resumed.clock == engine.clock
