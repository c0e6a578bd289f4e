"""Folders of images through a model: what is kept, what is refused, what is skipped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganarium as gan
from command_line import done, refused, said
from ganarium.common.text import leaves
from ganarium.data.modalities.image import to_image
from ganarium.inference import runner
from ganarium.methods.table import table
from ganarium.networks.resnet_translator import ResNetTranslator

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


@pytest.fixture(autouse=True)
def large_batches(monkeypatch):
    """Run batches as on a GPU: networks as small as these would take one image after another."""
    monkeypatch.setattr(runner, "WEIGHTS_PER_PLACE", 1e-6)


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)

    def save(name, mode, width, height, **settings):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        noise = Image.fromarray(rng.integers(0, 255, (height, width, 4), dtype=np.uint8))
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
    text = done("translate", both_ways, photos, "out", "--to", "inked", "--grid", "grid.png")
    assert "5 files: out" in text
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
    assert opened("grid.png").size == (3 * 258 + 2, 5 * 258 + 2)


def test_pixels_are_those_of_python(both_ways, photos):
    made = gan.translate(both_ways, "photos/a.jpg", "one.png", to="plain")
    assert made == [Path("one.png")]
    upright = opened("photos/a.jpg").transpose(Image.Transpose.ROTATE_270)
    image = torch.from_numpy(np.array(upright)).permute(2, 0, 1)[None].float() / 127.5 - 1
    wanted = to_image(gan.load(both_ways).translate(image, to="plain")[0])
    assert np.abs(np.asarray(opened("one.png"), int) - np.asarray(wanted, int)).max() <= 1


def test_any_number_of_pictures_goes_through_in_batches(both_ways, photos):
    for i in range(7):
        image = Image.new("RGB", (16, 16), (36 * i, 0, 255 - 36 * i))
        Path("many").mkdir(exist_ok=True)
        image.save(f"many/{i}.png")
    Path("many/3.png").write_bytes(Path("many/3.png").read_bytes()[:60])  # its header is whole
    assert "6 files: out; 1 skipped" in said("translate", both_ways, "many", "out", "--batch-size", 2).out
    done("translate", both_ways, "many/6.png", "alone.png")
    assert np.abs(pixels("out/6.png") - pixels("alone.png")).max() <= 1
    assert np.abs(pixels("out/5.png") - pixels("alone.png")).max() > 1


def test_pictures_of_8_and_16_bits_go_together(painter, photos):
    loud = louder(painter)
    done("translate", loud, photos, "together")
    for name in ("deep/palette", "sixteen"):  # of one size
        suffix = "gif" if "palette" in name else "png"
        done("translate", loud, f"photos/{name}.{suffix}", "alone.png", "--batch-size", 1)
        assert np.abs(pixels(f"together/{name}.png") - pixels("alone.png")).max() <= 1
        assert pixels("alone.png").std() > 20
        Path("alone.png").unlink()


def test_half_the_precision_is_a_few_levels_off(both_ways, photos):
    loud = louder(both_ways)
    for name in ("float32", "bfloat16"):
        done("translate", loud, photos, name, "--precision", name, "--tile", "0")
        done(
            "translate", loud, photos, f"{name}-tiles", "--precision", name, "--tile", "16", "--overlap", "4"
        )
    for tiles in ("", "-tiles"):
        one, other = (pixels(f"{name}{tiles}/a.png.png") for name in ("float32", "bfloat16"))
        assert 0 < np.abs(one - other).mean() < 4
        assert one.std() > 20
    words = refused("translate", both_ways, photos, "out", "--precision", "bfloat")
    assert "choose from float32, bfloat16. Did you mean 'bfloat16'?" in words
    assert not Path("out").exists()


def test_a_folder_of_class_folders_is_as_many_domains(photos, tmp_path):
    seasons = ("autumn", "spring", "summer")
    for i, season in enumerate(seasons):
        Path("year", season).mkdir(parents=True)
        for j in range(8):
            Image.new("RGB", (16, 16), (80 * i, 20 * j, 255 - 80 * i)).save(f"year/{season}/{j}.png")
    run = trained("combogan", tmp_path / "run", "data.source=year")
    assert gan.load(run).spec.classes == seasons
    assert len(gan.load(run).task("translate").variants(gan.load(run).game, gan.load(run).spec)) == 6
    made = {}
    for season in ("autumn", "spring"):
        done("translate", run, photos, f"as_{season}", "--from", "summer", "--to", season)
        made[season] = np.asarray(opened(f"as_{season}/sixteen.png"))
    assert not np.array_equal(made["autumn"], made["spring"])
    assert "autumn, spring, summer" in refused("translate", run, photos, "out", "--to", "winter")


def test_inputs_are_made_from_ordinary_images_on_demand(painter, photos):
    loud = louder(painter)
    done("translate", loud, photos, "made", "--from", "picture")
    done("translate", loud, photos, "plain")
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
    assert "5 files: out; 2 skipped" in result.out
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
        (["photos", "out", "--tile", "64", "--overlap", "40"], "overlap=40, but with window=64 at most 32"),
    ],
)
def test_wrong_uses(both_ways, photos, arguments, words):
    assert words in refused("translate", both_ways, *arguments)
    assert not Path("out").exists()


def test_other_models_do_not_translate(run, photos):
    assert "does not translate" in refused("translate", run, photos, "out")


PAINTS = np.array([(0, 0, 0), (200, 30, 30), (30, 200, 30)], np.uint8)
NAMES = ("sky", "road", "tree")
BY_COLOR = np.array([0, 2, 1], np.uint8)
"""Where no table tells names, classes follow their colours."""


def blocks(seed, classes=3):
    ids = np.random.default_rng(seed).integers(0, classes, (4, 4)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    ids.flat[:classes] = range(classes)
    return ids


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def street(folder, method, *changes, paint=lambda ids: ids, instances=False, table=False):
    """A model trained on four small maps."""
    for i in range(4):
        save(folder / f"labels/{i}.png", paint(blocks(i)))
        save(folder / f"images/{i}.png", PAINTS[blocks(i)])
        if instances:
            save(folder / f"instances/{i}.png", blocks(9 + i))
    if table:
        lines = (f"{r} {g} {b} {name}" for (r, g, b), name in zip(PAINTS, NAMES, strict=True))
        (folder / "classes.txt").write_text("\n".join(lines))
    return trained(method, folder / "run", "--data", folder, "data.condition=map", *changes)


def louder(run):
    """The model with larger weights, so that levels tell what it is told apart."""
    model = gan.load(run)
    for weights in model.game.parameters():
        if weights.ndim > 1:
            weights.mul_(30)
    return model.save(run.parent / "louder")


@pytest.fixture(scope="module")
def styled(tmp_path_factory):
    """GauGAN told painted maps, in styles."""
    return louder(street(tmp_path_factory.mktemp("styled"), "gaugan", paint=lambda ids: PAINTS[ids]))


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """pix2pix told numbers, 255 among them, of which a table tells the colours."""

    def holey(ids):
        ids[-1, -1] = 255
        return ids

    return street(tmp_path_factory.mktemp("numbered"), "pix2pix", paint=holey, table=True)


@pytest.fixture(scope="module")
def with_instances(tmp_path_factory):
    return louder(street(tmp_path_factory.mktemp("instances"), "pix2pixhd", instances=True))


def pixels(path):
    return np.asarray(opened(path), int)


def test_styles_are_drawn_or_taken_from_a_picture(styled, photos):
    for i in (7, 8):
        save(Path(f"maps/{i}.png"), PAINTS[blocks(7)])
    for name, more in {
        "0": [],
        "same": ["--seed", "0"],
        "1": ["--seed", "1"],
        "alone": ["--batch-size", "1"],
        "a": ["--style", "photos/a.jpg"],
        "b": ["--style", "photos/sixteen.png"],
    }.items():
        done("translate", styled, "maps", name, *more)
    first = pixels("0/7.png")
    assert np.array_equal(first, pixels("0/8.png"))  # one style for all
    for same in ("same", "alone"):
        assert np.abs(first - pixels(f"{same}/8.png")).max() <= 1
    for other in ("1", "a"):
        assert np.abs(first - pixels(f"{other}/7.png")).max() > 1
    assert np.abs(pixels("a/7.png") - pixels("b/7.png")).max() > 1
    model = gan.load(styled)
    upright = opened("photos/a.jpg").transpose(Image.Transpose.ROTATE_270)
    style = torch.from_numpy(np.array(upright)).permute(2, 0, 1)[None].float() / 127.5 - 1
    wanted = model.translate(torch.from_numpy(BY_COLOR[blocks(7)]).long()[None, None], style=style)
    assert np.abs(pixels("a/7.png") - np.asarray(to_image(wanted[0]), int)).max() <= 1


def test_tiles_are_of_one_style(styled):
    save(Path("wide.png"), np.tile(PAINTS[np.ones((32, 32), np.uint8)], (1, 3, 1)))
    tiles = ["--tile", "32", "--overlap", "0"]  # of the only size at which this generator takes styles
    for seed in (5, 6):
        done("translate", styled, "wide.png", f"{seed}.png", *tiles, "--seed", seed)
    five, six = pixels("5.png"), pixels("6.png")
    assert np.array_equal(five[:, :32], five[:, 32:64])
    assert np.abs(five - six).max() > 1
    done("translate", styled, "wide.png", "same.png", *tiles, "--style", "5.png")


def test_styles_and_seeds_are_refused_where_nothing_is_open(styled, painter, both_ways, photos):
    save(Path("map.png"), PAINTS[blocks(7)])
    assert "takes no style" in refused("translate", both_ways, photos, "out", "--style", "photos/a.jpg")
    assert "takes no style" in refused("translate", painter, photos, "out", "--style", "photos/a.jpg")
    for model in (painter, both_ways):
        words = refused("translate", model, photos, "out", "--seed", "3")
        assert "--seed 3 has no effect" in words
        assert "the output depends on the inputs only; leave it out" in words
    both = ["--style", "photos/a.jpg", "--seed", "3"]
    assert "style is given; leave it out" in refused("translate", styled, "map.png", "out", *both)
    words = refused("translate", styled, "map.png", "out", "--style", "nowhere.png")
    assert "nowhere.png is neither a file nor a folder" in words
    Path("broken.png").write_bytes(b"no picture")
    assert "no picture in a known" in refused("translate", styled, "map.png", "out", "--style", "broken.png")
    words = refused("translate", painter, photos, "out", "--palette", "table.txt")
    assert "--palette table.txt: translate of this pix2pix model takes no label maps" in words
    assert not Path("out").exists()


def test_colours_of_training_ids_and_other_colours(styled):
    others = np.array([(9, 9, 9), (8, 8, 8), (7, 7, 7)], np.uint8)
    ids = blocks(7)
    save(Path("maps/colours.png"), PAINTS[ids])
    save(Path("maps/ids.png"), BY_COLOR[ids])
    assert done("translate", styled, "maps", "out")
    assert np.abs(pixels("out/ids.png") - pixels("out/colours.png")).max() <= 1
    save(Path("strange/others.png"), others[ids])
    assert "stands for none of the 3" in said("translate", styled, "strange", "out2").err
    names = gan.load(styled).spec.classes
    rows = [f"{r} {g} {b} {names[BY_COLOR[i]]}" for i, (r, g, b) in enumerate(others.tolist())]
    Path("table").mkdir()
    Path("table/colours.txt").write_text("\n".join(rows))
    done("translate", styled, "strange", "out3", "--palette", "table/colours.txt")
    assert np.abs(pixels("out3/others.png") - pixels("out/colours.png")).max() <= 1
    Path("strange/colours.txt").write_text("\n".join(rows))
    done("translate", styled, "strange", "out4")
    assert np.array_equal(pixels("out4/others.png"), pixels("out3/others.png"))
    Path("table/colours.txt").write_text("1 2 3 moon\n4 5 6 sun")
    text = refused("translate", styled, "strange", "out5", "--palette", "table/colours.txt")
    assert "names none of this model's classes" in text
    assert "tells no colours" in refused("translate", styled, "strange", "out5", "--palette", "maps/ids.png")
    assert "is no file" in refused("translate", styled, "strange", "out5", "--palette", "nowhere.txt")


def test_numbers_and_the_colours_that_a_table_told(numbered):
    spec = gan.load(numbered).spec
    assert spec.classes == (*NAMES, "unlabelled")
    assert spec.condition_modality.numbers == (0, 1, 2, 255)
    assert spec.condition_modality.colors == ("#000000", "#c81e1e", "#1ec81e", "#000000")
    ids = blocks(7)
    holey = ids.copy()
    holey[5:9, 5:9] = 255
    save(Path("maps/ids.png"), ids)
    save(Path("maps/holey.png"), holey)
    save(Path("maps/colours.png"), PAINTS[ids])
    save(Path("maps/high.png"), np.full((16, 16), 3, np.uint8))
    result = said("translate", numbered, "maps", "out")
    assert "high.png: " in result.err
    assert "stands for none of the 4 classes" in result.err
    assert "3 files: out; 1 skipped" in result.out
    assert np.array_equal(pixels("out/ids.png"), pixels("out/colours.png"))
    model = gan.load(numbered)
    maps = torch.from_numpy(np.where(holey == 255, 3, holey)).long()[None, None]
    wanted = np.asarray(to_image(model.translate(maps)[0]), int)
    assert np.abs(pixels("out/holey.png") - wanted).max() <= 1
    assert not np.array_equal(pixels("out/holey.png"), pixels("out/ids.png"))


def test_instances_lie_beside(with_instances):
    ids, objects = blocks(7), blocks(8)
    save(Path("town/labels/deep/1.png"), ids)
    result = said("translate", with_instances, "town/labels", "flat")
    assert "each map is taken for one instance" in result.out
    save(Path("town/instances/deep/1.png"), objects)
    done("translate", with_instances, "town/labels", "out", "--grid", "grid.png")
    model = gan.load(with_instances)
    for name, those in (("flat", np.zeros_like(objects)), ("out", objects)):
        maps = torch.from_numpy(np.stack([ids, those])).long()[None]
        wanted = np.asarray(to_image(model.translate(maps)[0]), int)
        assert np.abs(pixels(f"{name}/deep/1.png") - wanted).max() <= 1
    assert not np.array_equal(pixels("flat/deep/1.png"), pixels("out/deep/1.png"))
    save(Path("town/labels/2.png"), ids)
    result = said("translate", with_instances, "town/labels", "again")
    assert "has no file 2 with its instances" in result.err
    save(Path("town/instances/2.png"), objects[:8])
    assert "another height or width" in said("translate", with_instances, "town/labels", "again").err


def test_generate_and_reports_name_translate(both_ways, painter, with_instances):
    assert "a cyclegan model does not generate; it can translate" in refused("generate", both_ways)
    assert "a pix2pix model does not generate; it can translate" in refused("generate", painter)
    for run in (both_ways, painter, with_instances.parent / "run"):
        page = gan.report(run).read_text()
        assert f"ganarium translate {run} IN OUT" in page
        assert "ganarium generate" not in page


def test_imported_networks_and_label_maps(photos):
    torch.manual_seed(0)
    from ganarium.models.network import NetworkModel, Origin

    def imported(inputs):
        settings = {"inputs": inputs, "outputs": 3, "width": 4, "blocks": 1}
        network = ResNetTranslator(**settings)
        return NetworkModel("translator", "resnet", settings, network, Origin("owner/name", "MIT"))

    assert len(gan.translate(imported(1), photos, "grey")) == 5
    ids = np.random.default_rng(0).integers(0, 7, (18, 22), dtype=np.uint8)
    Image.fromarray(ids).save("map.png")
    gan.translate(imported(7), "map.png", "street.png")
    assert opened("street.png").size == (22, 18)
    with pytest.warns(UserWarning, match="none of the 6 classes"):
        assert gan.translate(imported(6), "map.png", "other.png") == []
    with pytest.raises(ValueError, match="one way only"):
        gan.translate(imported(3), photos, "out", to="b")
