"""Exported folders: files, cards, and examples that run without this program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

import ganarium as gan
from ganarium import methods
from ganarium.core.game import Game
from ganarium.data.conditions.companion import Pair
from ganarium.data.modalities.image import Image as Images
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.spec import DataSpec
from ganarium.models.model import Model
from ganarium.models.network import NETWORKS, NetworkModel, Origin
from ganarium.tasks.base import Input, Output, Variant
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent
from ganarium.tasks.translate import Translate
from ganarium.testing import MethodUnderTest

SETTINGS = {"inputs": 3, "outputs": 3, "width": 4, "downsamplings": 2}


def trained(name, **changes):
    trial = MethodUnderTest(methods.find(name), changes)
    torch.manual_seed(0)
    return trial.model(trial.game())


def translator():
    torch.manual_seed(0)
    origin = Origin("owner/name", "BSD-2-Clause", "horse.pth", "0123", "U-Net generator")
    return NetworkModel("translator", "unet", SETTINGS, NETWORKS["translator"]["unet"](**SETTINGS), origin)


@pytest.fixture(scope="module")
def translating(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    gan.export(translator(), out=folder)
    return folder


@pytest.fixture
def elsewhere(tmp_path):
    """Runs a program where neither ganarium nor torch can be imported."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    for name in ("ganarium", "torch"):
        (blocked / f"{name}.py").write_text(f"raise ImportError('no {name} here')\n")

    def run(*words):
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(blocked), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )

    for name in ("ganarium", "torch"):
        assert f"no {name} here" in run("-c", f"import {name}").stderr
    return run


def done(process):
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def picture(path, size=(50, 37)):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)).save(path)
    return path


def test_an_example_translates_without_this_program(translating, elsewhere, tmp_path):
    assert names(translating) == ["README.md", "example.py", "translate.onnx"]
    done(elsewhere(translating / "example.py", picture(tmp_path / "in.png")))
    with Image.open(tmp_path / "in.png") as given, Image.open(tmp_path / "translations.png") as made:
        images = torch.from_numpy(np.float32(given)).permute(2, 0, 1)[None] / 127.5 - 1
        wanted = ((translator().translate(images) + 1) * 127.5).round()[0].permute(1, 2, 0)
        assert np.abs(np.float32(made) - wanted.numpy()).max() <= 1
        assert made.size == given.size


def test_an_example_is_short(translating):
    assert len([line for line in (translating / "example.py").read_text().splitlines() if line]) <= 15


def test_an_example_draws_samples(elsewhere, tmp_path):
    model = trained("cgan")
    (file,) = gan.export(model, out=tmp_path / "a")
    assert (file.takes, file.gives) == ("z [N, 4], condition [N]", "samples [N, 3, 16, 16]")
    done(elsewhere(tmp_path / "a" / "example.py"))
    with Image.open(tmp_path / "samples.png") as sheet:
        assert sheet.size == (64, 64)
    card = (tmp_path / "a" / "README.md").read_text()
    for words in ("method: `cgan`", "licence:", "0 circle, 1 square", "condition [N] | int64"):
        assert words in card


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes", "given", "made"),
    [
        ("infogan", {}, None, "samples.png"),
        ("gan", {"data": {"channels": 1}}, None, "samples.png"),
        ("gan", {"data": {"source": "ring", "size": None}}, None, "samples.npy"),
        ("cgan", {"data": {"condition": "attributes"}}, None, "samples.png"),
        ("cgan", {"data": {"condition": "edges"}}, "in.png", "samples.png"),
        ("cgan", {"data": {"condition": "edges"}, "game": {"noise": "none"}}, "in.png", "samples.png"),
        ("pix2pix", {}, "in.png", "translations.png"),
        ("gaugan", {}, "in.npy", "translations.png"),
    ],
)
def test_every_kind_of_example_runs(name, changes, given, made, elsewhere, tmp_path):
    gan.export(trained(name, **changes), out=tmp_path / "a")
    picture(tmp_path / "in.png")
    np.save(tmp_path / "in.npy", np.arange(512).reshape(1, 2, 16, 16) % 3)
    done(elsewhere(tmp_path / "a" / "example.py", *([given] if given else [])))
    assert (tmp_path / made).stat().st_size > 0


def test_a_model_that_can_do_more(elsewhere, tmp_path):
    model = trained("semi-supervised-gan")
    (file,) = gan.export(model, out=tmp_path / "a", task="classify")
    assert file.path.name == "classify.onnx"
    said = done(elsewhere(tmp_path / "a" / "example.py", picture(tmp_path / "in.png", (16, 16))))
    assert [line.split(":")[0] for line in said.splitlines()] == list(model.spec.classes)
    with pytest.raises(ValueError, match=r"no task 'clasify'; it has generate, classify. Did you mean"):
        gan.export(model, out=tmp_path / "b", task="clasify")


@pytest.mark.slow
def test_each_way_of_a_translating_game_is_a_file(elsewhere, tmp_path):
    model = trained("cyclegan")
    files = gan.export(model, out=tmp_path / "a")
    there, back = (file.path.name for file in files)
    assert (there, back) == ("plain-to-inked.onnx", "inked-to-plain.onnx")
    picture(tmp_path / "in.png")
    made = []
    for words in ((), (back,)):
        done(elsewhere(tmp_path / "a" / "example.py", "in.png", *words))
        with Image.open(tmp_path / "translations.png") as image:
            made.append(np.asarray(image))
    assert not np.array_equal(*made)


class Provenance:
    title, what = "Small", "small"

    def details(self):
        return {"licence": "none"}


class Small(Game):
    """A game of one layer, with an option that becomes an input."""

    tasks = (Generate(),)
    latents = (Latent("z", (4,)),)
    saved_networks = ("layer",)

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3 * 8 * 8)

    def play(self, data, clock):
        raise NotImplementedError

    def generate(self, z, *, truncation: float = 0.75):
        return self.layer(truncation * z).view(-1, 3, 8, 8)


def test_options_stand_on_the_card_and_in_the_example(elsewhere, tmp_path):
    (file,) = gan.export(Model(Small(), DataSpec(Images(), (3, 8, 8)), Provenance()), out=tmp_path / "a")
    assert file.takes == "z [N, 4], truncation"
    card, example = ((tmp_path / "a" / name).read_text() for name in ("README.md", "example.py"))
    assert "| in | truncation | float32 | option; 0.75 by default |" in card
    assert '"truncation": np.array(0.75, np.float32),' in example
    done(elsewhere(tmp_path / "a" / "example.py"))
    with Image.open(tmp_path / "samples.png") as grid:
        assert grid.size == (32, 32)


class Segmenter(Small):
    """Images, alone or with maps, to maps of classes and their scores."""

    class Task(Translate):
        def inputs(self, game, spec, options):
            maps = Input("maps", spec.modality, (1, "H", "W"), True)
            return (*super().inputs(game, spec, options), maps)

        def outputs(self, game, spec, options):
            (maps,) = super().outputs(game, spec, options)
            return (maps, Output("scores", Images(), (5, "H", "W")))

        def variants(self, game, spec):
            return Variant("plain"), Variant("guided", takes=("maps",))

    tasks = (Task(),)
    latents = ()

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 5, 3, padding=1)

    def translate(self, images, maps=None):
        scores = self.layer(images)
        maps = scores.argmax(1, keepdim=True) if maps is None else (maps + scores.argmax(1, keepdim=True)) % 5
        return maps, scores.clamp(-1, 1)


def test_variants_with_other_inputs_have_an_example_of_their_own(elsewhere, tmp_path):
    spec = DataSpec(LabelMap(tuple("abcde")), (1, 16, 16), Pair(Images(), (3, 16, 16), "pair"))
    torch.manual_seed(0)
    model = Model(Segmenter(), spec, Provenance())
    files = gan.export(model, out=tmp_path / "a")
    assert [file.path.name for file in files] == ["plain.onnx", "guided.onnx"]
    assert names(tmp_path / "a") == [
        "README.md", "example-guided.py", "example.py", "guided.onnx", "plain.onnx"
    ]  # fmt: skip
    card, guided = ((tmp_path / "a" / name).read_text() for name in ("README.md", "example-guided.py"))
    assert "`example.py` and `example-guided.py`" in card
    assert "Usage: python example-guided.py IMAGES MAPS." in guided
    with Image.open(picture(tmp_path / "in.png")) as given:
        images = torch.from_numpy(np.float32(given)).permute(2, 0, 1)[None] / 127.5 - 1

    def maps():
        with Image.open(tmp_path / "translations.png") as made:
            assert made.mode == "L"
            return torch.from_numpy(np.int64(made))[None, None]

    done(elsewhere(tmp_path / "a" / "example.py", "in.png"))
    once = maps()
    wanted = model.translate(images)
    assert torch.equal(once, wanted["translations"])
    assert np.allclose(np.load(tmp_path / "scores.npy"), wanted["scores"], atol=1e-5)
    (tmp_path / "translations.png").rename(tmp_path / "maps.png")
    done(elsewhere(tmp_path / "a" / "example-guided.py", "in.png", "maps.png"))
    assert torch.equal(maps(), 2 * once % 5)


def test_the_card_names_whose_weights_they_are(translating):
    card = (translating / "README.md").read_text()
    for words in (
        "# U-Net generator",
        "BSD-2-Clause",
        "owner/name",
        "horse.pth",
        "`H` any length, `W` any length",
    ):
        assert words in card


def test_nothing_is_written_over(translating, tmp_path):
    again = gan.export(translator(), "safetensors", out=tmp_path / "a")
    assert gan.export(translator(), "safetensors", out=tmp_path / "a") == again
    before = {path: path.read_bytes() for path in translating.iterdir()}
    with pytest.raises(FileExistsError, match=r"README.md is there already"):
        gan.export(translator(), "safetensors", out=translating)
    assert {path: path.read_bytes() for path in translating.iterdir()} == before


def test_a_file_that_is_off_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("ganarium.exporting.onnx.TOLERANCE", -1.0)
    with pytest.raises(ValueError, match="would differ from PyTorch"):
        gan.export(trained("gan"), out=tmp_path / "a")
    assert names(tmp_path) == []


@pytest.mark.parametrize("model", [trained("dcgan"), translator()], ids=["game", "network"])
def test_weights_in_one_file_can_be_read_again(model, tmp_path):
    (file,) = gan.export(model, "safetensors", out=tmp_path)
    assert file == gan.Exported(tmp_path / "model.safetensors", None)
    assert names(tmp_path) == ["README.md", "model.safetensors"]
    with safe_open(file.path, "pt") as opened:
        assert set(opened.keys()) == set(model.tensors())
        assert "licence" in json.loads(opened.metadata()["ganarium"])
    again = gan.load(file.path)
    given = {"images": torch.rand(1, 3, 20, 24)} if "translate" in model.tasks else {"count": 3}
    assert torch.equal(*(each.apply(each.task().name, **given) for each in (again, model)))


def test_where_files_go(tmp_path):
    translator().save(tmp_path / "horse")
    (file,) = gan.export(tmp_path / "horse", "safetensors")
    assert file.path == tmp_path / "horse" / "exported" / "safetensors" / "model.safetensors"
    (again,) = gan.export(file.path, "safetensors", out=tmp_path / "again")
    assert again.path.read_bytes() == file.path.read_bytes()


def test_wrong_wishes_are_told(tmp_path):
    with pytest.raises(
        ValueError, match=r"no format 'onx'; choose from onnx, safetensors. Did you mean 'onnx'"
    ):
        gan.export(translator(), "onx", out=tmp_path)
    with pytest.raises(ValueError, match="out=folder"):
        gan.export(translator(), "safetensors")
    with pytest.raises(ValueError, match="safetensors holds all"):
        gan.export(translator(), "safetensors", out=tmp_path, task="generate")


def test_a_file_of_weights_alone_is_no_model(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="ganarium import"):
        gan.load(tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        gan.load(tmp_path / "b.safetensors")
