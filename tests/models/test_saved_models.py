"""Saved models: tensors of the game itself, cards, and the random state of those who load."""

import random

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.data.dataset import open_data
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.methods.noise_to_image import dcgan
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_game
from ganarium.recipes.method import Method
from ganarium.recipes.resolve import TINY, resolve
from helpers import Stream, adam, played
from small_runs import LADDER

SPEC = DataSpec(Image(), (3, 16, 16))


class WithMeanLatent(GAN):
    """A game that keeps a running mean of its latents and pulls samples towards it."""

    def __init__(self, generator, discriminator, **settings):
        super().__init__(generator, discriminator, **settings)
        self.register_buffer("w_avg", torch.zeros(self.noise_dim))
        self.register_buffer("rounds", torch.zeros((), dtype=torch.int64))

    def play(self, data, clock):
        self.w_avg.lerp_(torch.rand(self.noise_dim), 0.5)
        self.rounds += 1
        yield from super().play(data, clock)

    def generate(self, z, *, truncation: float = 1.0):
        return self.generator(self.w_avg + truncation * (z - self.w_avg))


def method_of(game=GAN, name="gan-of-mine"):
    def recipe():
        return dcgan.recipe().model_copy(update={"method": name})

    return Method(name, game, recipe, dcgan.TINY)


@pytest.fixture(autouse=True)
def _own_table(monkeypatch):
    monkeypatch.setattr(methods.table(), "_added", {})


def played_model(method):
    """A model of a game after three rounds."""
    methods.add(method)
    recipe = resolve(method, TINY, method.tiny)
    game = build_game(method, recipe, SPEC)
    played(Engine(game.train(), adam(game)), Stream(8, 3, 16, 16), 3)
    return Model(game, SPEC, Trained(method, recipe, SPEC, images=24))


def test_a_games_own_buffers_are_saved_and_loaded(tmp_path):
    ours = played_model(method_of(WithMeanLatent))
    assert ours.game.w_avg.abs().min() > 0
    theirs = load(ours.save(tmp_path))
    assert torch.equal(theirs.game.w_avg, ours.game.w_avg)
    assert theirs.game.rounds.item() == 3
    for truncation in (0.0, 0.7, 1.0):
        wanted = ours.generate(4, seed=2, truncation=truncation)
        assert torch.equal(theirs.generate(4, seed=2, truncation=truncation), wanted)
    centre = ours.generate(4, truncation=0.0)
    assert torch.allclose(centre, centre[:1].expand_as(centre), atol=1e-6)
    assert load_file(tmp_path / "model.safetensors")["w_avg"].equal(ours.game.w_avg)


@pytest.mark.parametrize("change", ["missing", "other shape"])
def test_a_file_without_the_buffers_is_refused(tmp_path, change):
    played_model(method_of(WithMeanLatent)).save(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    del tensors["w_avg"]
    save_file(tensors | ({} if change == "missing" else {"w_avg": torch.zeros(9)}), path)
    with pytest.raises(ValueError, match=r"does not fit its config\.json: it lacks w_avg"):
        load(tmp_path)


def test_a_method_without_a_docstring_can_be_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.__doc__", None)
    method = method_of()
    assert method.card == ""
    assert method.headline == ("", "")
    model = played_model(method)
    assert model.provenance.title == "gan-of-mine"
    card = (model.save(tmp_path) / "README.md").read_text()
    assert "# gan-of-mine\n" in card
    assert torch.equal(load(tmp_path).generate(2), model.generate(2))


def test_loading_leaves_the_random_state_alone(tmp_path):
    played_model(method_of()).save(tmp_path)
    torch.manual_seed(5)
    random.seed(5)
    before = torch.get_rng_state(), random.getstate()
    load(tmp_path)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


@pytest.mark.parametrize("stage", ["step 0/3", "step 2/3"])
def test_a_stage_of_a_campaign_is_saved_and_loaded(tmp_path, stage):
    """Whatever the random state is when it is built anew."""
    methods.add(LADDER)
    recipe = resolve(LADDER)
    spec = open_data(recipe.data).spec
    torch.manual_seed(1)
    game = build_game(LADDER, recipe, spec, stage=stage)
    ours = Model(game, spec, Trained(LADDER, recipe, spec, stage=stage))
    torch.manual_seed(2)
    before = torch.get_rng_state()
    theirs = load(ours.save(tmp_path))
    assert torch.equal(torch.get_rng_state(), before)
    assert theirs.stage == stage
    assert torch.equal(theirs.generate(9, seed=1), ours.generate(9, seed=1))
    with pytest.raises(ValueError, match="the campaign has no stage 'step 7/3'"):
        build_game(LADDER, recipe, spec, stage="step 7/3")
