"""Vital signs: each against a case in which it is known."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ganarium as gan
from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.core.game import turn
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.data.sources.densities import ring
from ganarium.methods.translators import Translator
from ganarium.monitoring.statistics import SampleComparison, UpdateProbe
from ganarium.testing import MethodUnderTest
from ganarium.training.checkpoint import Checkpoints
from helpers import Stream, TwoPlayerGame, assert_equal, sgd
from small_runs import DUEL, differing, newest


def lazy(self, data, clock):
    """The generator moves every second round, the discriminator twice in each."""
    real = next(data)
    for _ in range(2):
        yield turn(self.discriminator, judge=self.discriminator(real).square().mean())
    if clock.every(2):
        yield turn(self.generator, fool=self.judged_fake().mean())


def played(rounds, *, watched):
    game = TwoPlayerGame(lazy)
    engine, data, seen = Engine(game, sgd(game, 0.1)), Stream(), []
    for _ in range(rounds):
        before = {name: [p.detach().clone() for p in params] for name, params in engine.params.items()}
        stride = UpdateProbe(engine.params) if watched else None
        engine.round(data)
        seen.append((before, stride.signs() if stride else {}))
    return engine, seen


def norm(tensors):
    return torch.cat([each.flatten() for each in tensors]).double().norm().item()


def test_steps_and_gradients_are_what_they_are():
    engine, [(before, signs)] = played(1, watched=True)
    for name, params in engine.params.items():
        moved = norm([after - was for after, was in zip(params, before[name], strict=True)])
        assert signs[name]["relative_update"] == pytest.approx(moved / norm(before[name]), rel=1e-5)
        assert signs[name]["gradient_norm"] == pytest.approx(norm([p.grad for p in params]), rel=1e-5)
    # Of one step of plain descent the gradient follows from the way.
    way = {name: 0.1 * signs[name]["gradient_norm"] / norm(before[name]) for name in signs}
    assert signs["generator"]["relative_update"] == pytest.approx(way["generator"], rel=1e-4)
    assert signs["discriminator"]["relative_update"] != pytest.approx(way["discriminator"], rel=1e-3), (
        "it made two"
    )


def test_who_takes_no_turn_has_no_signs():
    _, seen = played(4, watched=True)
    assert [sorted(signs) for _, signs in seen] == [["discriminator", "generator"], ["discriminator"]] * 2


def test_watching_changes_nothing():
    assert_equal(played(5, watched=True)[0].game, played(5, watched=False)[0].game)


def test_a_step_that_is_no_number_is_none():
    weight = nn.Parameter(torch.zeros(2))
    stride = UpdateProbe({"player": [weight]})
    weight.grad = torch.full((2,), float("inf"))
    assert stride.signs() == {"player": {"gradient_norm": None, "relative_update": None}}


class Points:
    """What `SampleComparison` asks of a dataset."""

    def __init__(self, samples, condition=None):
        self.samples, self.condition = samples, condition
        self.spec = SimpleNamespace(shape=tuple(samples.shape[1:]))

    def __len__(self):
        return len(self.samples)

    def batch(self, indices):
        return self.samples[list(indices)]


def on_modes(count, modes=8):
    return ring().centers[torch.arange(count) % modes]


@pytest.mark.parametrize("modes", [1, 2, 4, 8])
def test_different_samples_are_counted(modes):
    likeness = SampleComparison(Points(on_modes(64)), 64)
    assert likeness.data_signs()["effective_samples"] == pytest.approx(8, abs=0.05)
    assert likeness.signs(on_modes(64, modes))["effective_samples"] == pytest.approx(modes, abs=0.05)


def test_the_ring_as_it_is_drawn_has_eight():
    likeness = SampleComparison(open_data(Data(source="ring", count=5000)), 1000)
    assert likeness.data_signs()["effective_samples"] == pytest.approx(8, rel=0.03)
    assert likeness.signs(ring().sample(1000, seed=5))["effective_samples"] == pytest.approx(8, rel=0.05)


def test_the_distance_is_zero_beside_the_like_and_one_beside_what_has_nothing_in_common():
    likeness = SampleComparison(Points(ring().sample(256, seed=1)), 256)
    assert abs(likeness.signs(ring().sample(256, seed=2))["energy_distance"]) < 0.01
    assert likeness.signs(ring().sample(256, seed=2) + 1000)["energy_distance"] > 0.99
    assert 0.2 < likeness.signs(torch.zeros(256, 2))["energy_distance"] < 0.5


def test_the_distance_is_the_energy_coefficient():
    """Two coins: by hand."""
    real, drawn = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [3.0]])
    between, own, other = 2 * (0 + 3 + 1 + 2) / 4, 3.0, 1.0
    signs = SampleComparison(Points(real), 2).signs(drawn)
    assert signs["energy_distance"] == pytest.approx((between - own - other) / between)


def test_samples_that_are_no_numbers_have_no_signs():
    likeness = SampleComparison(Points(on_modes(16)), 16)
    assert likeness.signs(torch.full((16, 2), float("nan"))) == {
        "energy_distance": None,
        "effective_samples": None,
    }
    assert likeness.signs(torch.zeros(16, 3)) == {}, "a campaign's other stage"
    assert SampleComparison(Points(torch.zeros(1, 2)), 16).signs(torch.zeros(16, 2)) == {}


@pytest.mark.parametrize("duplicates_per_sample", [1, 2, 50])
def test_copies_are_counted(tmp_path, copies):
    shared_random = np.random.default_rng(0)
    for i in range(400 // copies):
        picture = Image.fromarray(shared_random.integers(0, 255, (8, 8), dtype=np.uint8))
        for copy in range(copies):
            picture.save(tmp_path / f"{copy}-{i}.png")
    signs = SampleComparison(open_data(Data(source=str(tmp_path))), 64).data_signs()
    assert signs["samples"] == 400
    assert (
        signs["duplicates_per_sample"] == pytest.approx(copies, rel=0.25)
        if copies != 2
        else 1 < signs["duplicates_per_sample"] < 4
    )


def test_large_pictures_are_compared_coarsely():
    fine = torch.rand(6, 1, 128, 192)
    likeness = SampleComparison(Points(fine), 6)
    assert likeness.real.shape == (6, 43 * 64)
    assert likeness.signs(fine)["energy_distance"] == pytest.approx(-1 / 5), (
        "beside themselves: the pairs are not free"
    )


class Judge(nn.Module):
    """A generator of zeros, and a discriminator that scores as it is told to."""

    def __init__(self, score):
        super().__init__()
        self.score, self.norm = score, nn.BatchNorm1d(2)
        self.discriminator = nn.Module()
        self.discriminator.forward = lambda samples: self.score(self.norm(samples), samples)

    def generate(self, noise, condition=None):
        return torch.zeros(len(noise), 2)


def chance(score, **methods_of_its_own):
    game = Judge(score)
    for name, method in methods_of_its_own.items():
        setattr(game, name, method)
    game.eval()
    before = {name: value.clone() for name, value in game.state_dict().items()}
    likeness = SampleComparison(Points(ring().sample(100, seed=1)), 100)
    discriminator_auc = likeness.discriminator_auc(game, torch.zeros(100, 1), None, 32)
    assert not game.training
    assert all(torch.equal(before[name], value) for name, value in game.state_dict().items())
    return discriminator_auc


def test_how_often_the_discriminator_is_right():
    assert chance(lambda normed, x: x.norm(dim=1)) == 1
    assert chance(lambda normed, x: -x.norm(dim=1)) == 0
    assert chance(lambda normed, x: torch.zeros(len(x))) == 0.5
    assert chance(lambda normed, x: x[:, 0]) == pytest.approx(0.5, abs=0.1)


def test_scores_come_in_many_shapes():
    assert chance(lambda normed, x: x.norm(dim=1, keepdim=True)) == 1
    assert chance(lambda normed, x: torch.stack([x.norm(dim=1), -9 * x.norm(dim=1), x[:, 0]], 1)) == 1
    assert chance(lambda normed, x: x.norm(dim=1)[:, None, None, None].expand(-1, 1, 4, 4)) == 1


def test_what_is_no_score_says_nothing():
    assert chance(lambda normed, x: normed) is None, "an autoencoder"
    assert chance(lambda normed, x: (x.norm(dim=1), x)) is None
    assert chance(lambda normed, x: x.norm(dim=1) / 0 - x.norm(dim=1) / 0) is None
    assert chance(lambda normed, x: x @ torch.zeros(5, 5)) is None, "an error ends no run"


def test_a_game_may_say_how_real_samples_look():
    assert chance(lambda normed, x: normed, realness=lambda x, condition: x.norm(dim=1)) == 1


def draws(name):
    """Translators draw nothing from noise: their sheets show pictures, and nothing is noted of them."""
    return not isinstance(MethodUnderTest(methods.find(name)).game(), Translator)


@pytest.mark.parametrize("name", sorted(filter(draws, methods.table())))
def test_every_method_says_how_often_its_discriminator_is_right(name):
    trial = MethodUnderTest(methods.find(name))
    engine = trial.engine()
    engine.round(trial.feed())
    condition = trial.condition(8)
    noise = engine.game.draw_noise(8, torch.Generator().manual_seed(0))
    discriminator_auc = SampleComparison(trial.dataset, 8).discriminator_auc(engine.game, noise, condition, 4)
    assert discriminator_auc is not None
    assert 0 <= discriminator_auc <= 1


def test_the_log_is_the_same_after_any_checkpoint(tmp_path):
    """Also where a checkpoint lies between two lines, and a sheet between that and the last one."""
    keys = {"images": 320, "keep_checkpoints": 20, "every": {"log": 64, "samples": 48, "checkpoint": 16}}
    run = gan.train(DUEL, out=tmp_path / "run", **keys)
    noted = [record["samples"]["images"] for record in run.records]
    assert noted == [48, 96, 192, 240, 288 + 32]
    assert all({"players", "samples", "data"} <= record.keys() for record in run.records)
    paths = Checkpoints(run.folder / "checkpoints").paths()
    for number, kept in enumerate(paths[:4], 1):
        part = tmp_path / kept.stem
        shutil.copytree(run.folder, part)
        for later in paths[number:]:
            (part / "checkpoints" / later.name).unlink()
        gan.resume(part)
        assert (part / "log.jsonl").read_bytes() == (run.folder / "log.jsonl").read_bytes(), kept
        assert differing(newest(part), newest(run.folder)) == []
