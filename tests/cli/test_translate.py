"""Folders of pictures through a model: what is kept, what is refused, what is skipped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganarium as gan
from command_line import done, refused, said
from ganarium.methods import table
from ganarium.networks.resnet_translator import ResNetTranslator
from ganarium.watch import grids
from ganarium.words import leaves

SMALL = ("images=16", "batch_size=8", "device=cpu", "data.size=16", "data.count=16", "data.workers=0")


def trained(method, folder, *changes):
    parts = [f"{path}={value}" for path, value in leaves(table()[method].tiny, ".")]
    done("train", method, "--out", folder, *SMALL, *parts, *changes)
    return folder


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory):
    return trained("cyclegan", tmp_path_factory.mktemp("runs") / "cyclegan")


@pytest.fixture(scope="module")
def painter(tmp_path_factory):
    return trained("pix2pix", tmp_path_factory.mktemp("runs") / "pix2pix", "data.condition=edges")


@pytest.fixture
def photos():
    chance = np.random.default_rng(0)

    def save(name, mode, width, height, **settings):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        noise = Image.fromarray(chance.integers(0, 255, (height, width, 4), dtype=np.uint8))
        noise.convert(mode).save(name, **settings)

    turned = Image.Exif()
    turned[0x0112] = 6
    save("photos/a.jpg", "RGB", 20, 33, exif=turned)
    save("photos/a.png", "RGBA", 21, 18)
    save("photos/deep/er/grey.png", "L", 40, 17)
    save("photos/deep/palette.gif", "P", 20, 20)
    Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20) * 160).save("photos/sixteen.png")
    return Path("photos")


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


def test_names_sizes_and_alpha_stay(both_ways, photos):
    said_so = done("translate", both_ways, photos, "out", "--to", "inked", "--sheet", "sheet.png")
    assert "5 pictures: out" in said_so
    sizes = {str(path.relative_to("out")): opened(path).size for path in Path("out").rglob("*.png")}
    assert sizes == {
        "a.jpg.png": (33, 20),  # EXIF says: lies on its side
        "a.png.png": (21, 18),
        "deep/er/grey.png": (40, 17),
        "deep/palette.png": (20, 20),
        "sixteen.png": (20, 20),
    }
    alpha = opened("out/a.png.png").getchannel("A")
    assert np.array_equal(np.asarray(alpha), np.asarray(opened("photos/a.png").getchannel("A")))
    assert opened("out/deep/er/grey.png").mode == "RGB"
    assert opened("sheet.png").size == (3 * 258 + 2, 5 * 258 + 2)


def test_pixels_are_those_of_python(both_ways, photos):
    made = gan.translate(both_ways, "photos/a.jpg", "one.png", to="plain")
    assert made == [Path("one.png")]
    upright = opened("photos/a.jpg").transpose(Image.Transpose.ROTATE_270)
    image = torch.from_numpy(np.array(upright)).permute(2, 0, 1)[None].float() / 127.5 - 1
    wished = grids.to_picture(gan.load(both_ways).translate(image, to="plain")[0])
    assert np.abs(np.asarray(opened("one.png"), int) - np.asarray(wished, int)).max() <= 1


def test_what_is_told_is_made_from_pictures_where_asked(painter, photos):
    done("translate", painter, photos, "made", "--from", "picture")
    done("translate", painter, photos, "plain")
    made, plain = (np.asarray(opened(f"{place}/deep/palette.png"), int) for place in ("made", "plain"))
    assert np.abs(made - plain).max() > 1
    assert len(list(Path("made").rglob("*.png"))) == 5


def test_broken_files_are_named_and_skipped(both_ways, photos):
    Path("photos/deep/broken.png").write_bytes(b"no picture")
    whole = Path("photos/a.jpg").read_bytes()
    Path("photos/half.jpg").write_bytes(whole[: len(whole) // 2])
    result = said("translate", both_ways, photos, "out")
    assert result.code == 1
    assert "broken.png: no picture in a known format" in result.err
    assert "half.jpg" in result.err
    assert "5 pictures: out; 2 skipped" in result.out
    assert not list(Path("out").rglob(".*"))
    with pytest.warns(UserWarning, match=r"broken\.png is skipped"):
        gan.translate(both_ways, "photos/deep", "again")


def test_what_is_there_is_kept(both_ways, photos):
    done("translate", both_ways, photos, "out")
    done("translate", both_ways, photos, "out")
    Path("out/sixteen.png").write_bytes(b"mine")
    assert "already and holds something else" in refused("translate", both_ways, photos, "out")
    assert Path("out/sixteen.png").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "out"], "neither a file nor a folder"),
        (["photos", "photos/out"], "lies in photos"),
        (["photos", "out", "--to", "inkd"], "Did you mean 'inked'"),
        (["photos/a.jpg", "out.jpg"], "end the name in .png"),
        (["photos", "out", "--tile", "64", "--overlap", "40"], "half a tile is the most"),
    ],
)
def test_wrong_uses(both_ways, photos, arguments, words):
    assert words in refused("translate", both_ways, *arguments)
    assert not Path("out").exists()


def test_other_models_do_not_translate(run, photos):
    assert "does not translate" in refused("translate", run, photos, "out")


def test_lone_networks_and_label_maps(photos):
    torch.manual_seed(0)
    from ganarium.lone import LoneNetwork, Origin

    def lone(inputs):
        settings = {"inputs": inputs, "outputs": 3, "width": 4, "blocks": 1}
        network = ResNetTranslator(**settings)
        return LoneNetwork("translator", "resnet", settings, network, Origin("owner/name", "MIT"))

    assert len(gan.translate(lone(1), photos, "grey")) == 5
    ids = np.random.default_rng(0).integers(0, 7, (18, 22), dtype=np.uint8)
    Image.fromarray(ids).save("map.png")
    gan.translate(lone(7), "map.png", "street.png")
    assert opened("street.png").size == (22, 18)
    with pytest.warns(UserWarning, match="none of the 6 classes"):
        assert gan.translate(lone(6), "map.png", "other.png") == []
    with pytest.raises(ValueError, match="one way only"):
        gan.translate(lone(3), photos, "out", to="b")
