import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.data.dataset import open_data
from ganarium.data.feed import Feed
from ganarium.data.settings import Data
from ganarium.data.world import World

torch.set_num_threads(1)

REAL = Path(os.environ.get("GANARIUM_DATA", Path(__file__).parents[3] / "shared" / "data"))
COLORS = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0), (250, 250, 250)], np.uint8)
NAMES = ("sky", "road", "tree", "car")


def opened(*sources, **keys):
    return open_data(Data(source=tuple(map(str, sources)), condition="map", **keys))


def ids(seed, height=16, width=24):
    """Blocks of 4 x 4 pixels of one class each; every class occurs."""
    blocks = np.random.default_rng(seed).integers(0, 4, (height // 4, width // 4))
    blocks[0] = np.arange(width // 4) % 4
    return blocks.repeat(4, axis=0).repeat(4, axis=1).astype(np.uint8)


def colored(numbers):
    return Image.fromarray(COLORS[numbers])


def with_palette(numbers):
    image = Image.fromarray(numbers)
    image.putpalette(COLORS.tobytes())
    return image


KINDS = {"grey": Image.fromarray, "palette": with_palette, "colours": colored}


def save_set(folder, *parts, kind=Image.fromarray, count=3, labels="labels", pictures="images"):
    for part in parts or ("",):
        for number in range(count):
            for inside, image in (
                (labels, kind(ids(number))),
                (pictures, Image.fromarray(ids(number) * 40).convert("RGB")),
            ):
                path = folder / part / inside / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                image.save(path)
    return folder


def truth(count=3):
    return torch.from_numpy(np.stack([ids(number) for number in range(count)])).long()[:, None]


def test_a_palette_cut_to_what_a_file_needs_is_the_same_palette(tmp_path):
    save_set(tmp_path)
    for number, length in enumerate((4, 5, 6)):
        image = Image.fromarray(ids(number))
        image.putpalette(np.concatenate([COLORS, 9 * np.ones((9, 3), np.uint8)])[:length].tobytes())
        image.save(tmp_path / "labels" / f"{number}.png")
    assert torch.equal(opened(tmp_path).batch(range(3)).condition, truth())


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_palettes_and_colours(tmp_path, kind):
    data = opened(save_set(tmp_path, kind=KINDS[kind]))
    batch = data.batch(range(3))
    assert batch.condition.dtype == torch.int64
    assert data.spec.condition_shape == (1, 16, 24)
    assert data.spec.shape == (3, 16, 24)
    found = batch.condition
    if kind == "colours":  # in the order of their colours
        assert data.spec.classes == ("#000000", "#008000", "#800000", "#fafafa")
        found = torch.tensor([0, 2, 1, 3])[found]
    else:
        assert data.spec.classes == ("0", "1", "2", "3")
    assert torch.equal(found, truth())
    assert "4 classes as found in them" in data.report.kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", ["classes.txt", "classes.json", "list.json"])
def test_a_table_names_the_classes(tmp_path, kind, table):
    save_set(tmp_path, kind=KINDS[kind])
    rows = list(zip(COLORS.tolist(), NAMES, strict=True))
    (tmp_path / table).write_text(
        {
            "classes.txt": "\n".join(f"{r} {g} {b}\t{name}" for (r, g, b), name in rows),
            "classes.json": json.dumps({name: color for color, name in rows}),
            "list.json": json.dumps([{"name": name, "color": color} for color, name in rows]),
        }[table]
    )
    data = opened(tmp_path)
    assert data.spec.classes == NAMES
    assert torch.equal(data.batch(range(3)).condition, truth())
    assert f"named in {table}" in data.report.kind
    painted = opened(tmp_path, direction="b-to-a").batch(range(3))
    expected = torch.from_numpy(COLORS[truth()[:, 0].numpy()]).permute(0, 3, 1, 2) / 127.5 - 1
    assert torch.allclose(painted.real, expected.float(), atol=1e-6)
    assert torch.equal(painted.condition, data.batch(range(3)).real)


def test_ids_are_never_blended(tmp_path):
    save_set(tmp_path)
    small = opened(tmp_path, size=(4, 6)).batch(range(3)).condition
    assert torch.equal(small, truth()[:, :, ::4, ::4])
    large = opened(tmp_path, size=(48, 72)).batch(range(3)).condition
    assert torch.equal(large[:, :, 1::3, 1::3], truth())
    assert large.unique().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("labels", "pictures"), [("annot", ""), ("label", "img"), ("Masks", "photos"), ("maps", "frames")]
)
def test_names_of_folders(tmp_path, labels, pictures):
    train = [tmp_path / "set" / f"train{name}" for name in (labels, pictures)]
    save_set(tmp_path / "set", labels=train[0].name, pictures=train[1].name)
    assert torch.equal(opened(tmp_path / "set").batch(range(3)).condition, truth())
    two = opened(*train)
    assert torch.equal(two.batch(range(3)).condition, truth())
    assert "named" not in two.report.kind


def test_instances_are_a_second_channel(tmp_path):
    save_set(tmp_path)
    objects = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) + 24_000
    (tmp_path / "instances").mkdir()
    for number in range(3):
        Image.fromarray(objects + number).save(tmp_path / "instances" / f"{number}.png")
    for data in (opened(tmp_path), opened(*(tmp_path / each for each in ("labels", "images", "instances")))):
        batch = data.batch(range(3), mirrored=[False, True, False])
        assert data.spec.condition_shape == (2, 16, 24)
        assert torch.equal(batch.condition[2, 1], torch.from_numpy(objects.astype(np.int64) + 2))
        assert torch.equal(batch.condition[1, 0], truth()[1, 0].flip(-1))
        assert torch.equal(batch.condition[1, 1], torch.from_numpy(objects.astype(np.int64) + 1).flip(-1))


def test_maps_are_turned_and_cut_with_their_pictures(tmp_path):
    save_set(tmp_path)
    feed = Feed(opened(tmp_path, load_size=(16, 24), size=8), batch_size=6, flip=True)
    batch = next(feed)
    feed.close()
    assert torch.equal(((batch.real[:, :1] + 1) * 127.5 / 40).round().long(), batch.condition)


def test_the_classes_are_those_of_all_parts(tmp_path):
    save_set(tmp_path, "train", "test", kind=colored)
    strange = np.full((16, 24, 3), 77, np.uint8)
    Image.fromarray(strange).save(tmp_path / "test" / "labels" / "0.png")
    train, test = (opened(tmp_path, split=split) for split in ("train", "test"))
    assert train.spec.classes == test.spec.classes
    assert len(train.spec.classes) == 5
    assert train.has_test
    assert test.batch([0]).condition.unique().item() == train.spec.classes.index("#4d4d4d")


def test_the_number_that_says_no_class_is_the_last(tmp_path):
    save_set(tmp_path)
    numbers = ids(0)
    numbers[5:] = 255
    Image.fromarray(numbers).save(tmp_path / "labels" / "0.png")
    data = opened(tmp_path)
    assert data.spec.classes == ("0", "1", "2", "3", "unlabelled")
    assert (data.batch([0]).condition[0, 0, 5:] == 4).all()


def test_grey_levels_far_apart_are_colours(tmp_path):
    save_set(tmp_path, kind=lambda numbers: Image.fromarray(numbers * 80))
    data = opened(tmp_path)
    assert data.spec.classes == ("level 0", "level 80", "level 160", "level 240")
    assert torch.equal(data.batch(range(3)).condition, truth())


def test_palettes_that_differ_from_file_to_file_hold_colours(tmp_path):
    save_set(tmp_path, kind=colored)
    for number in range(3):
        image = Image.fromarray(((ids(number) - number) % 4).astype(np.uint8))
        image.putpalette(np.roll(COLORS, -number, axis=0).tobytes())
        image.save(tmp_path / "labels" / f"{number}.png")
    data = opened(tmp_path)
    assert data.spec.classes == ("#000000", "#008000", "#800000", "#fafafa")
    assert torch.equal(torch.tensor([0, 2, 1, 3])[data.batch(range(3)).condition], truth())


class TestBadMaps:
    def test_more_ids_than_classes(self, tmp_path):
        save_set(tmp_path)
        (tmp_path / "classes.txt").write_text("0 0 0 sky\n1 1 1 road\n2 2 2 tree\n")
        with pytest.raises(ValueError, match=r"labels/0\.png holds id 3, but there are 3 classes: sky, road"):
            opened(tmp_path)

    def test_colours_of_no_class(self, tmp_path):
        save_set(tmp_path, kind=colored)
        (tmp_path / "classes.txt").write_text("0 0 0 sky\n128 0 0 road\n0 128 0 tree\n")
        with pytest.raises(ValueError, match=r"labels/0\.png holds colour #fafafa, but there are 3 classes"):
            opened(tmp_path)

    def test_photos_are_no_maps(self, tmp_path):
        save_set(tmp_path)
        noise = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "images" / "0.png")
        with pytest.raises(ValueError, match=r"0\.png has too many colours.*give the maps first"):
            opened(tmp_path / "images", tmp_path / "labels")

    def test_nothing_that_is_called_a_map(self, tmp_path):
        save_set(tmp_path, labels="x", pictures="y")
        with pytest.raises(ValueError, match=r"has no label maps: looked for images/ and labels/"):
            opened(tmp_path)
        with pytest.raises(ValueError, match=r"has no label maps"):
            opened("ring")
        with pytest.raises(ValueError, match=r"data\.channels=1, but maps are painted in RGB"):
            opened(tmp_path / "x", tmp_path / "y", channels=1, direction="b-to-a")

    def test_a_map_that_turns_out_strange_is_named_and_left_out(self, tmp_path, monkeypatch):
        from ganarium.data.sources import recognize

        monkeypatch.setattr(recognize, "_SURVEYED_MAPS", 1)
        save_set(tmp_path)
        Image.fromarray(np.full((16, 24), 9, np.uint8)).save(tmp_path / "labels" / "2.png")
        data = opened(tmp_path)
        batch = data.batch([2, 0])
        assert data.report.broken == {"labels/2.png": "id 9 stands for none of the 4 classes"}
        assert torch.equal(batch.condition[0], batch.condition[1])
        assert torch.equal(batch.real[0], batch.real[1])

    def test_a_file_about_something_else_is_no_table(self, tmp_path):
        save_set(tmp_path)
        (tmp_path / "read.txt").write_text("Taken in 2009.\n128 0 0 road\n")
        (tmp_path / "info.json").write_text("{broken")
        (tmp_path / "list.json").write_text('{"a": 1}')
        assert opened(tmp_path).spec.classes == ("0", "1", "2", "3")


def test_the_worlds_maps():
    data = open_data(Data(condition="map", count=12, size=24), seed=3)
    scenes = World(24, seed=3).scenes(range(12))
    batch = data.batch(range(12))
    assert data.spec.classes == ("background", *World.classes)
    assert np.array_equal(batch.condition[:, 0].numpy(), scenes.semantic())
    assert np.array_equal(batch.condition[:, 1].numpy(), scenes.masks())
    painted = open_data(Data(condition="map", count=12, size=24, direction="b-to-a"), seed=3).batch(range(12))
    assert torch.equal(painted.condition, batch.real)
    colors = {tuple(pixel) for pixel in painted.real.permute(0, 2, 3, 1).reshape(-1, 3).tolist()}
    assert len(colors) == 7


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real data at {REAL}: set GANARIUM_DATA")
def test_real_streets():
    data = opened(REAL / "camvid", size=(45, 60))
    assert len(data) == 30
    assert len(data.spec.classes) == 12
    assert set(data.batch(range(30)).condition.unique().tolist()) == set(range(12))
