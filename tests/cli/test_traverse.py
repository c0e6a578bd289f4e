"""Traversal of the codes of a model, on the command line and from Python."""

import numpy as np
import pytest
import torch
from PIL import Image

import ganarium as gan
from command_line import done, refused
from ganarium import methods
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.spec import DataSpec
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import tiny
from ganarium.tasks.base import draw_latents


def model_of(name):
    method = methods.find(name)
    recipe = tiny(method)
    spec = DataSpec(ImageModality(), (3, 16, 16))
    return Model(build_game(method, recipe, spec), spec, Trained(method, recipe, spec, 64))


@pytest.fixture(scope="module")
def model():
    return model_of("infogan")


def test_a_row_keeps_its_latent_and_a_column_its_code(model):
    samples = model.traverse("categorical-0", rows=3, steps=10, seed=2)
    assert samples.shape == (3, 10, 3, 16, 16)
    inputs = model.task("traverse").inputs(model.game, model.spec, {})
    latents = draw_latents(inputs, 3, 2)
    latents["categorical_0"][1] = torch.eye(10)[7]
    assert torch.allclose(samples[1, 7], model.game.generate(**latents)[1], atol=1e-6)
    assert model.traverse(rows=1, steps=2).equal(model.traverse("categorical-0", rows=1, steps=2))
    assert not model.traverse("continuous-1", rows=1, steps=2)[0, 0].equal(samples[0, 0])


def test_the_grid_is_the_traversal(model, tmp_path):
    model.save(tmp_path / "kept")
    grid = tmp_path / "traverse.png"
    said = done(
        "traverse", tmp_path / "kept", "--code", "continuous-0", "--rows", "2", "--steps", "5", "--grid", grid
    )
    assert "2 x 5 samples" in said
    with Image.open(grid) as image:
        found = np.asarray(image)
    assert found.shape == (2 * 18 + 2, 5 * 18 + 2, 3)
    expected = model.traverse("continuous-0", rows=2, steps=5)[1, 4]
    pixels = ((expected + 1) * 127.5).round().permute(1, 2, 0).numpy()
    assert np.abs(found[20:36, 74:90] - pixels).max() <= 1
    assert gan.load(tmp_path / "kept").traverse("continuous-0").equal(model.traverse("continuous-0"))


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("gan", {}, "a gan model does not traverse; it can generate"),
        ("infogan", {"code": "categorical-1"}, "no code 'categorical-1'. Did you mean 'categorical-0'"),
        ("infogan", {"steps": 1}, "at least one row and two steps"),
    ],
)
def test_what_cannot_be_traversed_is_said(method, settings, message):
    with pytest.raises(ValueError, match=message):
        model_of(method).traverse(**settings)


def test_a_wrong_code_on_the_command_line(model, tmp_path):
    model.save(tmp_path / "kept")
    grid = tmp_path / "traverse.png"
    message = refused("traverse", tmp_path / "kept", "--code", "colour", "--grid", grid)
    assert "there is no code 'colour'" in message
    assert "traverse of this infogan model does not take 'codes'" in refused(
        "traverse", tmp_path / "kept", "codes=1", "--grid", grid
    )
    assert not grid.exists()
