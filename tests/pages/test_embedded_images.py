"""Pictures in a page: as they are where they fit, smaller where they do not."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ganarium.reports.images import SHEETS, evenly, picture, pictures


def noise(path, side):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)).save(path)
    return path


def shown(found):
    """The picture within the page."""
    kind, _, text = found.uri.partition(";base64,")
    data = base64.b64decode(text)
    return kind, data, Image.open(io.BytesIO(data))


def test_what_fits_is_there_byte_for_byte(tmp_path):
    path = noise(tmp_path / "a.png", 30)
    found = picture(path, path.stat().st_size, 7)
    assert (found.images, found.width, found.height, found.reduced) == (7, 30, 30, "")
    assert shown(found)[:2] == ("data:image/png", path.read_bytes())


@pytest.mark.parametrize("room", [200_000, 20_000, 3_000])
def test_what_does_not_fit_becomes_smaller_and_says_so(tmp_path, room):
    found = picture(noise(tmp_path / "a.png", 1500), room, 7)
    kind, data, image = shown(found)
    assert kind == "data:image/webp"
    assert len(data) <= room
    assert image.size == (found.width, found.height)
    assert max(image.size) <= 1024
    assert found.reduced == f"shown at {image.width} x {image.height}, the file has 1500 x 1500 pixels"


def test_there_is_an_end_to_becoming_smaller(tmp_path):
    assert shown(picture(noise(tmp_path / "a.png", 100), 1, 0))[2].width in range(40, 65)


@pytest.mark.parametrize("count", [0, 1, 2, 39, 40, 41, 1000])
def test_few_are_chosen_evenly_with_both_ends(count):
    chosen = evenly(range(count), 40)
    assert len(chosen) == len(set(chosen)) == min(count, 40)
    if count:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
    missing = np.diff(chosen)
    assert not len(missing) or missing.max() - missing.min() <= 1


def test_a_page_has_room_for_so_much_and_what_is_damaged_is_told(tmp_path):
    paths = {images: noise(tmp_path / f"{images}.png", 150) for images in range(60)}
    paths[0].write_bytes(paths[1].read_bytes()[:-500])
    paths[59].write_bytes(b"")
    told = []
    found = list(pictures(paths, 400_000, told))
    assert len(found) == SHEETS - 2
    assert sum(len(shown(each)[1]) for each in found) <= 400_000
    assert [line.partition(" cannot be shown: ")[0] for line in told] == ["0.png", "59.png"]
    assert "picture" in told[1]
