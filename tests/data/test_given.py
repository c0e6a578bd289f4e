"""Data that are given as objects: arrays, tensors, sources and data sets."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from ganarium.data.dataset import Dataset, open_data
from ganarium.data.settings import Data
from ganarium.data.sources import table
from ganarium.data.sources.arrays import Arrays
from ganarium.data.sources.concat import ConcatSource
from ganarium.data.sources.densities import POINTS
from ganarium.data.sources.points import PlanePoints
from ganarium.methods.resolve import chosen_recipe
from ganarium.recipes.sources import data_layer, source_name
from ganarium.recipes.yaml import from_yaml, to_yaml
from small_runs import environment


@pytest.fixture(autouse=True)
def _nothing_given_before(monkeypatch):
    monkeypatch.setattr(table, "_given", {})


def levels(count=6):
    return np.random.default_rng(0).integers(0, 256, (count, 12, 10, 3), dtype=np.uint8)


def opened(data, *overrides):
    """The data set of a recipe that is given this data."""
    recipe = chosen_recipe("dcgan", data=data, overrides=overrides)
    return open_data(recipe.data, seed=recipe.seed)


def test_names_and_tables_are_what_they_were(tmp_path):
    assert data_layer("ring") == {"source": "ring"}
    assert data_layer(tmp_path) == {"source": str(tmp_path)}
    assert data_layer(["a", tmp_path]) == {"source": ("a", str(tmp_path))}
    assert data_layer({"source": "world", "size": 16}) == {"source": "world", "size": 16}


@pytest.mark.parametrize("as_given", [np.asarray, torch.from_numpy], ids=["array", "tensor"])
def test_an_array_or_tensor_of_images(as_given):
    pixels = levels()
    data = opened(as_given(pixels))
    assert data.report.kind == "array"
    assert data.spec.shape == (3, 12, 10)
    wanted = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1
    assert torch.allclose(data.batch(range(6)), wanted, atol=1e-6)
    assert opened(as_given(pixels), "data.size=8", "data.channels=1").spec.shape == (1, 8, 8)
    assert opened({"source": as_given(pixels), "size": 8}).spec.shape == (3, 8, 8)


def test_a_tensor_of_floats_with_gradients():
    images = (torch.rand(4, 1, 8, 8) * 2 - 1).requires_grad_()
    assert torch.equal(opened(images).batch(range(4)), images.detach())


def test_equal_arrays_have_one_name_in_every_process():
    name = source_name(levels())
    assert source_name(levels().copy()) == name
    assert source_name(torch.from_numpy(levels())) == name
    assert source_name(levels(5)) != name
    assert source_name(levels() // 2) != name
    code = (
        "import numpy as np; from ganarium.recipes.sources import source_name; "
        "print(source_name(np.random.default_rng(0).integers(0, 256, (6, 12, 10, 3), dtype=np.uint8)))"
    )
    said = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert said.stdout.strip() == name, said.stderr


def test_a_source_with_labels():
    source = Arrays("mine", levels().transpose(0, 3, 1, 2), np.arange(6) % 2, ("cat", "dog"))
    data = opened(source, "data.condition=label")
    assert data.source is source
    assert data.spec.classes == ("cat", "dog")
    assert data.batch(range(6)).condition.tolist() == [0, 1] * 3


def test_sources_of_one_length_have_names_of_their_own():
    one, two = (Arrays("mine", levels().transpose(0, 3, 1, 2) // part) for part in (1, 2))
    recipes = [chosen_recipe("dcgan", data=source) for source in (one, two)]
    assert open_data(recipes[0].data).source is one
    assert open_data(recipes[1].data).source is two
    joined = [ConcatSource(("a", "b"), pair) for pair in ((one, two), (two, one), (one, two))]
    names = [source_name(source) for source in joined]
    assert names[0] != names[1]
    assert names[0] == names[2]
    equal = Arrays("mine", levels().transpose(0, 3, 1, 2))
    assert source_name(equal) == recipes[0].data.source, "so that a run is resumed in another process"


def test_a_source_of_points():
    assert opened(PlanePoints(POINTS["ring"], 50, 3)).spec.shape == (2,)


def test_the_samples_of_a_data_set():
    ours = open_data(Data(source="world", count=8, size=16), seed=4)
    theirs = opened(ours)
    assert len(theirs) == 8
    assert torch.equal(theirs.batch(range(8)), ours.batch(range(8)))
    labeled = Dataset(Arrays("mine", levels().transpose(0, 3, 1, 2), np.arange(6) % 2), Data())
    assert opened({"source": labeled, "condition": "label"}).spec.classes == ("0", "1")


def test_the_name_stands_in_the_recipe():
    recipe = chosen_recipe("dcgan", data=levels())
    assert recipe.data.source.startswith("given:array-")
    again = chosen_recipe(from_yaml(to_yaml(recipe)))
    assert again.data.source == recipe.data.source
    assert torch.equal(open_data(again.data).batch([0, 5]), open_data(recipe.data).batch([0, 5]))


def test_an_object_of_another_process_is_asked_for_again(monkeypatch):
    recipe = chosen_recipe("dcgan", data=levels())
    monkeypatch.setattr(table, "_given", {})
    message = r"data\.source=given:array-.* was given .*resume\(folder, data=\.\.\.\)"
    with pytest.raises(FileNotFoundError, match=message):
        open_data(recipe.data)
    source_name(levels())
    assert len(open_data(recipe.data)) == 6


@pytest.mark.parametrize(
    ("data", "error", "complaint"),
    [
        (3, TypeError, "data is a int; give the name of a folder"),
        ([levels()], TypeError, "data is a list"),
        (np.zeros((4, 5)), ValueError, r"images of shape \(4, 5\); give \[N, H, W\]"),
        (np.full((4, 5, 5), 9.0), ValueError, "from 9 to 9; give uint8"),
    ],
)
def test_other_objects_are_refused(data, error, complaint):
    with pytest.raises(error, match=complaint):
        chosen_recipe("dcgan", data=data)
