"""Scripts that break other designs, and what moves once a round."""

import copy

import pytest
import torch
from torch import nn

from ganarium.core.averages import Averages, HalfLife
from ganarium.core.engine import Engine
from ganarium.core.game import Clock, Game, turn
from ganarium.core.optimizers import completed, make, schedule
from ganarium.core.schedules import constant, cosine, linear, warm_up
from ganarium.losses.objectives import least_squares
from helpers import Scalar, Stream, TwoPlayerGame, adam, assert_equal, mlp, played, sgd


def nice_script(game, data, clock):
    """Chen et al. 2020: the discriminator's encoder is the generator's, and learns on its turn only."""
    real = next(data)
    fake = game.decoder(game.encoder(real))

    def judge(samples):
        return game.discriminator(game.encoder(samples))

    yield turn(
        game.encoder, game.discriminator, judge=least_squares.discriminator(judge(real), judge(fake.detach()))
    )
    fake = game.decoder(game.encoder(real))
    yield turn(game.decoder, fool=least_squares.generator(judge(fake)))


def video_script(game, data, clock):
    """A step a frame; the last frame drawn is fed back."""
    last = torch.zeros(8, 2)
    for real in next(data).unbind():
        fake = game.generator(last)
        yield turn(
            game.discriminator,
            judge=least_squares.discriminator(game.discriminator(real), game.discriminator(fake)),
        )
        yield turn(game.generator, fool=least_squares.generator(game.discriminator(fake)))
        last = fake.detach()


def phases_script(game, data, clock):
    """First regression, then the game (Ledig et al. 2017, SRGAN)."""
    real = next(data)
    fake = game.generator(real)
    if clock.round >= 2:
        yield turn(
            game.discriminator,
            judge=least_squares.discriminator(game.discriminator(real), game.discriminator(fake)),
        )
    yield turn(game.generator, pixel=nn.functional.mse_loss(fake, real))


def everybody_moved(game, data, rounds):
    before = copy.deepcopy(game.state_dict())
    played(Engine(game, adam(game)), data, rounds)
    moved = {
        key.partition(".")[0]
        for key, value in game.state_dict().items()
        if not torch.equal(value, before[key])
    }
    return moved == game.players().keys()


def test_an_encoder_may_belong_to_both_sides():
    game = TwoPlayerGame(nice_script, encoder=mlp(2, 4), decoder=mlp(4, 2))
    game.discriminator = mlp(4, 1)
    del game.generator
    movers = [t.players for t in game.play(Stream(), Clock())]
    assert movers == [(game.encoder, game.discriminator), (game.decoder,)]
    assert everybody_moved(game, Stream(), 2)


def test_a_recurrent_generator_moves_every_frame():
    assert everybody_moved(TwoPlayerGame(video_script), Stream(3, 8, 2), 2)


def test_phases_are_an_if_on_the_clock():
    game = TwoPlayerGame(phases_script)
    engine, data = Engine(game, adam(game)), Stream()
    assert [sorted(engine.round(data)) for _ in range(3)] == [
        ["generator/pixel"],
        ["generator/pixel"],
        ["discriminator/judge", "generator/pixel"],
    ]


class Controlled(Game):
    """A controller in the manner of ADA: it must move once a round, however the round is cut."""

    def __init__(self, *, careful):
        super().__init__()
        self.discriminator, self.careful = mlp(), careful
        self.register_buffer("strength", torch.zeros(()))

    def play(self, data, clock):
        if clock.first_micro_batch or not self.careful:
            self.strength += 0.05
        yield turn(self.discriminator, judge=self.discriminator(next(data)).square().mean())


@pytest.mark.parametrize(("careful", "strength"), [(True, 0.15), (False, 0.60)])
def test_what_happens_once_a_round_goes_under_first_micro_batch(careful, strength):
    game = Controlled(careful=careful)
    played(Engine(game, adam(game), accumulate=4), Stream(), 3)
    assert game.strength.item() == pytest.approx(strength)


# Learning rates over the match


@pytest.mark.parametrize(
    ("factor", "points"),
    [
        (constant(), {0.0: 1.0, 1.0: 1.0}),
        (linear(), {0.0: 1.0, 0.25: 0.75, 1.0: 0.0}),
        (linear(start=0.5), {0.0: 1.0, 0.5: 1.0, 0.75: 0.5, 1.0: 0.0}),
        (linear(start=0.5, end_factor=0.2), {0.5: 1.0, 0.75: 0.6, 1.0: 0.2}),
        (linear(start=1.0), {0.0: 1.0, 0.999: 1.0, 1.0: 1.0}),
        (cosine(), {0.0: 1.0, 1 / 3: 0.75, 0.5: 0.5, 1.0: 0.0}),
        (cosine(end_factor=0.5), {0.0: 1.0, 0.5: 0.75, 1.0: 0.5}),
        (warm_up(until=0.1), {0.05: 0.505, 0.1: 1.0, 1.0: 1.0}),
    ],
)
def test_schedule_at_known_points(factor, points):
    for progress, value in points.items():
        assert factor(progress) == pytest.approx(value, abs=1e-3), progress


def pulled_script(game, data, clock):
    next(data)
    yield turn(game.only, value=game.only.value)


def pulled():
    game = TwoPlayerGame(pulled_script, only=Scalar(0.0))
    del game.generator, game.discriminator
    return game


def test_scheduled_steps_have_the_scheduled_length():
    """Of a constant slope the sum of the steps is the sum of the rates."""
    game = pulled()
    engine = Engine(game, sgd(game, 1.0), schedules={"only": linear()}, length=80)
    played(engine, Stream(8, 2), 10)
    assert game.only.value.item() == pytest.approx(-sum(1 - i / 10 for i in range(10)))


def test_a_resumed_match_has_the_recipes_learning_rate():
    first, data = pulled(), Stream(8, 2)
    engine = Engine(first, sgd(first, 1.0), schedules={"only": linear()}, length=80)
    played(engine, data, 5)
    second = pulled()
    resumed = Engine(second, sgd(second, 0.1), schedules={"only": linear()}, length=160)
    resumed.load_state_dict(engine.state_dict())
    played(resumed, data, 1)
    assert resumed.optimizers["only"].param_groups[0]["lr"] == pytest.approx(0.1 * (1 - 40 / 160))


def lazy_script(game, data, clock):
    yield turn(game.discriminator, judge=game.judged_fake().mean())
    if clock.every(game.interval):
        penalty = game.discriminator(next(data)).square().mean()
        yield turn(game.discriminator, penalty=game.interval * penalty).lazy(game.interval)
    yield turn(game.generator, fool=game.judged_fake().mean())


def lazy_engine(interval=16, **settings):
    game = TwoPlayerGame(lazy_script, interval=interval)
    spec = completed({"lr": 2e-3, "betas": (0.5, 0.99)}, "optimizers.discriminator")
    players = game.players().items()
    optimizers = {name: make(spec, net.parameters(), fused=False) for name, net in players}
    return Engine(game, optimizers, **settings)


def rates_and_betas(engine, player):
    (group,) = engine.optimizers[player].param_groups
    return group["lr"], *group["betas"]


@pytest.mark.parametrize("interval", [4, 16])
@pytest.mark.parametrize("schedule", [None, constant()])
def test_a_lazy_turn_corrects_learning_rate_and_betas_once(interval, schedule):
    """Karras et al. 2020, appendix B: c = k / (k + 1); only of the player that takes the turn."""
    schedules = dict.fromkeys(("generator", "discriminator"), schedule) if schedule else None
    engine = lazy_engine(interval, schedules=schedules)
    share = interval / (interval + 1)
    assert rates_and_betas(engine, "discriminator") == (2e-3, 0.5, 0.99)
    played(engine, Stream(), 2 * interval + 1)
    assert rates_and_betas(engine, "discriminator") == pytest.approx((2e-3 * share, 0.5**share, 0.99**share))
    assert rates_and_betas(engine, "generator") == (2e-3, 0.5, 0.99)


def test_a_schedule_acts_on_the_corrected_rate():
    engine = lazy_engine(schedules={"discriminator": linear()}, length=32)  # a lazy turn takes 8 images
    played(engine, Stream(), 17)
    assert engine.clock.images == 16
    played(engine, Stream(), 1)
    assert rates_and_betas(engine, "discriminator")[0] == pytest.approx(2e-3 * 16 / 17 / 2)


def test_a_resumed_run_keeps_the_correction():
    """Before it meets a lazy turn of its own; state that is loaded twice is corrected once."""
    engine = lazy_engine()
    played(engine, Stream(), 3)
    resumed = lazy_engine()
    for _ in range(2):
        resumed.load_state_dict(copy.deepcopy(engine.state_dict()))
        assert rates_and_betas(resumed, "discriminator") == rates_and_betas(engine, "discriminator")
        assert rates_and_betas(resumed, "generator") == (2e-3, 0.5, 0.99)
    for each in (engine, resumed):
        played(each, Stream(start=1), 14)
    assert rates_and_betas(resumed, "discriminator") == rates_and_betas(engine, "discriminator")
    assert_equal(resumed.game, engine.game)


def test_a_player_has_one_lazy_interval():
    def two_intervals(game, data, clock):
        yield turn(game.discriminator, a=game.judged_fake().mean()).lazy(4)
        yield turn(game.discriminator, b=game.judged_fake().mean()).lazy(8)

    game = TwoPlayerGame(two_intervals)
    with pytest.raises(ValueError, match="turns of discriminator are taken every 4 and every 8 rounds"):
        Engine(game, sgd(game)).round(Stream())
    with pytest.raises(ValueError, match="interval of a lazy turn is 0"):
        turn(game.generator, fool=game.judged_fake().mean()).lazy(0)


def test_an_optimizer_has_no_key_for_lazy_turns():
    with pytest.raises(ValueError, match=r"unknown key optimizers\.discriminator\.lazy_interval"):
        completed({"lazy_interval": 16}, "optimizers.discriminator")


@pytest.mark.parametrize("kind", ["adam", "rmsprop", "adadelta", "sgd", "lbfgs"])
def test_every_optimizer_of_the_table_descends(kind):
    torch.manual_seed(0)
    net, goal = nn.Linear(2, 1), torch.ones(8, 1)
    inputs = next(Stream())
    optimizer = make(completed({"kind": kind}, "optimizers.net"), net.parameters(), fused=True)

    def loss():
        optimizer.zero_grad()
        value = (net(inputs) - goal).square().mean()
        value.backward()
        return value

    first = loss().item()
    for _ in range(5):
        optimizer.step(loss)
    assert loss().item() < first


def test_a_schedule_is_named_by_the_optimizers_entry():
    spec = completed({"schedule": {"kind": "linear", "start": 0.5}}, "optimizers.generator")
    assert schedule(spec)(0.75) == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r"schedule\.kind is 'cosin'; choose from .* Did you mean 'cosine'"):
        completed({"schedule": {"kind": "cosin"}}, "optimizers.generator")


# Running averages


def test_the_past_counts_half_after_a_half_life():
    net = Scalar(0.0)
    averages = Averages({"net": net}, {"net": HalfLife(1000, ramp_up=None)})
    with torch.no_grad():
        net.value.fill_(1.0)
    for batch in range(1, 101):
        averages.update(10, 10 * batch)
        if batch in (50, 100):
            assert averages.networks["net"].value.item() == pytest.approx(1 - 0.5 ** (10 * batch / 1000))


def test_the_half_life_grows_with_the_match():
    memory = HalfLife(1000, ramp_up=0.05)
    assert memory.decay(10, 10) == pytest.approx(0.5 ** (10 / 0.5))
    assert memory.decay(10, 10_000) == pytest.approx(0.5 ** (10 / 500))
    assert memory.decay(10, 1_000_000) == pytest.approx(0.5 ** (10 / 1000))
    assert memory.decay(0, 0) == 0.0


def test_averages_mean_the_same_at_every_batch_size():
    decays = [HalfLife(500, ramp_up=None).decay(drawn, 10**6) for drawn in (4, 8)]
    assert decays[0] ** 2 == pytest.approx(decays[1])


def test_in_place_shows_the_averages_and_puts_the_players_back():
    game = TwoPlayerGame(nice_script, coders=nn.ModuleDict({"owl": nn.Sequential(mlp(), nn.BatchNorm1d(1))}))
    live, owl = game.generator, game.coders["owl"]
    averages = Averages(game.players(), {"generator": HalfLife(1e6), "coders.owl": HalfLife(1e6)})
    game.train()
    with averages.in_place(game):
        assert game.generator is averages.networks["generator"]
        assert game.coders["owl"] is averages.networks["coders.owl"]
        assert not any(module.training for module in game.modules())
    assert game.generator is live
    assert game.coders["owl"] is owl
    assert game.training
    assert owl[1].training


def test_averages_take_over_running_statistics():
    net = nn.Sequential(mlp(), nn.BatchNorm1d(1))
    averages = Averages({"net": net}, {"net": HalfLife(1e6)})
    net(next(Stream()))
    averages.update(8, 8)
    assert torch.equal(averages.networks["net"][1].running_mean, net[1].running_mean)
