"""Label maps for a model that knows its classes: what is read as what, and where instances lie."""

import numpy as np
import pytest
from PIL import Image

from ganarium.data.modalities.palette import repainted
from ganarium.data.sources.layouts import instances_beside
from ganarium.data.sources.map_files import MapFiles

NAMES = ("sky", "road", "tree")
COLORS = ("#000000", "#c80000", "#00c800")
IDS = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
PAINTED = np.array([(0, 0, 0), (200, 0, 0), (0, 200, 0)], np.uint8)[IDS]


def with_palette(ids, colors):
    image = Image.fromarray(ids)
    image.putpalette(np.array(colors, np.uint8).tobytes())
    return image


def read(folder, image, *known, **more):
    image.save(folder / "map.png")
    return MapFiles(folder, NAMES, *known, notify=print, **more).ids(folder / "map.png")


@pytest.mark.parametrize(
    ("image", "known"),
    [
        (Image.fromarray(IDS), ((), ())),
        (Image.fromarray(IDS), ((0, 1, 2), COLORS)),
        (Image.fromarray(IDS), ((), COLORS)),
        (Image.fromarray(IDS + np.uint8(5)), ((5, 6, 7), ())),
        (Image.fromarray(PAINTED), ((), COLORS)),
        (Image.fromarray(PAINTED), ((0, 1, 2), COLORS)),
        (with_palette(2 - IDS, [(0, 200, 0), (200, 0, 0), (0, 0, 0)]), ((), COLORS)),
        (with_palette(IDS, [(9, 9, 9), (8, 8, 8), (7, 7, 7)]), ((0, 1, 2), COLORS)),
        (with_palette(IDS, [(0, 0, 0), (0, 0, 0), (0, 0, 0)]), ((0, 1, 2), ("#000000",) * 3)),
    ],
)
def test_numbers_and_colours(tmp_path, image, known):
    assert np.array_equal(read(tmp_path, image, *known), IDS[None])


def test_a_table_tells_what_the_order_of_a_palette_does_not(tmp_path):
    shuffled = with_palette(2 - IDS, [(0, 200, 0), (200, 0, 0), (0, 0, 0)])
    assert np.array_equal(read(tmp_path, shuffled, (0, 1, 2)), 2 - IDS[None])
    (tmp_path / "table.txt").write_text("0 0 0 sky\n200 0 0 road\n0 200 0 tree")
    assert np.array_equal(read(tmp_path, shuffled, (0, 1, 2)), IDS[None])


def test_paint_without_known_colours(tmp_path):
    with pytest.raises(ValueError, match="name a table of them with --palette"):
        read(tmp_path, Image.fromarray(PAINTED))


def test_unlabelled_is_number_255_where_no_numbers_are_known(tmp_path):
    ids = np.array([[0, 255]], np.uint8)
    Image.fromarray(ids).save(tmp_path / "map.png")
    found = MapFiles(tmp_path, ("0", "1", "unlabelled"), notify=print).ids(tmp_path / "map.png")
    assert found.tolist() == [[[0, 2]]]
    with pytest.raises(ValueError, match="id 255 stands for none of the 3 classes"):
        MapFiles(tmp_path, NAMES, notify=print).ids(tmp_path / "map.png")


def test_classes_called_by_numbers_follow_a_tables_order():
    table = {"sky": (1, 2, 3), "road": (4, 5, 6)}
    assert repainted(("0", "1", "unlabelled"), table) == ("#010203", "#040506", "")
    assert repainted(("road", "moon"), table) == ("#040506", "")


@pytest.mark.parametrize(
    ("labels", "instances"),
    [("labels", "instances"), ("test_label", "test_inst"), ("maps", "Inst"), ("test_label", None)],
)
def test_where_instances_lie(tmp_path, labels, instances):
    for name in filter(None, (labels, instances, "train_inst", "images")):
        (tmp_path / name).mkdir()
    assert instances_beside(tmp_path / labels) == (tmp_path / instances if instances else None)
