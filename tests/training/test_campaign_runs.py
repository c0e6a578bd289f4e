"""Games one after another: what is handed on, what each has of its own, and one run over all of them."""

import itertools
import json
import math

import pytest
import torch
from torch import nn

import ganarium as gan
from ganarium import methods
from ganarium.core.averages import HalfLife
from ganarium.core.campaign import Campaign, Single, Stage, play, untrained_stage
from ganarium.core.engine import Engine
from ganarium.recipes.method import Method
from ganarium.training import checkpoint
from ganarium.training.run import Run
from ganarium.training.trainer import Trainer
from small_runs import DUEL, LADDER, Ladder, Points, Step, base, critic, differing, newest


def engine(stage):
    optimizers = {
        name: torch.optim.SGD(net.parameters(), lr=0.1) for name, net in stage.game.players().items()
    }
    return Engine(stage.game, optimizers, averages={"generator": HalfLife(50.0)}, length=stage.images)


class Feed:
    def __init__(self, images):
        self.images = images

    def __iter__(self):
        return self

    def __next__(self):
        self.images += 8
        return torch.linspace(-1, 1, 16).view(8, 2) * (1 + self.images % 3)


def rounds(seen=None):
    """Plays a stage and yields after each round; `seen` is told of each stage that begins."""

    def play_stage(stage, player, before):
        if seen is not None:
            seen.append((stage.name, before, player.clock.images))
        feed = Feed(player.clock.images)
        while player.clock.images < stage.images:
            player.round(feed)
            yield stage.name

    return play_stage


def exhaust(script, count=None):
    return list(itertools.islice(script, count))


def test_stages_share_the_length_and_know_what_came_before():
    seen, saved = [], {}
    played = exhaust(play(Ladder(), saved, engine, rounds(seen), images=320))
    assert seen == [("step 0/3", 0, 0), ("step 1/3", 80, 0), ("step 2/3", 160, 0)]
    assert played == ["step 0/3"] * 10 + ["step 1/3"] * 10 + ["step 2/3"] * 20
    assert [state["finished"] for state in saved.values()] == [True] * 3


def test_averages_are_handed_on():
    saved = {}
    exhaust(play(Ladder(), saved, engine, rounds(), images=320))
    for lower, upper in itertools.pairwise(saved.values()):
        average = lower["averages"]["generator"]
        below = {key: upper["game"][f"below.{key}"] for key in average}
        assert differing(below, average) == []
        last = {key: lower["game"][f"generator.{key}"] for key in average}
        assert differing(average, last), "not the last weights"


def test_a_player_without_an_average_is_handed_on_itself():
    handed = []

    class Two(Campaign):
        def stages(self, images):
            handed.append((yield Stage("a", Step(None, 4), images)))

    exhaust(play(Two(), {}, engine, rounds(), images=16))
    assert handed[0].keys() == {"generator", "discriminator"}


class Warm(Campaign):
    """The second stage's average starts where the first one's ended, its player does not."""

    def stages(self, images):
        averages = yield Stage("a", Step(None, 4), images // 2)
        yield Stage("b", Step(None, 4), images // 2, averages={"generator": averages["generator"]})


def test_a_stage_can_start_its_averages_where_the_last_ended():
    saved, starts = {}, {}

    def begun(stage, player, before):
        starts[stage.name] = player.averages.networks["generator"].layers[0].weight.clone()
        yield from rounds()(stage, player, before)

    exhaust(play(Warm(), saved, engine, begun, images=160))
    assert torch.equal(starts["b"], saved["a"]["averages"]["generator"]["layers.0.weight"])


@pytest.mark.parametrize("stop", [1, 5, 10, 11, 20, 21, 39])
def test_stopped_after_any_round_it_goes_on_bit_equal(stop):
    """The interface alone: whoever keeps the engines' states can go on."""
    whole = {}
    exhaust(play(Ladder(), whole, engine, rounds(), images=320, seed=3))
    saved, states = {}, {}

    def kept(stage, player, before):
        for name in rounds()(stage, player, before):
            states[name] = {**player.state_dict()}
            yield name

    script = play(Ladder(), saved, engine, kept, images=320, seed=3)
    (*_, last) = exhaust(script, stop)
    script.close()
    saved.setdefault(last, states[last])
    exhaust(play(Ladder(), saved, engine, rounds(), images=320, seed=3))
    assert differing(saved, whole) == []


def test_weights_drawn_in_a_stage_follow_from_seed_and_stage_alone():
    def weights(seed, disturb):
        torch.manual_seed(disturb)
        firsts = []

        def begun(stage, player, before):
            torch.rand(disturb)
            firsts.append(player.game.generator.layers[0].weight.clone())
            return rounds()(stage, player, before)

        exhaust(play(Ladder(), {}, engine, begun, images=96, seed=seed))
        return firsts

    assert all(map(torch.equal, weights(0, 1), weights(0, 2)))
    assert not any(map(torch.equal, weights(0, 1), weights(1, 1)))


def test_two_stages_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two stages are named 'step 0/3'"):
        exhaust(play(Ladder(twins=True), {}, engine, rounds(), images=96))


def test_a_state_of_another_game_is_refused():
    saved = {}
    exhaust(play(Ladder(), saved, engine, rounds(), images=96))
    with pytest.raises(ValueError, match="does not fit the recipe any more"):
        exhaust(play(Ladder(), {"step 0/3": saved["step 2/3"]}, engine, rounds(), images=96))


def test_a_game_is_a_campaign_of_one_stage():
    game = Step(None, 4)
    (stage,) = Single(game).stages(64)
    assert (stage.name, stage.game, stage.images) == ("", game, 64)
    assert untrained_stage(Single(game)).game is game


def test_the_game_of_a_stage_by_name():
    second = untrained_stage(Ladder(), "step 1/3", images=100)
    assert second.game.generator.layers[0].out_features == 8
    assert (second.images, second.changes["batch_size"]) == (25, 16)
    assert untrained_stage(Ladder()).game.generator.layers[0].out_features == 12
    with pytest.raises(ValueError, match="no stage 'step 9'"):
        untrained_stage(Ladder(), "step 9", images=100)


# -- as a run --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ladder(tmp_path_factory):
    return gan.train(LADDER, out=tmp_path_factory.mktemp("ladder") / "run", keep_checkpoints=100)


def test_images_count_on_over_the_stages(ladder):
    records = ladder.records
    assert [record["images"] for record in records] == list(range(32, 641, 32))
    assert [record["stage"] for record in records] == (
        ["step 0/3"] * 5 + ["step 1/3"] * 5 + ["step 2/3"] * 10
    )
    names = [path.name for path in sorted((ladder.folder / "checkpoints").glob("[0-9]*.pt"))]
    assert len(names) == len(set(names)) == 11  # ten that were due, and the end of the second stage
    states = [checkpoint.read(ladder.folder / "checkpoints" / name) for name in names]
    assert [state["images"] for state in states] == sorted(state["images"] for state in states)
    assert [s["stage"] for s in states] == sorted(s["stage"] for s in states), "by age over all stages"


def test_a_stage_has_its_own_batches_data_and_rates(ladder):
    by_stage = {}
    for record in ladder.records:
        by_stage.setdefault(record["stage"], []).append(record)
    sizes = [
        (last[-1]["images"] - first) / last[-1]["round"]
        for last, first in zip(by_stage.values(), (0, 160, 320), strict=True)
    ]
    assert sizes == [8, 16, 32]
    assert [rows[0]["rates"]["generator"] for rows in by_stage.values()] == [1e-3, 1e-3 / 2, 1e-3 / 3]
    assert {rows[0]["rates"]["discriminator"] for rows in by_stage.values()} == {1e-3}


def test_the_recipe_stays_the_runs(ladder):
    assert ladder.recipe.batch_size == 16
    assert Run(ladder.folder).recipe == ladder.recipe


def test_progress_is_of_the_run(tmp_path):
    progress = list(gan.prepare(LADDER, out=tmp_path / "run"))
    assert {p.length for p in progress} == {640}
    assert [p.images for p in progress] == list(range(32, 641, 32))
    assert progress[0].stage == "step 0/3"
    assert progress[-1].stage == "step 2/3"
    assert progress[-1].seconds_left == 0


def test_a_game_alone_names_no_stage(tmp_path):
    (record, *_) = gan.train(DUEL, out=tmp_path / "run", images=64).records
    assert "stage" not in record


def test_the_model_is_of_the_stage_it_was_saved_in(tmp_path):
    run = gan.prepare(LADDER, out=tmp_path / "run")
    samples = {}
    for progress in run:
        if progress.images % 64 == 0:
            model = run.model()
            assert (model.stage, model.images) == (progress.stage, progress.images)
            samples[model.stage] = model.generate(4, seed=1)
    model = gan.load(tmp_path / "run" / "model")
    assert model.stage == "step 2/3"
    assert differing(model.generate(4, seed=1), samples["step 2/3"]) == []
    assert differing(samples["step 1/3"], samples["step 2/3"])
    averaged = newest(tmp_path / "run")["engine"]["averages"]["generator"]
    assert torch.equal(model.game.generator.layers[0].weight, averaged["layers.0.weight"])
    assert not hasattr(model.game, "discriminator")


class SampleFiles(Step):
    """Sees pictures of one shape."""

    saved_networks = ("generator",)

    def __init__(self, shape):
        super().__init__(None, 4)
        self.shape, volume = shape, math.prod(shape)
        self.generator = Points((2,), outputs=volume, width=4)
        self.discriminator = nn.Sequential(nn.Flatten(), critic((volume,), width=4))

    def judged(self, real, fake):
        assert real.shape[1:] == self.shape
        return super().judged(real, fake)

    def generate(self, z):
        return self.generator(z).view(-1, *self.shape)


class Grown(Campaign):
    """Pictures of growing size, as a network grown level by level sees them."""

    def __init__(self, channels):
        self.channels = channels

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(spec.shape[0])

    def stages(self, images):
        for size in (16, 24):
            game = SampleFiles((self.channels, size, size))
            yield Stage(f"{size}", game, images // 2, changes={"data": {"size": size}})


def test_a_run_goes_on_and_its_model_loads_where_stages_see_other_sizes(tmp_path):
    world = {"source": "world", "size": 32, "count": 32, "workers": 0}
    grown = Method("grown", Grown, lambda: base("grown", networks={}, data=world), {})
    for progress in gan.prepare(grown, out=tmp_path / "run", images=128):
        if progress.images == 64:
            break
    model = gan.load(tmp_path / "run")
    assert model.generate(2).shape == (2, 3, 16, 16)
    assert model.spec.shape == (3, 16, 16)
    model = gan.resume(tmp_path / "run").model()
    assert model.generate(2).shape == (2, 3, 24, 24)
    assert "[N, 3, 24, 24]" in (tmp_path / "run" / "model" / "README.md").read_text()
    assert json.loads((tmp_path / "run" / "model" / "config.json").read_text())["stage"] == "24"


class Relay(Campaign):
    """The second stage's players are others."""

    def stages(self, images):
        yield Stage("first", Step(None, 4), images // 2)
        yield Stage("second", Other(), images // 2)


class Other(Step):
    saved_networks = ("refiner",)

    def __init__(self):
        super().__init__(None, 4)
        self.refiner = self.generator
        del self.generator

    def play(self, data, clock):
        real = next(data)
        fake = self.generate(torch.randn(len(real), 2))
        yield gan.turn(self.discriminator, judge=self.judged(real, fake.detach()))
        yield gan.turn(self.refiner, fool=self.fooled(fake))

    def generate(self, z):
        return self.refiner(z)


def test_each_stage_takes_the_optimizers_of_its_players(tmp_path):
    def recipe():
        plan = base("relay", networks={})
        return plan.model_copy(update={"optimizers": {**plan.optimizers, "refiner": {"lr": 5e-4}}})

    run = gan.train(Method("relay", Relay, recipe, {}), out=tmp_path / "run", images=128)
    assert run.records[0]["rates"].keys() == {"generator", "discriminator"}
    assert run.records[-1]["rates"].keys() == {"discriminator", "refiner"}
    assert run.model().generate(3).shape == (3, 2)


def test_an_optimizer_that_a_stage_lacks_is_named(tmp_path):
    relay = Method("relay", Relay, lambda: base("relay", networks={}), {})
    with pytest.raises(ValueError, match="optimizers and players differ in refiner"):
        gan.train(relay, out=tmp_path / "run", images=128)


def test_an_estimate_of_a_campaign(tmp_path):
    trainer = Trainer(gan.prepare(LADDER, out=tmp_path / "run").recipe, tmp_path / "run")
    found = trainer.estimate()
    assert found.seconds > 0
    widest = untrained_stage(trainer.campaign()).game.players()
    assert found.parameters == {
        name: sum(p.numel() for p in net.parameters()) for name, net in widest.items()
    }
    assert not (tmp_path / "run").exists(), "a trial leaves nothing"


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    for name in ("grown", "relay"):
        methods.table()._added.pop(name, None)
