"""Walking along the codes of a model, on the command line and from Python."""

import numpy as np
import pytest
import torch
from PIL import Image

import ganarium as gan
from command_line import done, refused
from ganarium import methods
from ganarium.data.spec import DataSpec
from ganarium.models.model import Model
from ganarium.recipes.assemble import assemble
from ganarium.recipes.resolve import tiny


def model_of(name):
    method = methods.find(name)
    recipe = tiny(method)
    spec = DataSpec((3, 16, 16))
    return Model(method, recipe, spec, assemble(method, recipe, spec), images=64)


@pytest.fixture(scope="module")
def model():
    return model_of("infogan")


def test_a_row_keeps_its_noise_and_a_column_its_code(model):
    walked = model.walk("categorical-0", rows=3, steps=10, seed=2)
    assert walked.shape == (3, 10, 3, 16, 16)
    noise = model.game.draw_noise(3, torch.Generator().manual_seed(2))
    noise[1, 4:14] = torch.eye(10)[7]
    assert torch.allclose(walked[1, 7], model.game.generate(noise)[1], atol=1e-6)
    assert model.walk(rows=1, steps=2).equal(model.walk("categorical-0", rows=1, steps=2))
    assert not model.walk("continuous-1", rows=1, steps=2)[0, 0].equal(walked[0, 0])


def test_the_sheet_is_the_walk(model, tmp_path):
    model.save(tmp_path / "kept")
    out = tmp_path / "walk.png"
    said = done(
        "walk", tmp_path / "kept", "--code", "continuous-0", "--rows", "2", "--steps", "5", "--out", out
    )
    assert "2 x 5 samples" in said
    with Image.open(out) as sheet:
        assert np.asarray(sheet).shape == (2 * 18 + 2, 5 * 18 + 2, 3)
    assert gan.load(tmp_path / "kept").walk("continuous-0").equal(model.walk("continuous-0"))


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("gan", {}, "a gan model has no codes to walk along"),
        ("infogan", {"code": "categorical-1"}, "no code 'categorical-1'. Did you mean 'categorical-0'"),
        ("infogan", {"steps": 1}, "at least one row and two steps"),
    ],
)
def test_what_cannot_be_walked_is_said(method, settings, message):
    with pytest.raises(ValueError, match=message):
        model_of(method).walk(**settings)


def test_a_wrong_code_on_the_command_line(model, tmp_path):
    model.save(tmp_path / "kept")
    message = refused("walk", tmp_path / "kept", "--code", "colour", "--out", tmp_path / "walk.png")
    assert "there is no code 'colour'" in message
    assert not (tmp_path / "walk.png").exists()
