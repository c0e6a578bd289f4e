"""Using and judging what was trained: generate, evaluate, and the same from Python."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganarium as gan
from command_line import TINY, done, refused, said, started
from ganarium.common import grids
from ganarium.data.dataset import open_data
from ganarium.data.modalities.image import to_image
from ganarium.data.settings import Data
from ganarium.inference.samples import condition_values
from ganarium.networks.classifiers import LeNet


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def pngs(folder: str | Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_pictures_are_those_of_python_pixel_for_pixel(run, tmp_path):
    process = started("generate", run, "--seed", "3", "--out", "pictures", cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err, out) == (0, "", "16 samples of seed 3: pictures\n")
    images = gan.load(run).generate(16, seed=3)
    assert pngs("pictures") == [f"seed3-{i:06d}.png" for i in range(16)]
    for name, image in zip(pngs("pictures"), images, strict=True):
        assert np.array_equal(pixels(Path("pictures", name)), np.asarray(to_image(image)))


def test_where_samples_go(run):
    done("generate", run / "model", "--count", "3", "--out", "a", "--grid", "grid.png", "--npz", "all.npz")
    assert pngs("a") == [f"seed0-{i:06d}.png" for i in range(3)]
    with np.load("all.npz") as arrays:
        assert torch.equal(torch.from_numpy(arrays["images"]), gan.load(run).generate(3))
    assert pixels(Path("grid.png")).ndim == 3
    done("generate", run, "--count", "2", "--seed", "5")
    assert pngs(run / "generated") == ["seed5-000000.png", "seed5-000001.png"]
    done("generate", run, "--count", "1", "--grid", "only.png")
    assert len(pngs(run / "generated")) == 2


def test_an_array_can_be_data_again(run):
    done("generate", run, "--count", "70", "--npz", "all.npz")
    dataset = open_data(Data(source="all.npz"))
    batch = dataset.batch(range(70))
    assert torch.equal(
        batch, torch.cat([part["samples"] for part in gan.load(run).stream("generate", count=70)])
    )


def test_what_is_there_is_kept(run, run_of_classes):
    done("generate", run, "--count", "3", "--out", "a", "--grid", "s.png", "--npz", "all.npz")
    before = {path: path.read_bytes() for path in Path().rglob("*.*")}
    done("generate", run, "--count", "3", "--out", "a", "--grid", "s.png", "--npz", "all.npz")
    done("generate", run, "--count", "5", "--out", "a")
    Path("a/seed0-000003.png").unlink()
    Path("a/seed0-000004.png").unlink()
    for others in (["--out", "a"], ["--grid", "s.png"], ["--npz", "all.npz"]):
        Path("a/seed7-000000.png").write_bytes(b"mine")
        assert "already and holds something else" in refused("generate", run, "--seed", "7", *others)
        Path("a/seed7-000000.png").unlink()
    assert {path: path.read_bytes() for path in Path().rglob("*.*")} == before


def test_any_count_streams(run, monkeypatch):
    most = 0
    stream = gan.Model.stream

    def watched(*arguments, **settings):
        nonlocal most
        for batch in stream(*arguments, **settings):
            most = max(most, len(batch["samples"]))
            yield batch

    monkeypatch.setattr(gan.Model, "stream", watched)
    gan.save_samples(run, 200, npz="all.npz", grid="grid.png")
    assert most == 64
    assert open_data(Data(source="all.npz")).spec.shape == (3, 16, 16)
    assert pixels(Path("grid.png")).shape[0] == 8 * (16 + grids.GAP) + grids.GAP


def test_classes(run_of_classes):
    done("generate", run_of_classes, "--count", "3", "--condition", "star,0", "--out", "a")
    assert pngs("a") == ["seed0-000000-star.png", "seed0-000001-circle.png", "seed0-000002-star.png"]
    wanted = gan.load(run_of_classes).generate(3, condition=["star", "circle", "star"])
    for name, image in zip(pngs("a"), wanted, strict=True):
        assert np.array_equal(pixels(Path("a", name)), np.asarray(to_image(image)))
    assert "Did you mean 'star'" in refused("generate", run_of_classes, "--condition", "stars")


def test_attributes(tmp_path):
    done("train", "cgan", "--out", "here", *TINY, "data.condition=attributes")
    done("generate", "here", "--count", "1", "--condition", "red,large", "--out", "a")
    assert pngs("a") == ["seed0-000000-red-large.png"]
    wanted = gan.load("here").generate(1, condition={"red": True, "large": True, "left": False})
    assert np.array_equal(pixels(Path("a", pngs("a")[0])), np.asarray(to_image(wanted[0])))
    assert "no attribute 'red=yes'" in refused("generate", "here", "--condition", "red=yes")
    assert "no attribute 'reed'. Did you mean 'red'" in refused("generate", "here", "--condition", "reed")
    assert gan.evaluate("here", count=24)["samples"] == 24


@pytest.mark.parametrize("kind", ["blur", "silhouette"])
def test_conditions_that_are_images(kind, run):
    done("train", "cgan", "--out", "here", *TINY, f"data.condition={kind}")
    done("generate", run, "--count", "3", "--out", "photos")
    model = gan.load("here")
    done("generate", "here", "--count", "4", "--condition", "photos", "--out", "a")
    found = condition_values(model.spec, "photos", 4)
    assert found.shape == (3, *model.spec.condition_shape)
    own = open_data(Data(source="photos", channels=found.shape[1])).batch(range(3))
    assert torch.equal(found, own) == (kind == "silhouette")  # blurred here, but a silhouette is one
    in_turn = found[[0, 1, 2, 0]]
    for name, image in zip(pngs("a"), model.generate(4, condition=in_turn), strict=True):
        assert np.array_equal(pixels(Path("a", name)), np.asarray(to_image(image)))
    assert f"a {kind} must be given as a file or a tensor" in refused("generate", "here")
    assert gan.evaluate("here", count=8)["samples"] == 8


def test_points_become_a_table():
    done("train", "gan", "--data", "ring", "--out", "here", "data.size=null", *TINY[:3], *TINY[4:])
    done("generate", "here", "--count", "100", "--seed", "2", "--grid", "dots.png", "--out", "a")
    rows = np.loadtxt("a/seed2-100.csv", delimiter=",", skiprows=1, dtype=np.float32)
    assert np.array_equal(rows, gan.load("here").generate(100, seed=2).numpy())
    result = json.loads(done("evaluate", "here", "--count", "200", "--json"))
    assert result["modes"] == 8
    assert (result["samples"], result["real"], result["shape"]) == (200, 48, [2])
    assert "world needs images of the built-in world" in refused("evaluate", "here", "--metrics", "world")


def test_five_channels_become_an_array():
    images = np.random.default_rng(0).integers(0, 255, (24, 5, 16, 16), dtype=np.uint8)
    np.savez("five.npz", images=images)
    done("train", "dcgan", "--data", "five.npz", "--out", "here", *TINY)
    assert "5x16x16 have no file format" in done("generate", "here", "--count", "2", "--out", "a")
    with np.load("a/seed0-2.npz") as arrays:
        assert arrays["images"].shape == (2, 5, 16, 16)


def test_there_must_be_a_model(tmp_path):
    assert "nowhere holds no model" in refused("generate", "nowhere")
    (tmp_path / "recipe.yaml").write_text("")
    assert "has not saved one yet" in refused("generate", tmp_path)
    assert "has not saved one yet" in refused("evaluate", tmp_path)


def test_the_world_judges_without_a_file(run):
    text = done("evaluate", run, "--count", "24")
    assert re.search(r"^world/well_formed +0", text, re.M)
    assert re.search(r"^world/score +\S+ +\S+ to \S+ +↑", text, re.M)
    assert re.search(r"^ms_ssim_diversity +\S+ +\S+ to \S+ +↓ +\S+ +to be near the real one", text, re.M)
    result = json.loads(done("evaluate", run, "--count", "24", "--json"))
    assert result == gan.evaluate(run, count=24)
    assert (result["data"], result["samples"], result["shape"]) == ("world", 24, [3, 16, 16])
    assert gan.evaluate(gan.Run(run), count=24) == result
    by_itself = gan.evaluate(gan.load(run), count=24)
    assert by_itself == result | {"judged": "dcgan model"}


def test_the_result_of_a_run_is_kept_in_its_folder(run, tmp_path, monkeypatch):
    path = run / "evaluation.json"
    result = gan.evaluate(run, count=8, metrics=["world"])
    assert json.loads(path.read_text()) == result
    printed = json.loads(done("evaluate", run, "--count", "9", "--metrics", "world", "--json"))
    assert json.loads(path.read_text()) == printed != result
    gan.evaluate(run / "model", count=8, metrics=["world"])
    gan.evaluate(gan.load(run), count=8, metrics=["world"])
    assert json.loads(path.read_text()) == printed

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganarium.evaluation.evaluate.write_text", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert gan.evaluate(run, count=8, metrics=["world"]) == result
    failed = said("evaluate", run, "--count", "8", "--metrics", "world")
    assert failed.code == 1
    assert "world/score" in failed.out, "the result is printed all the same"


def test_real_pictures_of_the_world_are_well_formed_where_noise_is_not():
    world = open_data(Data(count=24, size=32))
    for i, image in enumerate(world.batch(range(24))):
        grids.save(to_image(image), Path(f"good/{i}.png"))
        grids.save(to_image(torch.rand_like(image) * 2 - 1), Path(f"bad/{i}.png"))
    good, bad = (gan.evaluate(folder, data="world")["world"]["well_formed"] for folder in ("good", "bad"))
    assert good > 0.9
    assert bad < 0.1


def test_data_may_be_arrays(run):
    images = np.random.default_rng(0).integers(0, 255, (24, 16, 16, 3), dtype=np.uint8)
    result = gan.evaluate(run, data=images, count=8, metrics=["diversity"])
    assert result["data"].startswith("given:array-")
    assert result["real"] == 24
    assert gan.inspect(images).samples == 24


def watched_conditions(monkeypatch):
    """Return a list that gets the conditions of each batch that a model generates."""
    run, given = gan.Task.run, []

    def watched(self, game, spec, inputs, options):
        given.append(inputs["condition"])
        return run(self, game, spec, inputs, options)

    monkeypatch.setattr(gan.Task, "run", watched)
    return given


def test_labels_are_drawn_as_the_data_have_them(run_of_classes, monkeypatch):
    given = watched_conditions(monkeypatch)
    gan.evaluate(run_of_classes, count=48, metrics=["world"])
    data = gan.load(run_of_classes).recipe.data
    assert torch.equal(given[0], open_data(data).batch(range(48)).condition)
    gan.evaluate(run_of_classes, data="world", count=12, metrics=["world"])
    assert given[1].tolist() == [0, 1, 2, 3, 4, 5] * 2
    assert len(given) == 2


def test_classes_are_asked_for_in_turn_whatever_the_data_have(run_of_classes, monkeypatch):
    given = watched_conditions(monkeypatch)
    result = gan.evaluate(run_of_classes, count=24, metrics=["accuracy"])
    assert given[-1].tolist() == [0, 1, 2, 3, 4, 5] * 4
    shares = result["class_accuracy_by_class"]
    assert list(shares) == list(gan.load(run_of_classes).spec.classes)
    assert result["class_accuracy"] == pytest.approx(sum(shares.values()) / 6)
    text = done("evaluate", run_of_classes, "--count", "24", "--metrics", "accuracy")
    assert re.search(r"^class_accuracy +\S+ +\S+ to \S+ +↑", text, re.M)
    assert re.search(r"^class_accuracy/star +\S+ *$", text, re.M)


def test_other_pictures_need_a_network(run, real_data):
    done("generate", run, "--count", "6", "--out", "a")
    assert "--features FILE" in refused("evaluate", "a", "--data", "a")
    assert "--features FILE" in refused("evaluate", run, "--metrics", "fid")
    file = real_data / "weights" / "mnist_lenet"
    digits = real_data / "mnist_small"
    command = ["evaluate", "a", "--data", digits, "--features", file, "--metrics", "fid", "--json"]
    result = json.loads(done(*command))
    assert (result["samples"], result["real"]) == (6, 5000)
    entry = result["features"]["LeNet-5"]
    assert "32x32" in entry["resizing"]
    assert entry["frechet_distance"] > 1000
    assert "kernel_distance" not in entry
    assert result == gan.evaluate("a", data=digits, features=file, metrics=["fid"])
    assert result == gan.evaluate(
        "a", data=digits, features=[file], metrics=["frechet_distance"], cache=False
    )


def test_several_networks_at_once(real_data):
    weights, digits = real_data / "weights", real_data / "mnist_small"
    both = [
        "--features",
        weights / "mnist_lenet",
        "--features",
        weights / "resnet_cifar10/resnet20-12fca82f.th",
    ]
    command = ["evaluate", "a", "--data", "b", *both, "--count", "60"]
    for name in "ab":
        write_digits(digits, Path(name), 60)
    result = json.loads(done(*command, "--metrics", "fid,kid,is", "--resamples", "5", "--json"))
    assert list(result["features"]) == ["LeNet-5", "ResNet-20 (CIFAR)"]
    for entry in result["features"].values():
        low, high = entry["frechet_distance_interval"]
        assert low <= entry["frechet_distance"] <= high
        assert entry["inception_score"] > 1
    without = json.loads(done(*command, "--metrics", "fid", "--resamples", "0", "--no-cache", "--json"))
    assert "frechet_distance_interval" not in without["features"]["LeNet-5"]
    text = done(*command, "--metrics", "fid,is", "--resamples", "5")
    assert re.search(
        r"^on LeNet-5 \(\w{12}\): fully connected 6, rectified; 84 features, resized", text, re.M
    )
    assert re.search(r"^on ResNet-20 \(CIFAR\) \(\w{12}\): ", text, re.M)
    assert len(re.findall(r"^frechet_distance +\S+ +\S+ to \S+ +↓", text, re.M)) == 2
    assert len(re.findall(r"^inception_score .* sees neither the real images", text, re.M)) == 2


def write_digits(source: Path, folder: Path, count: int) -> None:
    """So many digits, a sub-folder a class."""
    digits = open_data(Data(source=str(source), condition="label"))
    images, labels = digits.batch(range(count))
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        grids.save(to_image(image), folder / str(label) / f"{i}.png")


def test_folders_of_classes_are_read_by_class(real_data):
    """The digits' own labels: nearly all are read as what they are."""
    digits, lenet = real_data / "mnist_small", real_data / "weights" / "mnist_lenet"
    write_digits(digits, Path("a"), 300)
    for folder in ("a", digits):
        keys = {"data": digits, "features": lenet, "metrics": ["accuracy"], "count": 300}
        entry = gan.evaluate(folder, **keys)["features"]["LeNet-5"]
        assert entry["class_accuracy"] > 0.96
        assert list(entry["class_accuracy_by_class"]) == list("0123456789")
        assert "class_accuracy_real" not in entry  # of the data to compare with no labels were asked


def test_the_second_time_the_real_side_is_known(run, real_data, monkeypatch):
    file, seen = real_data / "weights" / "mnist_lenet", []
    write_digits(real_data / "mnist_small", Path("digits"), 100)
    both = LeNet.both
    monkeypatch.setattr(LeNet, "both", lambda self, images: seen.append(len(images)) or both(self, images))
    keys = {"data": "digits", "features": file, "metrics": ["fid"], "count": 10, "resamples": 0}
    monkeypatch.setenv("GANARIUM_CACHE", "a cache")
    first = gan.evaluate(run, **keys)
    assert sum(seen) == 110
    seen.clear()
    assert gan.evaluate(run, **keys) == first
    assert sum(seen) == 10
    seen.clear()
    assert gan.evaluate(run, cache=False, **keys) == first
    assert sum(seen) == 110


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "there is no run, model or folder of samples nowhere"),
        (["."], "name the data to compare with: --data PATH"),
        (["RUN", "--data", "nowhere"], "nowhere is neither a file nor a folder"),
        (["RUN", "--metrics", "fidd"], "did you mean fid"),
        (["RUN", "--features", "nothing.pth"], "nothing.pth does not exist"),
        (["RUN", "--count", "0"], "--count"),
        (["RUN", "--resamples", "1"], "resamples is 0, for no intervals, or at least 2"),
        (["RUN", "--metrics", "is"], "inception_score needs a network that names classes"),
        (["RUN", "--metrics", "accuracy"], "class_accuracy needs samples asked for by class"),
    ],
)
def test_wrong_questions(arguments, words, run):
    assert words in refused("evaluate", *[run if word == "RUN" else word for word in arguments])


def test_python_says_where_to_save(run):
    with pytest.raises(ValueError, match="out, npz and grid"):
        gan.save_samples(gan.load(run))
    with pytest.raises(ValueError, match="count is 0"):
        gan.save_samples(run, 0)
    with pytest.raises(ValueError, match="does not take 'condition'; it takes nothing"):
        gan.save_samples(run, condition="world")


def test_options_are_known_to_the_task(run):
    said = refused("generate", run, "truncation=0.5")
    assert "generate of this dcgan model does not take 'truncation'; it takes nothing" in said
    assert "'truncation' is no option of a task; write key=value" in refused("generate", run, "truncation")
    assert "seed is no option of a task; see --help" in refused("generate", run, "seed=3")
