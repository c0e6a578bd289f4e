"""Classes of images, on the command line and from Python."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

import ganarium as gan
from command_line import done, refused
from ganarium import methods
from ganarium.core.game import Game
from ganarium.data.batches import real_samples
from ganarium.data.conditions.partial import PartialLabels
from ganarium.data.dataset import open_data
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.spec import DataSpec
from ganarium.inference.classify import classify
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import tiny
from ganarium.tasks.classify import Classify

CLASSES = ("cats", "dogs", "owls")


def model_of(name, condition=None):
    method = methods.find(name)
    recipe = tiny(method)
    spec = DataSpec(ImageModality(), (1, 16, 16), condition)
    return Model(build_game(method, recipe, spec), spec, Trained(method, recipe, spec, 64))


@pytest.fixture(scope="module")
def model():
    return model_of("semi-supervised-gan", PartialLabels(CLASSES))


@pytest.fixture(scope="module")
def kept(model, tmp_path_factory):
    return model.save(tmp_path_factory.mktemp("kept"))


def images_in(folder, *names):
    """Write an image for each name; return them as they are given to the model."""
    rng = np.random.default_rng(0)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(path)
    levels = np.stack([np.asarray(Image.open(folder / name)) for name in names])[:, None]
    return torch.from_numpy(levels.astype(np.float32)) / 127.5 - 1


def test_probabilities_whatever_the_batch(model):
    images = torch.rand(7, 1, 16, 16) * 2 - 1
    found = model.classify(images)
    assert found.shape == (7, 3)
    assert torch.allclose(found.sum(1), torch.ones(7))
    assert torch.allclose(found, model.game.discriminator(images).softmax(1))
    assert torch.allclose(model.classify(images, batch_size=2), found, atol=1e-6)


def test_a_loaded_model_says_the_same(model, kept):
    images = torch.rand(4, 1, 16, 16)
    assert torch.equal(gan.load(kept).classify(images), model.classify(images))


def test_the_model_card_shows_how_to_ask(kept, tmp_path):
    assert "model.apply('classify', images)  # [N, 3]\n```" in (kept / "README.md").read_text()
    assert "classify" not in (model_of("dcgan").save(tmp_path) / "README.md").read_text()


def test_of_files(model, kept, tmp_path):
    images = images_in(tmp_path, "a.png", "b/c.png")
    found = classify(kept, tmp_path)
    assert (found.classes, found.names, found.accuracy) == (CLASSES, ("a.png", "b/c.png"), None)
    assert torch.allclose(found.probabilities, model.classify(images), atol=1e-6)
    assert found.to_dict().keys() == {"images"}


def test_where_the_truth_is_known_it_is_told_how_often_it_is_right(model, tmp_path):
    """Folders in another number and order than the model's classes, and one that it never heard of."""
    names = [f"{name}/{i}.png" for name in ("cats", "owls", "yaks") for i in range(3)]
    images = images_in(tmp_path, *names)
    truth = torch.tensor([0, 0, 0, 2, 2, 2])
    expected = (model.classify(images[:6]).argmax(1) == truth).float()
    found = classify(model, tmp_path)
    assert found.labels.tolist() == [*truth.tolist(), -1, -1, -1]
    assert found.accuracy.overall == pytest.approx(expected.mean().item())
    accuracy = found.to_dict()["accuracy"]
    assert accuracy["known"] == 6
    assert accuracy["by_class"] == pytest.approx(
        {"cats": expected[:3].mean().item(), "owls": expected[3:].mean().item()}
    )


def test_the_world_draws_pictures_that_the_model_has_not_seen():
    recipe = tiny(methods.find("semi-supervised-gan"))
    seen = open_data(recipe.data, seed=recipe.seed)
    provenance = Trained(methods.find("semi-supervised-gan"), recipe, seen.spec)
    model = Model(Mirror(seen), seen.spec, provenance)
    found = classify(model, "world", count=len(seen))
    assert found.classes == seen.spec.classes
    assert (found.labels >= 0).all()
    assert found.probabilities.sum() == 0, "none was among those that it learned from"


class Mirror(Game):
    """Classifier that is sure of images that it has seen, and knows nothing of others."""

    tasks = (Classify(),)

    def __init__(self, seen):
        super().__init__()
        self.seen, self.classes = real_samples(seen.batch(range(len(seen)))), len(seen.spec.classes)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def play(self, data, clock):
        yield

    def classify(self, images):
        known = torch.cdist(images.flatten(1), self.seen.flatten(1)).amin(1) < 1e-3
        return known.float()[:, None].expand(-1, self.classes)


def test_broken_pictures_are_left_out(model, tmp_path):
    images = images_in(tmp_path, "a.png", "b.png", "c.png")
    broken = tmp_path / "b.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    found = classify(model, tmp_path)
    assert found.names == ("a.png", "c.png")
    assert torch.allclose(found.probabilities, model.classify(images[[0, 2]]), atol=1e-6)


def test_the_verb(kept, tmp_path):
    images_in(tmp_path / "new", "cats/a.png", "dogs/b.png")
    found = classify(kept, tmp_path / "new")
    said = done("classify", kept, tmp_path / "new")
    for name, label, share in found.rows():
        assert any(line.split() == [name, label, f"{100 * share:.1f}", "%"] for line in said.splitlines())
    assert f"accuracy: {100 * found.accuracy.overall:.1f} % of the 2 images whose class is known" in said
    assert json.loads(done("classify", kept, tmp_path / "new", "--json")) == found.to_dict()
    assert "cats/a.png" in done("classify", kept, tmp_path / "new", "--count", "1")


def test_the_table_in_a_file(kept, tmp_path):
    images_in(tmp_path / "new", "cats/a.png", "dogs/b, or not.png")
    said = done("classify", kept, tmp_path / "new", "--out", tmp_path / "classes.csv")
    assert "2 images: " in said
    with (tmp_path / "classes.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    found = classify(kept, tmp_path / "new")
    assert head == ["image", "class", *CLASSES]
    assert [row[:2] for row in rows] == [[name, label] for name, label, _ in found.rows()]
    shares = np.array([row[2:] for row in rows], float)
    assert np.allclose(shares, found.probabilities, atol=1e-5)


def test_what_cannot_be_classified_is_said(model, tmp_path):
    with pytest.raises(ValueError, match="a dcgan model does not classify; it can generate"):
        model_of("dcgan").classify(torch.zeros(1, 1, 16, 16))
    with pytest.raises(ValueError, match=r"\[1, 3, 16, 16\], but this .* model takes \[N, 1, 16, 16\]"):
        model.classify(torch.zeros(1, 3, 16, 16))
    model_of("dcgan").save(tmp_path / "dcgan")
    images_in(tmp_path / "new", "a.png")
    assert "a dcgan model does not classify" in refused("classify", tmp_path / "dcgan", tmp_path / "new")
