"""Judging while training: the measures in the log, and the best model kept beside the last."""

import dataclasses
import itertools
import json
import shutil
import time

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import ganarium as gan
from ganarium import methods
from ganarium.data.dataset import open_data
from ganarium.evaluation.during_training import BEST, Evaluation
from ganarium.networks.classifiers import LeNet
from ganarium.recipes.resolve import TINY, resolve
from ganarium.tasks.generate import Generate
from ganarium.tasks.translate import Translate
from ganarium.tasks.traverse import Traverse
from ganarium.training.run import Run
from small_runs import DUEL, LADDER, TwoPlayerGame, assert_same, differing, newest

EVERY = {"log": 48, "samples": 320, "checkpoint": 96}
JUDGED = {"images": 320, "every": EVERY, "evaluate": {"every": 64, "count": 50}}
POINT_METRICS = ["modes_covered", "share_of_good_samples", "sliced_wasserstein"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return gan.train(DUEL, out=tmp_path_factory.mktemp("judged") / "run", **JUDGED)


@pytest.fixture(scope="module")
def lenet(tmp_path_factory):
    """A LeNet of random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("lenet") / "lenet.safetensors"
    save_file(LeNet().state_dict(), path)
    return path


def measured(run):
    """What was measured, by images."""
    return {record["images"]: record["metrics"] for record in run.records if "metrics" in record}


def test_measures_stand_in_the_log_where_they_were_due(judged):
    assert list(measured(judged)) == [64, 128, 192, 256, 320]
    lines = [record["images"] for record in judged.records]
    assert lines == [48, 64, 96, 128, 144, 192, 240, 256, 288, 320], "a line of its own where none was due"
    for values in measured(judged).values():
        assert sorted(values) == POINT_METRICS
        assert next(iter(values)) == "sliced_wasserstein", "the one that decides comes first"


def test_they_are_those_of_evaluate(judged):
    result = gan.evaluate(judged, count=50, resamples=0)
    assert {key: result[key] for key in POINT_METRICS} == measured(judged)[320]
    best = gan.evaluate(judged.best, count=50, resamples=0)
    images = gan.load(judged.best).images
    assert {key: best[key] for key in POINT_METRICS} == measured(judged)[images]


def test_progress_tells_them(tmp_path):
    run = gan.prepare(DUEL, out=tmp_path / "run", **JUDGED)
    seen = list(run)
    assert {each.images: each.metrics for each in seen if each.metrics} == measured(run)
    best, lowest = [], float("inf")
    for images, values in measured(run).items():
        if values["sliced_wasserstein"] < lowest:
            best, lowest = [*best, images], values["sliced_wasserstein"]
    assert [each.images for each in seen if each.best] == best
    assert {each.images: each.metrics for each in Run(run.folder) if each.metrics} == measured(run)


def test_training_is_not_disturbed(judged, tmp_path):
    plain = gan.train(DUEL, out=tmp_path / "plain", **{**JUDGED, "evaluate": {}})
    assert differing(newest(judged.folder)["engine"], newest(plain.folder)["engine"]) == []
    ours, theirs = (load_file(run.folder / "model" / "model.safetensors") for run in (judged, plain))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert plain.best is None
    assert not (plain.folder / BEST).exists()


class Random(TwoPlayerGame):
    """Adds random noise of its own to its samples."""

    def generate(self, z):
        return self.generator(z) + 0.1 * torch.randn_like(z)


def test_a_models_own_chance_follows_the_seed_and_moves_no_other(tmp_path):
    method = gan.Method("random", Random, lambda: DUEL.recipe().model_copy(update={"method": "random"}), {})
    run = gan.prepare(method, out=tmp_path / "run", **JUDGED)
    evaluation = run.trainer().run.evaluation
    run.finish()
    model = gan.load(tmp_path / "run")
    data, state = model.recipe.data, torch.random.get_rng_state()
    one, two = (evaluation.values(model, open_data(data), data) for _ in range(2))
    assert one == two
    assert torch.equal(torch.random.get_rng_state(), state)


def scripted(monkeypatch, *values, key="sliced_wasserstein"):
    """What is measured, in turn."""
    waiting = iter(values)
    monkeypatch.setattr(Evaluation, "values", lambda *_: {key: next(waiting)})


@pytest.mark.parametrize(
    ("best", "values", "images"),
    [
        ("swd", [5, 3, 4, 3, 6], 128),
        ("swd", [5, 4, 3, 2, 1], 320),
        ("swd", [1, 4, 3, 2, 1], 64),
        ("modes", [1, 4, 3, 4, 1], 128),
    ],
)
def test_the_best_model_and_its_checkpoint_stay(monkeypatch, tmp_path, best, values, images):
    scripted(monkeypatch, *values, key={"swd": "sliced_wasserstein", "modes": "modes_covered"}[best])
    keys = {**JUDGED, "evaluate": {**JUDGED["evaluate"], "best": best}, "keep_checkpoints": 1}
    run = gan.train(DUEL, out=tmp_path / "run", **keys)
    assert run.best == tmp_path / "run" / "model-best"
    assert gan.load(run.best).images == images
    state = newest(run.folder)
    assert (state["best"]["images"], state["best"]["value"]) == (images, values[images // 64 - 1])
    kept = sorted(int(path.stem) for path in (run.folder / "checkpoints").glob("*.pt"))
    assert kept == sorted({images, 320})


def test_a_run_goes_on_from_its_best_checkpoint_as_from_any(judged, tmp_path):
    copy, best = tmp_path / "copy", gan.load(judged.best).images
    shutil.copytree(judged.folder, copy)
    for path in (copy / "checkpoints").glob("*.pt"):
        if int(path.stem) != best:
            path.unlink()
    gan.resume(copy)
    assert_same(copy, judged.folder)


def test_each_stage_has_a_best_of_its_own(tmp_path, monkeypatch):
    scripted(monkeypatch, *range(1, 100))  # worse and worse
    run = gan.train(LADDER, out=tmp_path / "run", **JUDGED)
    at = {record["images"]: record["stage"] for record in run.records if "metrics" in record}
    assert list(at.values()) == ["step 0/3"] * 2 + ["step 1/3"] * 2 + ["step 2/3"] * 3
    best = gan.load(run.best)
    assert (best.stage, best.images) == ("step 2/3", min(i for i, stage in at.items() if stage == "step 2/3"))
    assert newest(run.folder)["best"]["images"] == best.images


def test_another_measure_has_another_best(tmp_path, monkeypatch):
    scripted(monkeypatch, 1, 2, 3)
    run = gan.train(DUEL, out=tmp_path / "run", **{**JUDGED, "images": 192})
    assert gan.load(run.best).images == 64
    scripted(monkeypatch, 7, 8, key="modes_covered")
    gan.resume(run.folder, images=320, evaluate={"best": "modes"})
    assert gan.load(run.best).images == 320
    gan.resume(run.folder, images=384, evaluate={"every": None, "best": None})
    assert gan.load(run.best).images == 320
    assert newest(run.folder)["best"]["images"] == 320, "it stays known where nothing is judged any more"


def tiny(name, **changes):
    method = methods.find(name)
    base = {"images": 32, "device": "cpu", "every": {"log": 16}}
    return resolve(method, TINY, method.tiny, base, changes)


@pytest.mark.parametrize("name", ["dcgan", "cgan"])
def test_the_world_judges_without_a_file(tmp_path, name):
    evaluate = {"every": 16, "count": 12, "metrics": ["world", "diversity"]}
    run = Run(tmp_path / "run", recipe=tiny(name, evaluate=evaluate)).finish()
    values = measured(run)[32]
    assert next(iter(values)) == "world/score"
    assert values.keys() >= {"world/well_formed", "ms_ssim_diversity"}
    result = gan.evaluate(run, count=12, resamples=0, metrics=["world"])
    assert result["world"]["score"] == pytest.approx(values["world/score"], abs=1e-4)


def test_pictures_by_the_features_of_a_file(tmp_path, lenet, monkeypatch):
    monkeypatch.chdir(lenet.parent)
    evaluate = {
        "features": lenet.name,
        "count": 12,
        "metrics": ["fid", "prdc"],
        "best": "recall",
        "every": 16,
    }
    run = gan.train(tiny("dcgan").model_dump(), out=tmp_path / "run", evaluate=evaluate)
    assert list(measured(run)[32]) == ["recall", "frechet_distance", "precision", "density", "coverage"]
    saved = yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())
    assert saved["evaluate"]["features"] == str(lenet.resolve()), "so that the run goes on from any folder"
    monkeypatch.chdir(tmp_path)
    gan.resume(tmp_path / "run", images=48)
    result = gan.evaluate(run, features=lenet, count=12, resamples=0)["features"]["LeNet-5"]
    assert result["frechet_distance"] == pytest.approx(measured(run)[48]["frechet_distance"], rel=1e-3)


def test_a_stage_with_another_task_has_an_evaluation_of_its_own(lenet):
    evaluate = {"every": 16, "features": str(lenet), "metrics": ["psnr", "ssim", "fid"]}
    recipe = tiny("pix2pix", data={"condition": "style", "size": 32}, evaluate=evaluate)
    spec = open_data(recipe.data).spec
    evaluation = Evaluation(recipe, (Translate(),), spec, torch.device("cpu"))

    def chosen(task, spec):
        stage = evaluation.of_task(task, spec)
        assert stage.network is evaluation.network
        return [metric.short for metric in stage.chosen], stage.selecting.key

    assert evaluation.of_task(Translate(), spec) is evaluation
    assert chosen(Translate(), spec) == (["psnr", "ssim", "fid"], "psnr")
    assert chosen(Generate(), spec) == (["fid"], "frechet_distance")
    assert chosen(Translate(), dataclasses.replace(spec, shape=(3, 8, 8))) == (["psnr", "fid"], "psnr")
    assert evaluation.of_task(Traverse(), spec) is evaluation, "its results are not compared with data"


@pytest.mark.parametrize(
    ("evaluate", "words"),
    [
        ({"metrics": ["fid"]}, "--features FILE"),
        ({"metrics": ["fidd"]}, "unknown metric 'fidd'; did you mean fid"),
        ({"best": "fid"}, "evaluate.best=fid is no measure that could tell the best model here; choose from"),
        ({"features": "nothing.pth"}, "nothing.pth does not exist"),
        ({"count": 1}, "evaluate.count"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_written(tmp_path, evaluate, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        gan.train(DUEL, out=tmp_path / "run", evaluate={"every": 64, **evaluate})
    assert not (tmp_path / "run").exists()


def test_a_game_that_draws_nothing_is_not_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(TwoPlayerGame, "tasks", ())
    with pytest.raises(ValueError, match=r"evaluate.every=64, but duel has no task"):
        gan.train(DUEL, out=tmp_path / "run", **JUDGED)


def test_weights_that_are_no_numbers_are_told_as_such(tmp_path):
    with pytest.raises(RuntimeError, match="weights of generator became infinite"):
        gan.train(DUEL, out=tmp_path / "run", **JUDGED, game={"fault": "weights", "after": 3})


def test_time_for_judging_is_no_time_of_training(tmp_path, monkeypatch):
    monkeypatch.setattr(Evaluation, "values", lambda *_: time.sleep(1) or {"sliced_wasserstein": 1.0})
    run = gan.train(DUEL, out=tmp_path / "run", **{**JUDGED, "images": 64})
    speeds = [json.loads(line) for line in (run.folder / "speed.jsonl").read_text().splitlines()]
    assert sum(speed["seconds"] for speed in speeds) < 1


def test_a_run_left_between_judgings_goes_on_bit_equal(judged, tmp_path):
    for lines in (1, 2, 3, 7):
        run = gan.prepare(DUEL, out=tmp_path / str(lines), **JUDGED)
        for _ in itertools.islice(run, lines):
            pass
        gan.resume(run.folder)
        assert_same(run.folder, judged.folder)
