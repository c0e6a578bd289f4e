"""Evaluation of models that translate, after training and during it."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import ganarium as gan
from command_line import done
from ganarium.core.game import Game, turn
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.evaluation.cases import RealData, contexts, held_out
from ganarium.evaluation.measure import fewest, tree_of
from ganarium.evaluation.tables import tables
from ganarium.metrics import psnr, world_translations
from ganarium.metrics.lpips import TAPS
from ganarium.metrics.table import chosen_metrics
from ganarium.metrics.world_translation import STYLES
from ganarium.networks.classifiers import LeNet, SqueezeNet
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.translate import Translate
from ganarium.training.run import Run

torch.set_num_threads(1)
SMALL = {"images": 16, "batch_size": 4, "device": "cpu"}


def trained(method, folder, *, source="world", roles, **keys):
    data = {"source": str(source), "size": 32, "workers": 0, **keys.pop("data", {})}
    networks = {roles[0]: {"width": 2}, "discriminator": {"width": 2, "layers": 1}}
    return gan.train(method, data=data, out=folder, networks=networks, **SMALL, **keys)


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paired") / "run"
    data, judged = {"condition": "style", "count": 60}, {"every": 8, "count": 30}
    return trained("pix2pix", folder, roles=("generator", "discriminator"), data=data, evaluate=judged)


@pytest.fixture(scope="module")
def unpaired(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpaired") / "run"
    judged = {"every": 8, "count": 30, "metrics": "cycle,translation"}
    return trained(
        "cyclegan", folder, roles=("translator", "discriminator"), data={"count": 60}, evaluate=judged
    )


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    path = tmp_path_factory.mktemp("trunk") / "squeezenet.safetensors"
    torch.manual_seed(0)
    save_file(SqueezeNet(version="1.1", classes=None).state_dict(), path)
    return path


def directions(model, dataset, data, count=1000):
    """Evaluate each direction of a model beside open data."""
    cases = contexts(model, RealData(dataset, data, 0), count=count, resamples=0)
    offers = [each.offers for each in cases.values()]
    return tree_of(cases, chosen_metrics(None, offers, fewest(cases.values())))["directions"]


def perfect(monkeypatch, model, dataset, *, wrong=False):
    """Make the model return the true image of each scene of the world, or that of the next scene."""
    scenes = {}
    for domain in range(len(dataset.streams)):
        numbers = np.arange(60)
        batch, some = dataset.part(domain, numbers)[0], dataset.scenes(numbers, stream=domain)
        for key, scene in zip(batch, range(60), strict=True):
            scenes[key.numpy().tobytes()] = some[np.array([scene])]
            for style in STYLES.values():
                drawn = torch.from_numpy(style(some[np.array([scene])])).permute(0, 3, 1, 2) / 127.5 - 1
                scenes[drawn[0].numpy().tobytes()] = some[np.array([scene])]

    def apply(name, *, images, to, **others):
        shown = [scenes[image.numpy().tobytes()] for image in images]
        made = [torch.from_numpy(STYLES[to](x)).permute(0, 3, 1, 2) for x in shown]
        return torch.cat(made).roll(int(wrong), 0) / 127.5 - 1

    monkeypatch.setattr(model, "apply", apply)


def test_a_perfect_translator_differs_from_one_that_mixes_images_up(unpaired, monkeypatch):
    model = gan.load(unpaired.folder)
    dataset, data = held_out(model.recipe.data, model.recipe.seed)
    assert data.split == "test"
    perfect(monkeypatch, model, dataset)
    right = directions(model, dataset, data)
    assert list(right) == ["plain to inked", "inked to plain"]
    for result in right.values():
        assert result["world"]["translation_accuracy"] == 1
        assert result["cycle_error"] == pytest.approx(0, abs=1e-6)
        assert result["identity_error"] == pytest.approx(0, abs=1e-6)
        assert result["samples"] == 60
    assert right["inked to plain"]["pixel_accuracy"] > 0.99
    perfect(monkeypatch, model, dataset, wrong=True)
    for result in directions(model, dataset, data).values():
        assert result["world"]["translation_accuracy"] < 0.2
        assert result["cycle_error"] > 0.05


def test_scenes_are_those_of_the_pictures(unpaired, paired):
    for run, style in ((unpaired, "plain"), (paired, "inked")):
        dataset, _ = held_out(run.recipe.data, run.recipe.seed)
        numbers = [3, 0, 41]
        shown = dataset.part(0, numbers)[0] if run is unpaired else dataset.batch(numbers).condition
        scenes = dataset.scenes(numbers)
        drawn = torch.from_numpy(STYLES[style](scenes)).permute(0, 3, 1, 2) / 127.5 - 1
        assert torch.allclose(shown, drawn, atol=1e-6)


def test_values_are_those_of_the_models_translations(paired):
    result = gan.evaluate(paired, count=20)
    assert (result["split"], result["shape"]) == ("test", [3, 32, 32])
    told = result["directions"]["style to picture"]
    model = gan.load(paired.folder)
    dataset = open_data(paired.recipe.data.model_copy(update={"split": "test"}), seed=paired.recipe.seed)
    numbers = range(0, 60, 3)
    batch = dataset.batch(numbers)
    made = model.translate(batch.condition)
    assert told["psnr"] == pytest.approx(psnr(made, batch.real).mean().item())
    said = world_translations(made, dataset.scenes(numbers), "plain").summary()
    assert told["world"]["color_kept"] == said["color_kept"]
    assert json.loads(json.dumps(result)) == result
    (table,) = tables(result)
    assert "20 translations style to picture" in table.heading
    assert "held back from training" in table.heading
    assert [row[0] for row in table.rows][:3] == ["psnr", "ssim", "ms_ssim"]


@pytest.mark.parametrize(("condition", "style"), [("style", "inked"), ("map", ""), ("outline", "")])
def test_reversed_pairs(paired, monkeypatch, condition, style):
    data = Data(source="world", size=32, count=12, condition=condition, direction="b-to-a")
    dataset = open_data(data)
    model = gan.load(paired.folder)
    model.spec = dataset.spec
    monkeypatch.setattr(model, "apply", lambda *_, **__: dataset.batch(range(12)).real)
    ((name, context),) = contexts(model, RealData(dataset, data, 0), count=12).items()
    assert name == f"{dataset.spec.condition.name} to picture"
    assert ("style" in context, "scenes" in context) == (bool(style), bool(style))
    (result,) = directions(model, dataset, data).values()
    assert result["psnr"] == 100
    if style:
        assert context["style"] == style
        assert result["world"]["translation_accuracy"] == 1
    else:
        assert result["pixel_accuracy"] == result["mean_iou"] == 1


def test_measured_while_it_is_trained(paired, unpaired):
    for run, selecting in ((paired, "psnr"), (unpaired, "world/translation_accuracy")):
        measured = {x["images"]: x["metrics"] for x in run.records if "metrics" in x}
        assert list(measured) == [8, 16]
        assert next(iter(measured[16])) == selecting
        result = gan.evaluate(run, count=30, resamples=0)["directions"]
        values = [(way.get("world", {}) | way)[selecting.removeprefix("world/")] for way in result.values()]
        assert measured[16][selecting] == pytest.approx(sum(values) / len(values))
        assert run.best is not None
    again = result["inked to plain"]["cycle_error"]  # with the networks laid out otherwise
    assert measured[16]["inked to plain/cycle_error"] == pytest.approx(again, rel=1e-5)
    assert "inked to plain/identity_error" not in measured[16]


def test_both_directions_and_both_tables(unpaired, tmp_path):
    torch.manual_seed(0)
    save_file(LeNet().state_dict(), tmp_path / "lenet.safetensors")
    features = tmp_path / "lenet.safetensors"
    result = gan.evaluate(unpaired, features=features, count=10, metrics=["fid", "identity"], resamples=0)
    headings = [table.heading for table in tables(result)]
    assert len(headings) == 4
    assert "beside 60 real ones" in headings[0]
    rows = {row[0] for table in tables(result) for row in table.rows}
    assert {"plain to inked/frechet_distance", "inked to plain/identity_error"} <= rows
    real = [way["features"]["LeNet-5"]["frechet_distance"] for way in result["directions"].values()]
    assert real[0] != real[1]


def folders(place, *names):
    shared_random = np.random.default_rng(0)
    for name in names:
        (place / name).mkdir(parents=True)
        for number in range(6):
            pixels = shared_random.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / name / f"{number}.png")
    return place


def test_other_data_may_be_two_folders(unpaired, tmp_path):
    place = folders(tmp_path, "photos", "drawings")
    given = [place / "photos", place / "drawings"]
    found = gan.evaluate(unpaired.folder, data=given, resamples=0)
    assert found["data"] == f"{given[0]}, {given[1]}"
    assert all(way["samples"] == 6 for way in found["directions"].values())
    told = done(
        "evaluate", unpaired.folder, "--data", given[0], "--data", given[1], "--resamples", 0, "--json"
    )
    assert json.loads(told)["directions"] == found["directions"]


def test_the_half_held_back_is_judged_and_else_it_is_said(tmp_path):
    roles = ("translator", "discriminator")
    for names, split, said in (
        (("trainA", "trainB", "testA", "testB"), "test", "held back from training"),
        (("a", "b"), "train", "what it was trained on: the data hold nothing back"),
    ):
        place = folders(tmp_path / split, *names)
        run = trained("cyclegan", tmp_path / f"run-{split}", source=place, roles=roles)
        result = gan.evaluate(run, resamples=0)
        assert result["split"] == split
        assert all(said in table.heading for table in tables(result))
        assert [way["samples"] for way in result["directions"].values()] == [6, 6]
        assert set(result["directions"].popitem()[1]) == {"samples", "real", "cycle_error", "identity_error"}


def test_what_does_not_apply_is_named(paired, unpaired, trunk, tmp_path):
    for run, keys, said in (
        (unpaired, {"metrics": ["psnr"]}, "psnr needs a model that was trained on pairs"),
        (paired, {"metrics": ["cycle"]}, "cycle_error needs a model that translates in both directions"),
        (paired, {"metrics": ["fid"]}, "give its file as --features"),
        (paired, {"metrics": ["lpips"], "features": trunk}, "--lpips FILE"),
        (paired, {"lpips": trunk}, "holds no linear heads of LPIPS"),
        (paired, {"data": "ring"}, "data.condition"),
    ):
        with pytest.raises(ValueError, match=said):
            gan.evaluate(run, count=4, **keys)
    widths = TAPS["SqueezeNet 1.1"].values()
    save_file(
        {f"lin{number}.model.1.weight": torch.ones(1, width, 1, 1) for number, width in enumerate(widths)},
        tmp_path / "heads.safetensors",
    )
    fits = {"lpips": tmp_path / "heads.safetensors", "metrics": ["lpips"], "count": 4}
    (way,) = gan.evaluate(paired, features=trunk, **fits)["directions"].values()
    assert way["features"]["SqueezeNet 1.1"]["lpips"] > 0
    for run, features, said in (
        (paired, None, "those given fit SqueezeNet 1.1.*--features: none"),
        (unpaired, trunk, "trained on pairs.*--features: SqueezeNet 1.1"),
    ):
        with pytest.raises(ValueError, match=said):
            gan.evaluate(run, features=features, **fits)
    with pytest.raises(ValueError, match="--lpips: lpips needs a model that was trained on pairs"):
        gan.evaluate(folders(tmp_path, "some"), data=str(tmp_path), lpips=fits["lpips"])
    with pytest.raises(ValueError, match="no measure that could tell the best"):
        trained(
            "cyclegan",
            tmp_path / "run",
            roles=("translator", "discriminator"),
            evaluate={"every": 8, "metrics": "cycle"},
        )
    assert Run(unpaired.folder).best is not None


def test_a_campaign_is_evaluated_by_its_task(tmp_path):
    networks = {
        "generator": {"width": 2, "downsamplings": 1, "blocks": 1, "enhancer_blocks": 1},
        "discriminator": {"width": 2, "layers": 1, "scales": 2},
    }
    data = {"size": 32, "condition": "map", "count": 24, "workers": 0}
    evaluate = {"every": 4, "count": 10}
    run = gan.train(
        "pix2pixhd", data=data, out=tmp_path / "run", networks=networks, evaluate=evaluate, **SMALL
    )
    lines = [x for x in run.records if "metrics" in x]
    assert [(x["images"], x["stage"]) for x in lines] == [
        (4, "16x16"),
        (8, "16x16"),
        (12, "32x32"),
        (16, "32x32"),
    ]
    assert all(next(iter(x["metrics"])) == "psnr" for x in lines)
    assert "world/translation_accuracy" in lines[0]["metrics"]
    last = {x["images"]: x["metrics"]["psnr"] for x in lines if x["stage"] == "32x32"}
    best = gan.load(run.best)
    assert (best.stage, best.images) == ("32x32", max(last, key=last.get))
    result = gan.evaluate(run.best, count=10, resamples=0)["directions"]["map to picture"]
    assert result["psnr"] == pytest.approx(last[best.images], rel=1e-5)


class Sharpener(Game):
    """Translator of other packages: its data have no condition."""

    tasks = (Translate(),)

    def __init__(self):
        super().__init__()
        self.generator = torch.nn.Conv2d(3, 3, 3, padding=1)

    def translate(self, images):
        return self.generator(images)

    def play(self, data, clock):
        yield turn(self.generator, loss=(self.translate(next(data)) - 1).square().mean())


def test_a_translator_of_data_without_a_condition(tmp_path):
    data = {"size": 16, "count": 24, "workers": 0}
    method = Method(
        "sharpener",
        Sharpener,
        lambda: Recipe(method="sharpener", images=16, optimizers={"generator": {}}, data=data),
        {},
    )
    run = gan.train(method, out=tmp_path / "run", evaluate={"every": 8, "count": 10}, **SMALL)
    assert next(iter(run.records[-1]["metrics"])) == "world/score"
    result = gan.evaluate(run, count=10, resamples=0)
    assert (result["split"], result["samples"]) == ("test", 10)
    assert result["world"]["score"] == pytest.approx(run.records[-1]["metrics"]["world/score"], abs=1e-4)
    (table,) = tables(result)
    assert "10 samples of 3 x 16 x 16 of world, of what is held back" in table.heading
