"""Statistics of a run, each against a case in which it is known."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ganarium as gan
from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.core.game import Game, turn
from ganarium.data.dataset import open_data
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.modalities.points import Points as PointModality
from ganarium.data.settings import Data
from ganarium.data.sources.densities import ring
from ganarium.data.spec import DataSpec
from ganarium.monitoring.statistics import SampleComparison, UpdateProbe
from ganarium.tasks.base import Case
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent
from ganarium.testing import MethodUnderTest
from ganarium.training.checkpoint import Checkpoints
from helpers import Stream, TwoPlayerGame, assert_equal, sgd
from small_runs import DUEL, differing, newest


def lazy(self, data, clock):
    """The generator has a turn in every second round, the discriminator two in each."""
    real = next(data)
    for _ in range(2):
        yield turn(self.discriminator, judge=self.discriminator(real).square().mean())
    if clock.every(2):
        yield turn(self.generator, fool=self.judged_fake().mean())


def played(rounds, *, probed):
    game = TwoPlayerGame(lazy)
    engine, data, measured = Engine(game, sgd(game, 0.1)), Stream(), []
    for _ in range(rounds):
        before = {name: [p.detach().clone() for p in params] for name, params in engine.params.items()}
        probe = UpdateProbe(engine.params) if probed else None
        engine.round(data)
        measured.append((before, probe.measure() if probe else {}))
    return engine, measured


def norm(tensors):
    return torch.cat([each.flatten() for each in tensors]).double().norm().item()


def median_over_tensors(changes, before):
    shares = [norm([change]) / norm([was]) for change, was in zip(changes, before, strict=True)]
    return float(np.median(shares))


def test_updates_and_gradient_norms():
    engine, [(before, signs)] = played(1, probed=True)
    for name, params in engine.params.items():
        moved = [after - was for after, was in zip(params, before[name], strict=True)]
        assert signs[name]["relative_update"] == pytest.approx(
            median_over_tensors(moved, before[name]), rel=1e-5
        )
        assert signs[name]["gradient_norm"] == pytest.approx(norm([p.grad for p in params]), rel=1e-5)
    # In one step of gradient descent the change is the gradient times the learning rate.
    steps = {
        name: median_over_tensors([0.1 * p.grad for p in params], before[name])
        for name, params in engine.params.items()
    }
    assert signs["generator"]["relative_update"] == pytest.approx(steps["generator"], rel=1e-4)
    assert signs["discriminator"]["relative_update"] != pytest.approx(steps["discriminator"], rel=1e-3), (
        "it made two steps"
    )


def test_a_player_without_a_turn_has_no_signs():
    _, measured = played(4, probed=True)
    assert [sorted(signs) for _, signs in measured] == [["discriminator", "generator"], ["discriminator"]] * 2


def test_the_probe_changes_nothing():
    assert_equal(played(5, probed=True)[0].game, played(5, probed=False)[0].game)


def relative_update(*tensors):
    """Return the relative update of a player whose tensors `(before, after)` are given as lists."""
    params = [nn.Parameter(torch.tensor(before)) for before, _ in tensors]
    probe = UpdateProbe({"player": params})
    for p, (_, after) in zip(params, tensors, strict=True):
        p.data = torch.tensor(after)
        p.grad = torch.ones_like(p)
    return probe.measure()["player"]["relative_update"]


def test_a_layer_with_large_weights_does_not_hide_the_updates_of_others():
    """One norm over all tensors would be 0.00002."""
    large, small = ([3000.0, 4000.0], [3000.0, 4000.1]), ([3.0, 4.0], [3.0, 4.1])
    assert relative_update(large, small, small) == pytest.approx(0.02, rel=1e-4)
    assert relative_update(large, small) == pytest.approx(0.01001, rel=1e-2), "mean of the two"


def test_tensors_of_zeros_are_left_out():
    bias, weight = ([0.0, 0.0], [0.1, 0.0]), ([3.0, 4.0], [3.0, 4.1])
    assert relative_update(bias, bias, weight) == pytest.approx(0.02, rel=1e-4)
    assert relative_update(bias, bias) is None


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_an_update_that_is_not_finite_is_none(value):
    good = ([3.0, 4.0], [3.0, 4.1])
    assert relative_update(good, good, ([1.0], [value])) is None
    assert relative_update(good, good, ([value], [1.0])) is None


def test_networks_with_an_equalized_learning_rate_have_updates_of_the_learning_rate():
    """A mapping network stores its weights a hundred times as large; Adam moves each weight by `lr`."""
    layers = [nn.Linear(16, 16, bias=False) for _ in range(4)]
    for layer, scale in zip(layers, (100.0, 1.0, 1.0, 1.0), strict=True):
        nn.init.normal_(layer.weight, std=scale)
    params = [layer.weight for layer in layers]
    optimizer = torch.optim.Adam(params, lr=2e-3)
    probe = UpdateProbe({"generator": params})
    sum(layer(torch.ones(1, 16)).sum() for layer in layers).backward()
    optimizer.step()
    assert probe.measure()["generator"]["relative_update"] == pytest.approx(2e-3, rel=0.2)


def test_values_that_are_not_finite_are_none():
    weight = nn.Parameter(torch.zeros(2))
    probe = UpdateProbe({"player": [weight]})
    weight.grad = torch.full((2,), float("inf"))
    assert probe.measure() == {"player": {"gradient_norm": None, "relative_update": None}}


class Points:
    """Dataset as `SampleComparison` needs it."""

    def __init__(self, samples):
        self.samples = samples
        self.modality = PointModality() if samples.ndim == 2 else ImageModality()
        self.spec = DataSpec(self.modality, tuple(samples.shape[1:]))

    def __len__(self):
        return len(self.samples)

    def batch(self, indices):
        return self.samples[list(indices)]


def on_modes(count, modes=8):
    return ring().centers[torch.arange(count) % modes]


@pytest.mark.parametrize("modes", [1, 2, 4, 8])
def test_different_samples_are_counted(modes):
    comparison = SampleComparison(Points(on_modes(64)), 64)
    assert comparison.data_statistics()["effective_samples"] == pytest.approx(8, abs=0.05)
    assert comparison.compare(on_modes(64, modes))["effective_samples"] == pytest.approx(modes, abs=0.05)


def test_samples_of_the_ring_have_eight_modes():
    comparison = SampleComparison(open_data(Data(source="ring", count=5000)), 1000)
    assert comparison.data_statistics()["effective_samples"] == pytest.approx(8, rel=0.03)
    assert comparison.compare(ring().sample(1000, seed=5))["effective_samples"] == pytest.approx(8, rel=0.05)


def test_the_distance_is_zero_for_equal_and_one_for_disjoint_distributions():
    comparison = SampleComparison(Points(ring().sample(256, seed=1)), 256)
    assert abs(comparison.compare(ring().sample(256, seed=2))["energy_distance"]) < 0.01
    assert comparison.compare(ring().sample(256, seed=2) + 1000)["energy_distance"] > 0.99
    assert 0.2 < comparison.compare(torch.zeros(256, 2))["energy_distance"] < 0.5


def test_the_distance_is_the_energy_coefficient():
    """Two values each, computed by hand."""
    real, generated = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [3.0]])
    between, own, other = 2 * (0 + 3 + 1 + 2) / 4, 3.0, 1.0
    signs = SampleComparison(Points(real), 2).compare(generated)
    assert signs["energy_distance"] == pytest.approx((between - own - other) / between)


def test_samples_that_cannot_be_compared_have_no_signs():
    comparison = SampleComparison(Points(on_modes(16)), 16)
    assert comparison.compare(torch.full((16, 2), float("nan"))) == {
        "energy_distance": None,
        "effective_samples": None,
    }
    assert comparison.compare(torch.zeros(16, 3)) == {}, "a campaign's other stage"
    assert SampleComparison(Points(torch.zeros(1, 2)), 16).compare(torch.zeros(16, 2)) == {}


@pytest.mark.parametrize("copies", [1, 2, 50])
def test_duplicates_are_counted(tmp_path, copies):
    rng = np.random.default_rng(0)
    for i in range(400 // copies):
        image = Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8))
        for copy in range(copies):
            image.save(tmp_path / f"{copy}-{i}.png")
    signs = SampleComparison(open_data(Data(source=str(tmp_path))), 64).data_statistics()
    assert signs["samples"] == 400
    assert (
        signs["duplicates_per_sample"] == pytest.approx(copies, rel=0.25)
        if copies != 2
        else 1 < signs["duplicates_per_sample"] < 4
    )


def test_large_images_are_compared_at_low_resolution():
    fine = torch.rand(6, 1, 128, 192)
    comparison = SampleComparison(Points(fine), 6)
    assert comparison.real.shape == (6, 43 * 64)
    assert comparison.compare(fine)["energy_distance"] == pytest.approx(-1 / 5), (
        "compared with themselves: the pairs are not independent"
    )


class ScoringGame(Game):
    """Generator of zeros, and a discriminator with the given score."""

    tasks, latents = (Generate(),), (Latent("z", (1,)),)

    def __init__(self, score):
        super().__init__()
        self.score, self.norm = score, nn.BatchNorm1d(2)

    def play(self, data, clock):
        raise NotImplementedError

    def realness(self, samples, condition):
        return self.score(self.norm(samples), samples)

    def generate(self, z):
        return torch.zeros(len(z), 2)


class WithoutScores(ScoringGame):
    realness = Game.realness


def auc(score, game_class=ScoringGame):
    game = game_class(score).eval()
    before = {name: value.clone() for name, value in game.state_dict().items()}
    comparison = SampleComparison(Points(ring().sample(100, seed=1)), 100)
    case = Case({"z": torch.zeros(100, 1)})
    result = comparison.discriminator_auc(game, game.tasks[0], case, 32)
    assert not game.training
    assert all(torch.equal(before[name], value) for name, value in game.state_dict().items())
    return result


def test_the_auc_of_the_discriminator():
    assert auc(lambda normed, x: x.norm(dim=1)) == 1
    assert auc(lambda normed, x: -x.norm(dim=1)) == 0
    assert auc(lambda normed, x: torch.zeros(len(x))) == 0.5
    assert auc(lambda normed, x: x[:, 0]) == pytest.approx(0.5, abs=0.1)


def test_scores_may_have_many_shapes():
    assert auc(lambda normed, x: x.norm(dim=1, keepdim=True)) == 1
    assert auc(lambda normed, x: torch.stack([x.norm(dim=1), -9 * x.norm(dim=1), x[:, 0]], 1)) == 1
    assert auc(lambda normed, x: x.norm(dim=1)[:, None, None, None].expand(-1, 1, 4, 4)) == 1


def test_outputs_that_are_no_scores_have_no_auc():
    assert auc(lambda normed, x: normed) is None, "an autoencoder"
    assert auc(lambda normed, x: (x.norm(dim=1), x)) is None
    assert auc(lambda normed, x: x.norm(dim=1) / 0 - x.norm(dim=1) / 0) is None
    assert auc(lambda normed, x: x @ torch.zeros(5, 5)) is None, "an error ends no run"


def test_a_game_without_scores_has_no_auc():
    assert auc(lambda normed, x: x.norm(dim=1), WithoutScores) is None


def compared(name):
    """Return True if samples of the method should have the distribution of its data; not of a translator."""
    return isinstance(methods.find(name).game.tasks[0], Generate)


@pytest.mark.parametrize("name", sorted(filter(compared, methods.table())))
def test_every_method_has_a_discriminator_auc(name):
    trial = MethodUnderTest(methods.find(name))
    engine = trial.engine()
    engine.round(trial.feed())
    game, task = engine.game, engine.game.tasks[0]
    case = task.comparison(game, trial.dataset.spec, trial.dataset.batch(range(8)))
    result = SampleComparison(trial.dataset, 8).discriminator_auc(game, task, case, 4)
    assert result is not None
    assert 0 <= result <= 1


def test_a_translator_is_not_compared_with_its_data():
    trial = MethodUnderTest(methods.find("cyclegan"))
    game, spec = trial.game(), trial.dataset.spec
    assert game.tasks[0].comparison(game, spec, trial.dataset.batch(range(2))) is None


def test_the_log_is_the_same_after_any_checkpoint(tmp_path):
    """Including a checkpoint between two lines, and a sample grid between it and the last line."""
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
