"""Games one after another, each built on what the last one taught."""

import copy

import pytest
import torch

from ganarium.core.averages import HalfLife
from ganarium.core.campaign import Campaign, Stage, play
from ganarium.core.engine import Engine
from ganarium.core.game import Game, turn
from ganarium.losses.objectives import least_squares
from helpers import Stream, adam, mlp


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
