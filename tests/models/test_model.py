"""The artifact that users keep: what is saved is what is loaded, and samples follow from the seed alone."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load as parse_tensors

import ganarium as gan
from ganarium import methods
from ganarium.data.dataset import open_data
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from ganarium.tasks.latents import streams

CONDITIONS = {
    "none": ("dcgan", {}),
    "label": ("cgan", {"data": {"condition": "label"}}),
    "attributes": ("cgan", {"data": {"condition": "attributes"}}),
    "image": ("cgan", {"data": {"condition": "edges"}}),
}


def built(method, changes=None):
    """Return a model with weights that follow from the seed: loading and sampling need no training."""
    row = methods.find(method)
    recipe = resolve(row, TINY, row.tiny, changes or {})
    spec = open_data(recipe.data, seed=recipe.seed).spec
    torch.manual_seed(1)
    game = build_game(row, recipe, spec)
    with torch.no_grad():
        for weight in game.parameters():
            weight.normal_(0, 0.5)
    return Model(game, spec, Trained(row, recipe, spec, 1_234))


def given(model, count):
    """Return what a model must be given for `count` samples."""
    if model.spec.condition_modality is None:
        return {}
    values = torch.linspace(-1, 1, count).view(-1, 1, 1, 1)
    return {"condition": values.expand(-1, *model.spec.condition_shape)}


@pytest.fixture(params=CONDITIONS, scope="module")
def model(request):
    return built(*CONDITIONS[request.param])


def test_what_is_saved_is_what_is_loaded(tmp_path, model):
    assert model.save(tmp_path / "kept") == tmp_path / "kept"
    loaded = gan.load(tmp_path / "kept")
    assert (loaded.method, loaded.recipe, loaded.spec, loaded.images) == (
        model.method,
        model.recipe,
        model.spec,
        1_234,
    )
    samples = model.generate(5, seed=3, **given(model, 5))
    assert torch.equal(loaded.generate(5, seed=3, **given(model, 5)), samples)
    assert samples.shape == (5, *model.spec.shape)
    assert samples.dtype is torch.float32
    assert samples.abs().max() <= 1
    assert not loaded.game.training
    assert not any(p.requires_grad for p in loaded.game.parameters())
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]


def test_a_copied_folder_is_all_it_needs(tmp_path, model):
    model.save(tmp_path / "kept")
    shutil.move(tmp_path / "kept", tmp_path / "elsewhere")
    assert gan.load(tmp_path / "elsewhere").spec == model.spec


def test_samples_depend_on_seed_and_place_alone(model):
    whole = model.generate(11, seed=4, **given(model, 11))
    for batch_size in (1, 4, 64):
        again = model.generate(11, seed=4, batch_size=batch_size, **given(model, 11))
        assert torch.allclose(again, whole, atol=1e-4)
    few = model.generate(3, seed=4, **{k: v[:3] for k, v in given(model, 11).items()})
    assert torch.allclose(few, whole[:3], atol=1e-4)
    other = model.generate(11, seed=5, **given(model, 11))
    assert not torch.allclose(other, whole, atol=1e-3)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_noise_has_the_prefix_property_bit_for_bit(kind):
    (latent,) = built("gan", {"game": {"noise": kind}}).game.latents
    assert latent.law == kind

    def drawn(count, generator=None):
        return latent.draw(count, latent.size, generator or torch.Generator().manual_seed(2))

    whole = drawn(100)
    for count in (1, 17, 99):
        assert torch.equal(drawn(count), whole[:count])
    generator = streams([latent], 2)["z"]
    parts = [drawn(count, generator) for count in (40, 1, 59)]
    assert torch.equal(torch.cat(parts), whole)


def test_a_stream_is_the_same_samples_in_batches(model):
    batches = model.stream("generate", count=7, seed=1, batch_size=3, **given(model, 7))
    stream = [batch["samples"] for batch in batches]
    assert [len(batch) for batch in stream] == [3, 3, 1]
    assert torch.allclose(torch.cat(stream), model.generate(7, seed=1, **given(model, 7)), atol=1e-4)


def test_sampling_leaves_no_trace(model):
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    model.generate(2, **given(model, 2))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_how_many(model):
    with pytest.raises(ValueError, match="count is 0; it must be at least 1"):
        model.generate(0, **given(model, 1))


# -- what it is given ------------------------------------------------------------------------------------


def condition(model, count, value=None):
    """Return the conditions that words stand for."""
    return model.inputs_of("generate", count, condition=value)["condition"]


def test_classes_by_name_and_number():
    model = built("cgan", {"data": {"condition": "label"}})
    names = model.spec.classes
    assert condition(model, 8).tolist() == [i % len(names) for i in range(8)], "every class in turn"
    assert condition(model, 3, names[2]).tolist() == [2, 2, 2]
    assert condition(model, 3, 1).tolist() == [1, 1, 1]
    assert condition(model, 2, "0").tolist() == [0, 0]
    assert condition(model, 5, [names[1], 0]).tolist() == [1, 0, 1, 0, 1]
    assert condition(model, 3, f"{names[1]}, 0").tolist() == [1, 0, 1]
    one = model.generate(2, condition=names[2], seed=1)
    assert torch.equal(one, model.generate(2, condition=2, seed=1))
    assert not torch.equal(one, model.generate(2, condition=0, seed=1))
    wrong = names[1][:-1] + "x"
    with pytest.raises(ValueError, match=rf"no class '{wrong}'. Did you mean '{names[1]}'.*choose from"):
        model.generate(1, condition=wrong)
    with pytest.raises(ValueError, match=rf"no class {len(names)}.*or 0 to {len(names) - 1}"):
        model.generate(1, condition=len(names))
    with pytest.raises(ValueError, match="no class -1"):
        model.generate(1, condition=-1)
    with pytest.raises(ValueError, match=r"does not take 'attributes'; it takes condition"):
        model.generate(1, attributes={"red": True})


def test_attributes_by_name():
    model = built("cgan", {"data": {"condition": "attributes"}})
    names = model.spec.condition.names
    assert condition(model, 2).tolist() == [[0.0] * len(names)] * 2
    wanted = condition(model, 2, {names[1]: True, names[0]: False})
    assert wanted.tolist() == [[0.0, 1.0] + [0.0] * (len(names) - 2)] * 2
    assert torch.equal(condition(model, 2, names[1]), wanted)
    wrong = names[1] + "y"
    with pytest.raises(ValueError, match=rf"no attribute '{wrong}'. Did you mean '{names[1]}'"):
        model.generate(1, condition={wrong: True})


def test_images_of_the_right_shape():
    model = built("cgan", {"data": {"condition": "edges"}})
    shape = model.spec.condition_shape
    images = torch.rand(5, *shape) * 2 - 1
    assert torch.equal(condition(model, 5, images), images)
    assert torch.equal(
        model.generate(5, condition=images[:1]), model.generate(5, condition=images[:1].repeat(5, 1, 1, 1))
    )
    with pytest.raises(ValueError, match="condition has 2 rows; give 5, or one for all"):
        model.generate(5, condition=images[:2])
    with pytest.raises(ValueError, match=r"an? edges must be given as a file or a tensor"):
        model.generate(1)
    with pytest.raises(ValueError, match=r"condition is \[1, 7, 3, 3\], but this cgan model takes \[N, 1, "):
        model.generate(1, condition=torch.zeros(1, 7, 3, 3))


@pytest.mark.parametrize("surplus", [1, {"a": True}, torch.zeros(1, 3, 4, 4)])
def test_a_model_that_takes_no_condition(surplus):
    with pytest.raises(ValueError, match="does not take 'condition'; it takes nothing"):
        built("dcgan").generate(1, condition=surplus)


# -- shapes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["gan", "dcgan", "wgan-gp", "sngan"])
@pytest.mark.parametrize(
    ("height", "width", "channels"),
    [(20, 28, 1), (16, 24, 3), (28, 28, 1), (32, 16, 4), (16, 16, 5), (17, 23, 3)],
)
def test_images_of_any_shape(tmp_path, method, height, width, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (12, height, width, channels), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=pixels[..., 0] if channels == 1 else pixels)
    row = methods.find(method)
    keys = {"images": 16, "batch_size": 8, "device": "cpu", **row.tiny}
    run = gan.train(method, data=tmp_path / "data.npz", out=tmp_path / "run", **keys)
    model = run.model()
    assert model.spec.shape == (channels, height, width)
    samples = model.generate(3, seed=1)
    assert samples.shape == (3, channels, height, width)
    assert samples.abs().max() <= 1
    assert run.grid.exists()


def test_points(tmp_path):
    row = methods.find("gan")
    run = gan.train("gan", data="ring", out=tmp_path / "run", images=16, batch_size=8, **row.tiny)
    assert run.model().generate(5).shape == (5, 2)
    assert "`[N, 2]` (points)" in (tmp_path / "run" / "model" / "README.md").read_text()


# -- files -----------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    return built("dcgan").save(tmp_path / "kept")


def test_no_model_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"holds no model: looked for config.json in it and in .*model"
    ):
        gan.load(tmp_path)
    (tmp_path / "recipe.yaml").write_text("method: gan\n")
    with pytest.raises(FileNotFoundError, match="the run has not saved one yet"):
        gan.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"format": 9}', "\udcff"])
def test_a_damaged_config(kept, text):
    (kept / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"config.json is (damaged|of format)"):
        gan.load(kept)


def test_a_config_of_another_format_names_both(kept):
    config = json.loads((kept / "config.json").read_text())
    (kept / "config.json").write_text(json.dumps({**config, "format": 3}))
    with pytest.raises(ValueError, match=r"config.json is of format 3; this program reads format 2"):
        gan.load(kept)


@pytest.mark.parametrize("key", ["method", "recipe", "spec", "run_spec", "stage", "images"])
def test_a_config_that_lacks_a_key_names_it(kept, key):
    config = json.loads((kept / "config.json").read_text())
    del config[key]
    (kept / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf"config.json is damaged: it lacks '{key}'"):
        gan.load(kept)


def test_a_model_of_a_method_that_is_not_installed(kept):
    config = json.loads((kept / "config.json").read_text())
    (kept / "config.json").write_text(json.dumps({**config, "method": "dcgam"}))
    with pytest.raises(ValueError, match=r"no method 'dcgam'. Did you mean 'dcgan'"):
        gan.load(kept)


def test_missing_and_damaged_weights(kept):
    weights = kept / "model.safetensors"
    whole = weights.read_bytes()
    for length in (0, 7, 100, len(whole) - 1):
        weights.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"model.safetensors is damaged"):
            gan.load(kept)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"model.safetensors is missing beside its config.json"):
        gan.load(kept)


def test_weights_of_another_model(kept, tmp_path):
    other = built("dcgan", {"networks": {"generator": {"width": 8}}}).save(tmp_path / "other")
    shutil.copy(other / "model.safetensors", kept / "model.safetensors")
    with pytest.raises(ValueError, match=r"model.safetensors does not fit its config.json"):
        gan.load(kept)


def test_only_what_users_need_is_kept(kept):
    names = parse_tensors((kept / "model.safetensors").read_bytes()).keys()
    assert names
    assert all(name.startswith("generator.") for name in names)
    assert not hasattr(gan.load(kept).game, "discriminator")


def test_the_weights_are_the_running_averages(tmp_path):
    from small_runs import DUEL, newest

    gan.train(DUEL, out=tmp_path / "run", images=128)
    saved = parse_tensors((tmp_path / "run" / "model" / "model.safetensors").read_bytes())
    engine = newest(tmp_path / "run")["engine"]
    for key, value in engine["averages"]["generator"].items():
        assert torch.equal(saved[f"generator.{key}"], value)
    assert not torch.equal(saved["generator.layers.0.weight"], engine["game"]["generator.layers.0.weight"])


def test_the_card(kept):
    card = (kept / "README.md").read_text()
    assert "\n# DCGAN:" in card
    for line in (
        "`[N, 3, 16, 16]` (images in [-1, 1])",
        "trained on: 1,234 images from `world`",
        "`dcgan`",
        "samples = model.apply('generate', count=16, seed=3)",
    ):
        assert line in card


def test_a_card_names_classes_and_no_path_of_its_maker(tmp_path):
    model = built("cgan", {"data": {"condition": "label"}})
    data = model.recipe.data.model_copy(update={"source": "/home/someone/private/photos"})
    recipe = model.recipe.model_copy(update={"data": data})
    model = Model(model.game, model.spec, dataclasses.replace(model.provenance, recipe=recipe))
    card = (model.save(tmp_path / "kept") / "README.md").read_text()
    assert ", ".join(f"{i} {name}" for i, name in enumerate(model.spec.classes)) in card
    assert f"condition='{model.spec.classes[0]}'" in card
    assert "`photos`" in card
    assert "someone" not in card


def test_moving_it(model):
    assert model.to("cpu") is model
    assert model.device.type == "cpu"
