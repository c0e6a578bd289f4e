"""Translating models beside their data, after training and during it."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import ganarium as gan
from command_line import done
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.evaluation.held_out import evaluate_translations, test_split, translated
from ganarium.evaluation.tables import tables
from ganarium.metrics import psnr, world_translations
from ganarium.metrics.lpips import TAPS
from ganarium.metrics.world_translation import STYLES
from ganarium.networks.classifiers import LeNet, SqueezeNet
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


def perfect(monkeypatch, model, dataset, *, wrong=False):
    """The model made to say the truth of each picture of the world, or that of the next one."""
    scenes = {}
    for domain in range(len(dataset.domain_sizes)):
        numbers = np.arange(60)
        batch, some = dataset.domain_batch(domain, numbers), dataset.scenes(numbers, domain=domain)
        for key, scene in zip(batch, range(60), strict=True):
            scenes[key.numpy().tobytes()] = some[np.array([scene])]
            for style in STYLES.values():
                drawn = torch.from_numpy(style(some[np.array([scene])])).permute(0, 3, 1, 2) / 127.5 - 1
                scenes[drawn[0].numpy().tobytes()] = some[np.array([scene])]

    def translate(pictures, *, to, source, batch_size=8):
        shown = [scenes[picture.numpy().tobytes()] for picture in pictures]
        made = [torch.from_numpy(STYLES[dataset.spec.classes[to]](x)).permute(0, 3, 1, 2) for x in shown]
        return torch.cat(made).roll(int(wrong), 0) / 127.5 - 1

    monkeypatch.setattr(model, "translate", translate)


def test_a_perfect_translator_is_told_from_one_that_mixes_pictures_up(unpaired, monkeypatch):
    model = gan.load(unpaired.folder)
    dataset, data = test_split(model.recipe.data, model.recipe.seed)
    assert data.split == "test"
    perfect(monkeypatch, model, dataset)
    right = evaluate_translations(model, dataset, data, resamples=0)
    assert list(right) == ["plain to inked", "inked to plain"]
    for result in right.values():
        assert result["world"]["translation_accuracy"] == 1
        assert result["cycle_error"] == pytest.approx(0, abs=1e-6)
        assert result["identity_error"] == pytest.approx(0, abs=1e-6)
        assert result["samples"] == 60
    assert right["inked to plain"]["pixel_accuracy"] > 0.99
    perfect(monkeypatch, model, dataset, wrong=True)
    for result in evaluate_translations(model, dataset, data, resamples=0).values():
        assert result["world"]["translation_accuracy"] < 0.2
        assert result["cycle_error"] > 0.05


def test_scenes_are_those_of_the_pictures(unpaired, paired):
    for run, style in ((unpaired, "plain"), (paired, "inked")):
        dataset, _ = test_split(run.recipe.data, run.recipe.seed)
        numbers = [3, 0, 41]
        domain = 0 if run is unpaired else None
        shown = dataset.domain_batch(0, numbers) if run is unpaired else dataset.batch(numbers).condition
        scenes = dataset.scenes(numbers, domain=domain)
        drawn = torch.from_numpy(STYLES[style](scenes)).permute(0, 3, 1, 2) / 127.5 - 1
        assert torch.allclose(shown, drawn, atol=1e-6)


def test_values_are_those_of_the_models_translations(paired):
    result = gan.evaluate(paired, count=20)
    assert (result["split"], result["shape"]) == ("test", [3, 32, 32])
    told = result["ways"]["style to picture"]
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
def test_pairs_turned_round(paired, tmp_path, condition, style):
    data = Data(source="world", size=32, count=12, condition=condition, direction="b-to-a")
    dataset = open_data(data)
    model = gan.load(paired.folder)
    model.spec = dataset.spec
    model.translate = lambda pictures: dataset.batch(range(12)).real
    ((way, judged),) = translated(model, dataset, data, 12)
    assert (way, judged.style, judged.scenes is not None) == ((0, 1), style, bool(style))
    (result,) = evaluate_translations(model, dataset, data, resamples=0).values()
    assert result["psnr"] == 100
    if style:
        assert result["world"]["translation_accuracy"] == 1
    else:
        assert result["pixel_accuracy"] == result["mean_iou"] == 1


def test_measured_while_it_is_trained(paired, unpaired):
    for run, selecting in ((paired, "psnr"), (unpaired, "world/translation_accuracy")):
        measured = {x["images"]: x["metrics"] for x in run.records if "metrics" in x}
        assert list(measured) == [8, 16]
        assert next(iter(measured[16])) == selecting
        result = gan.evaluate(run, count=30, resamples=0)["ways"]
        values = [(way.get("world", {}) | way)[selecting.removeprefix("world/")] for way in result.values()]
        assert measured[16][selecting] == pytest.approx(sum(values) / len(values))
        assert run.best is not None
    again = result["inked to plain"]["cycle_error"]  # with the networks laid out otherwise
    assert measured[16]["inked to plain/cycle_error"] == pytest.approx(again, rel=1e-5)
    assert "inked to plain/identity_error" not in measured[16]


def test_both_ways_and_both_tables(unpaired, tmp_path):
    torch.manual_seed(0)
    save_file(LeNet().state_dict(), tmp_path / "lenet.safetensors")
    features = tmp_path / "lenet.safetensors"
    result = gan.evaluate(unpaired, features=features, count=10, metrics=["fid", "identity"], resamples=0)
    headings = [table.heading for table in tables(result)]
    assert len(headings) == 4
    assert "beside 60 real ones" in headings[0]
    rows = {row[0] for table in tables(result) for row in table.rows}
    assert {"plain to inked/frechet_distance", "inked to plain/identity_error"} <= rows
    real = [way["features"]["LeNet-5"]["frechet_distance"] for way in result["ways"].values()]
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
    assert all(way["samples"] == 6 for way in found["ways"].values())
    told = done(
        "evaluate", unpaired.folder, "--data", given[0], "--data", given[1], "--resamples", 0, "--json"
    )
    assert json.loads(told)["ways"] == found["ways"]


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
        assert [way["samples"] for way in result["ways"].values()] == [6, 6]
        assert set(result["ways"].popitem()[1]) == {"samples", "real", "cycle_error", "identity_error"}


def test_what_does_not_apply_is_named(paired, unpaired, trunk, tmp_path):
    for run, keys, said in (
        (unpaired, {"metrics": ["psnr"]}, "psnr needs a model that was taught by pairs"),
        (paired, {"metrics": ["cycle"]}, "cycle_error needs a model that translates both ways"),
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
    (way,) = gan.evaluate(paired, features=trunk, **fits)["ways"].values()
    assert way["features"]["SqueezeNet 1.1"]["lpips"] > 0
    for run, features, said in (
        (paired, None, "fit SqueezeNet 1.1, pairs.*--features: none"),
        (unpaired, trunk, "--features: SqueezeNet 1.1; data.condition=domains"),
    ):
        with pytest.raises(ValueError, match=said):
            gan.evaluate(run, features=features, **fits)
    with pytest.raises(ValueError, match="no model that translates"):
        gan.evaluate(folders(tmp_path, "some"), data=str(tmp_path), lpips=trunk)
    with pytest.raises(ValueError, match="no measure that could tell the best"):
        trained(
            "cyclegan",
            tmp_path / "run",
            roles=("translator", "discriminator"),
            evaluate={"every": 8, "metrics": "cycle"},
        )
    assert Run(unpaired.folder).best is not None
