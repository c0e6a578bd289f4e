"""Import of official checkpoints: settings, wrappings, errors and their messages."""

import pytest
import torch
from safetensors.torch import save_file

import ganarium as gan
from ganarium.interop import import_network, junyanz, pix2pixhd, spade
from official_states import official_state, random_network

TRANSLATOR = {"inputs": 3, "outputs": 2, "width": 4, "blocks": 2}
PATCHES = {"inputs": 4, "width": 4, "bias": False}
GENERATOR = {"labels": 3, "outputs": 3, "width": 2, "hidden": 5}
NETWORKS = {
    "resnet": (junyanz.RESNET, TRANSLATOR),
    "resnet with dropout": (junyanz.RESNET, TRANSLATOR | {"dropout": 0.5}),
    "resnet padded with zeros": (junyanz.RESNET, TRANSLATOR | {"padding": "zeros"}),
    "resnet with both": (junyanz.RESNET, TRANSLATOR | {"padding": "zeros", "dropout": 0.5}),
    "resnet with batch norm": (junyanz.RESNET, TRANSLATOR | {"norm": "batch", "bias": False}),
    "resnet without norm": (junyanz.RESNET, TRANSLATOR | {"norm": "none", "bias": False}),
    "global": (junyanz.RESNET, TRANSLATOR | {"downsamplings": 4, "norm": "batch"}),
    "unet": (junyanz.UNET, {"inputs": 1, "outputs": 3, "width": 2, "downsamplings": 6}),
    "unet with instance norm": (
        junyanz.UNET,
        {"inputs": 3, "outputs": 3, "width": 2, "downsamplings": 5, "norm": "instance", "bias": True},
    ),
    "patch": (junyanz.PATCH, PATCHES | {"layers": 1, "norm": "batch", "widest": 8}),
    "patch of many layers": (junyanz.PATCH, PATCHES | {"layers": 6, "norm": "none", "widest": 32}),
    "pixel": (junyanz.PIXEL, PATCHES | {"norm": "batch"}),
    "local": (pix2pixhd.LOCAL, TRANSLATOR | {"enhancers": 2, "enhancer_blocks": 1, "downsamplings": 1}),
    "instance encoder": (pix2pixhd.ENCODER, {"inputs": 3, "features": 2, "width": 4, "downsamplings": 1}),
    "plain": (pix2pixhd.PLAIN, PATCHES | {"bias": True, "scales": 3, "layers": 2, "widest": 8}),
    "featured": (
        pix2pixhd.FEATURED,
        PATCHES | {"bias": True, "scales": 1, "layers": 4, "widest": 16, "norm": "batch"},
    ),
    "spade": (spade.GENERATOR, GENERATOR),
    "spade of the most": (spade.GENERATOR, GENERATOR | {"doublings": 7, "kernel": 5}),
    "spade with styles": (
        spade.GENERATOR,
        GENERATOR | {"style_dim": 7, "bottom_area": 6, "norm": "instance", "spectral_norm": False},
    ),
    "spade discriminator": (
        spade.DISCRIMINATOR,
        PATCHES | {"layers": 2, "widest": 16, "padding": 2, "spectral_norm": True, "norm": "batch"},
    ),
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "net.pth"


@pytest.mark.parametrize("name", NETWORKS)
def test_settings_and_weights_are_read_from_the_file_alone(file, name):
    family, settings = NETWORKS[name]
    network = random_network(family, settings)
    torch.save(official_state(family, settings, network), file)
    model = import_network(file)
    assert model.origin.network == family.name
    assert {key: model.settings[key] for key in settings} == settings
    found, wanted = model.network.state_dict(), network.state_dict()
    assert found.keys() == wanted.keys()
    assert all(found[key].equal(wanted[key]) for key in wanted)


@pytest.fixture
def state():
    return official_state(*NETWORKS["resnet"])


WRAPPINGS = {
    "bare": lambda state: state,
    "of data parallelism": lambda state: {f"module.{key}": x for key, x in state.items()},
    "nested": lambda state: {"state_dict": state, "epoch": 3},
    "nested and parallel": lambda state: {"params": {f"module.{key}": x for key, x in state.items()}},
    "prefixed": lambda state: {f"netG.{key}": x for key, x in state.items()},
    "with averages": lambda state: {"params": {k: 2 * x for k, x in state.items()}, "params_ema": state},
    "in halves": lambda state: {key: x.half() for key, x in state.items()},
    "with idle statistics": lambda state: state | {"model.2.running_mean": torch.ones(4)},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_wrappings_come_off(file, state, wrapping):
    torch.save(WRAPPINGS[wrapping](state), file)
    weight = import_network(file).network.state_dict()["trunk.first.conv.weight"]
    assert weight.dtype == torch.float32
    assert torch.allclose(weight, state["model.1.weight"], atol=1e-3)


def test_the_older_formats_are_read(file, state):
    save_file(state, file.with_suffix(".safetensors"))
    torch.save(state, file, _use_new_zipfile_serialization=False)
    ours, theirs = import_network(file), import_network(file.with_suffix(".safetensors"))
    images = torch.rand(1, 3, 8, 8)
    assert ours.translate(images).equal(theirs.translate(images))


def test_a_counter_that_the_file_lacks_begins_at_zero(file):
    state = official_state(*NETWORKS["pixel"])
    del state["net.3.num_batches_tracked"]
    torch.save(state, file)
    assert import_network(file).network.state_dict()["second.norm.num_batches_tracked"] == 0


def test_of_several_networks_one_must_be_named(file, state):
    torch.save({"netG_A": state, "netG_B": {key: 2 * x for key, x in state.items()}}, file)
    with pytest.raises(ValueError, match=r"netG_A, netG_B.*part="):
        import_network(file)
    with pytest.raises(ValueError, match="no part 'netG'; its parts are: netG_A, netG_B"):
        import_network(file, part="netG")
    found = import_network(file, part="netG_B").network.state_dict()["last.bias"]
    assert found.equal(2 * state["model.19.bias"])


def test_what_a_file_does_not_tell_can_be_said(file, state):
    torch.save(state, file)
    images = torch.rand(1, 3, 16, 16)
    said = import_network(file, padding="replicate")
    assert said.settings["padding"] == "replicate"
    assert not said.translate(images).equal(import_network(file).translate(images))
    with pytest.raises(ValueError, match=r"width=8.*padding.*\['reflect', 'replicate'\]"):
        import_network(file, width=8)


def test_an_error_names_the_nearest_network_and_what_does_not_fit(file, state):
    state["model.99.weight"] = state.pop("model.11.conv_block.5.weight")
    torch.save(state, file)
    with pytest.raises(ValueError, match="no network that is recognised") as error:
        import_network(file)
    said = str(error.value)
    assert "nearest: ResNet generator" in said
    assert "missing (1): model.11.conv_block.5.weight [16, 16, 3, 3]\n" in said
    assert "unexpected (1): model.99.weight [16, 16, 3, 3]\n" in said
    for family in ("UnetGenerator", "LocalEnhancer", "SPADEGenerator", "ConvEncoder"):
        assert family in said


class Code:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", Code()])
def test_what_is_no_table_of_tensors_is_refused_unread(file, content, capsys):
    file.write_bytes(content) if isinstance(content, bytes) else torch.save({"model": content}, file)
    with pytest.raises(ValueError, match=r"net\.pth.*pickle.*\.safetensors"):
        import_network(file)
    assert capsys.readouterr().out == ""


def test_an_empty_file_and_none_at_all(file):
    with pytest.raises(FileNotFoundError, match="is no file"):
        import_network(file)
    torch.save({"epoch": 3}, file)
    with pytest.raises(ValueError, match="no tensors"):
        import_network(file)


@pytest.mark.parametrize("size", [(8, 12), (7, 13), (16, 9)])
def test_pictures_of_any_size_are_translated(file, state, size):
    torch.save(state, file)
    model = gan.load(import_network(file).save(file.parent / "model"))
    images = torch.rand(3, 3, *size) * 2 - 1
    found = model.translate(images, batch_size=2)
    assert found.shape == (3, 2, *size)
    assert torch.allclose(found[2:], model.translate(images[2:]), atol=1e-6)
    with pytest.raises(ValueError, match=r"images is \[3, 2, .*takes \[N, 3, H, W\]"):
        model.translate(found)


def test_styles_are_given_or_drawn(file):
    torch.save(official_state(*NETWORKS["spade with styles"]), file)
    model = import_network(file)
    maps = torch.ones(2, 1, 64, 96, dtype=torch.int64)
    drawn = model.translate(maps, seed=1)
    given = torch.randn(2, 7, generator=torch.Generator().manual_seed(1))
    assert model.translate(maps, z=given).equal(drawn)
    assert model.translate(maps, z=given[:1])[0].equal(drawn[0])
    with pytest.raises(ValueError, match=r"z is \[2, 6\], but this spade translator model takes \[N, 7\]"):
        model.translate(maps, z=given[:, :6])
    with pytest.raises(ValueError, match="rows; give 3, or one for all"):
        model.translate(maps, z=torch.randn(3, 7))
    with pytest.raises(ValueError, match=r"images is \[2, 1, 64, 64\], .* takes \[N, 1, 64, 96\]"):
        model.translate(maps[..., :64])
    with pytest.raises(ValueError, match=r"64x64.* 6,144 pixels"):
        model.network(torch.zeros(2, 3, 64, 64), given)


def test_label_maps_are_ids(file):
    """As planes with a one for each pixel's class they are what the network itself takes."""
    torch.save(official_state(*NETWORKS["spade"]), file)
    model = import_network(file)
    maps = torch.arange(64 * 64).view(1, 1, 64, 64) % 3
    planes = torch.stack([(maps[:, 0] == label).float() for label in range(3)], 1)
    with torch.no_grad():
        wanted = model.network(planes)
    assert torch.allclose(model.translate(maps), wanted, atol=1e-6)
    with pytest.raises(ValueError, match=r"images is \[1, 3, 64, 64\], .* takes \[N, 1, H, W\]"):
        model.translate(planes)


def test_a_model_folder_is_whole_and_says_whose_it_is(file):
    torch.save(official_state(*NETWORKS["spade"]), file)
    model = import_network(file)
    folder = model.save(file.parent / "model")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    card = (folder / "README.md").read_text()
    assert "NVlabs/SPADE" in card
    assert "not for commercial use" in card
    assert model.origin.sha256 in card
    again = gan.load(folder)
    assert (again.settings, again.origin) == (model.settings, model.origin)
    with pytest.raises(ValueError, match="a spade translator model does not generate; it can translate"):
        again.generate(1)
    (folder / "config.json").write_text((folder / "config.json").read_text().replace('"width"', '"breadth"'))
    with pytest.raises(ValueError, match="describe no network"):
        gan.load(folder)


def test_a_translator_makes_no_samples(file):
    torch.save(official_state(*NETWORKS["spade"]), file)
    folder = import_network(file).save(file.parent / "model")
    with pytest.raises(ValueError, match="does not generate; it can translate"):
        gan.save_samples(folder)


def test_a_discriminator_does_not_translate(file):
    torch.save(official_state(*NETWORKS["patch"]), file)
    with pytest.raises(ValueError, match="a patch discriminator model does not translate; it can score"):
        import_network(file).translate(torch.zeros(1, 4, 8, 8))
