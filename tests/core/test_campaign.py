"""Games one after another, each built on what the last one taught."""

import copy
from dataclasses import replace

import pytest
import torch

from ganarium import testing
from ganarium.core.averages import HalfLife
from ganarium.core.campaign import Campaign, Stage, as_campaign, play, untrained_stage
from ganarium.core.engine import Engine
from ganarium.core.game import Clock, Game, turn
from ganarium.losses.objectives import least_squares
from ganarium.training import estimate
from helpers import Stream, adam, mlp
from small_runs import LADDER, Ladder


class Scale(Game):
    """One level of a pyramid; what lies below is kept out of its state."""

    def __init__(self, below):
        super().__init__()
        self.generator, self.discriminator = mlp(2, 2), mlp()
        self.below = [below]

    def play(self, data, clock):
        real = next(data)
        with torch.no_grad():
            base = self.below[0](real) if self.below[0] else torch.randn_like(real)
        fake = base + self.generator(base)
        judge = self.discriminator
        yield turn(judge, judge=least_squares.discriminator(judge(real), judge(fake.detach())))
        yield turn(self.generator, fool=least_squares.generator(judge(fake)))


class Pyramid(Campaign):
    def stages(self, images):
        below = None
        for level in range(3):
            averages = yield Stage(f"scale {level}", Scale(below), images=images // 3)
            below = copy.deepcopy(averages["generator"])


class StoppedError(Exception):
    pass


def stages_played(saved, *, stop_after=-1):
    """The stages still to be played, 4 rounds each; stopped in the middle where that is asked for."""
    rounds = 0

    def play_stage(stage, engine, before):
        nonlocal rounds
        data = Stream(start=engine.clock.round)
        while engine.clock.images < stage.images:
            if rounds == stop_after:
                saved[stage.name] = copy.deepcopy(engine.state_dict())
                raise StoppedError
            engine.round(data)
            rounds += 1
        yield stage.name

    def engine_of(stage):
        return Engine(stage.game, adam(stage.game), averages={"generator": HalfLife(16)}, length=stage.images)

    return list(play(Pyramid(), saved, engine_of, play_stage, images=96, seed=1))


@pytest.mark.parametrize("stop_after", [0, 2, 4, 7, 11])
def test_a_campaign_stopped_anywhere_goes_on_bit_equal(stop_after):
    whole, part = {}, {}
    assert stages_played(whole) == ["scale 0", "scale 1", "scale 2"]
    with pytest.raises(StoppedError):
        stages_played(part, stop_after=stop_after)
    assert stages_played(part) == ["scale 0", "scale 1", "scale 2"][stop_after // 4 :]
    for name, state in whole.items():
        for ours, theirs in (
            (state["game"], part[name]["game"]),
            (state["averages"]["generator"], part[name]["averages"]["generator"]),
        ):
            assert all(torch.equal(ours[key], theirs[key]) for key in ours), name


def test_a_finished_campaign_is_not_played_again():
    saved = {}
    stages_played(saved)
    assert stages_played(saved) == []


# Campaigns that are built without being played


def weights_that_play_begins_with(seed):
    """Those of every stage, where no stage before it is trained."""
    states = {}

    def play_stage(stage, engine, before):
        states[stage.name] = copy.deepcopy(stage.game.state_dict())
        yield

    def engine_of(stage):
        return Engine(stage.game, adam(stage.game))

    list(play(Pyramid(), {}, engine_of, play_stage, images=96, seed=seed))
    return states


@pytest.mark.parametrize("name", ["scale 0", "scale 1", "scale 2", None])
@pytest.mark.parametrize("seed", [0, 3])
def test_an_untrained_stage_has_the_weights_that_play_begins_with(name, seed):
    wanted = weights_that_play_begins_with(seed)[name or "scale 2"]
    torch.manual_seed(99)
    before = torch.get_rng_state()
    stage = untrained_stage(Pyramid(), name, images=96, seed=seed)
    assert torch.equal(torch.get_rng_state(), before)
    assert (stage.name, stage.images) == (name or "scale 2", 32)
    found = stage.game.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    if stage.name != "scale 0":
        assert not torch.equal(
            next(stage.game.generator.parameters()), next(stage.game.below[0].parameters())
        )


def test_the_last_stage_is_not_changed_by_what_the_script_does_after_it():
    """Such as freezing the networks that a further stage would be built on."""
    game = untrained_stage(Ladder(), images=64).game
    assert list(game.players()) == ["generator", "discriminator"]
    assert all(p.requires_grad for p in game.generator.parameters())
    assert not any(p.requires_grad for p in game.below.parameters())


def test_a_stage_that_is_not_there_is_named():
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="the campaign has no stage 'scale 9'"):
        untrained_stage(Pyramid(), "scale 9")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_game_is_a_campaign_of_one_stage():
    game = Scale(None)
    campaign = as_campaign(game)
    assert untrained_stage(campaign, images=50).game is game
    assert untrained_stage(campaign, "", images=50).images == 50
    assert as_campaign(campaign) is campaign


def test_a_stage_may_have_tasks_of_its_own():
    game = Scale(None)
    Stage("plain", game, 1)
    assert game.tasks == ()
    Stage("task", game, 1, tasks=("draw",))
    assert game.tasks == ("draw",)
    assert Scale.tasks == ()


@pytest.mark.parametrize(
    "check",
    [testing.check_builds, testing.check_same_seed_same_numbers, testing.check_resumed_equals_uninterrupted],
)
def test_a_campaign_that_builds_networks_between_stages_conforms(check):
    check(testing.MethodUnderTest(LADDER, {"data": {"size": None}}))


# What a campaign costs


class Clocked:
    """An engine whose rounds take known times, and a feed that is closed."""

    def __init__(self, stage, seconds, monkeypatch):
        self.game, self.clock, self.now = stage.game, Clock(), 100.0
        self.params = {name: list(net.parameters()) for name, net in stage.game.players().items()}
        self.seconds, self.closed = seconds, False
        monkeypatch.setattr(estimate.time, "perf_counter", lambda: self.now)

    def round(self, feed):
        warm_up = 50 if self.clock.round == 0 else 0
        self.now += self.seconds + warm_up
        self.clock = replace(self.clock, round=self.clock.round + 1, images=self.clock.images + 4)
        return {"generator/fool": torch.zeros(())}

    def close(self):
        self.closed = True


class Wide(Pyramid):
    """Its second stage has a wider generator."""

    def stages(self, images):
        for level, (width, share) in enumerate(((8, 2), (64, 4), (16, 4))):
            scale = Scale(None)
            scale.generator = mlp(2, 2, width)
            yield Stage(f"scale {level}", scale, images=images // share)


def test_the_cost_of_a_campaign_is_that_of_all_stages(monkeypatch):
    """The first round of a stage warms up; seconds an image differ from stage to stage."""
    trials = []

    def trial(stage):
        trials.append(Clocked(stage, seconds=(4.0, 8.0, 12.0)[len(trials)], monkeypatch=monkeypatch))
        return trials[-1], trials[-1]

    torch.manual_seed(7)
    before = torch.get_rng_state()
    found = estimate.estimate(Wide(), trial, images=80, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.seconds == pytest.approx(40 * 4 / 4 + 20 * 8 / 4 + 20 * 12 / 4)
    assert [each.clock.round for each in trials] == [3, 3, 3]
    assert all(each.closed for each in trials)
    assert found.parameters == {
        "generator": sum(p.numel() for p in mlp(2, 2, 64).parameters()),
        "discriminator": sum(p.numel() for p in mlp().parameters()),
    }
    assert found.memory_mib > 0


def test_a_trial_that_fails_closes_its_feed(monkeypatch):
    trials = []

    def trial(stage):
        trials.append(Clocked(stage, 1.0, monkeypatch))
        trials[-1].round = lambda feed: 1 / 0
        return trials[-1], trials[-1]

    with pytest.raises(ZeroDivisionError):
        estimate.estimate(Wide(), trial, images=80, seed=3)
    assert [each.closed for each in trials] == [True]
