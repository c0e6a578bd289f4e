"""Images in a page: the files if they fit, else smaller copies."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ganarium.reports.images import MAX_GRIDS, embed, embed_all, evenly_spaced


def noise(path, side):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)).save(path)
    return path


def shown(found):
    """Return type, bytes and image of a `data:` URI."""
    kind, _, text = found.uri.partition(";base64,")
    data = base64.b64decode(text)
    return kind, data, Image.open(io.BytesIO(data))


def test_a_file_that_fits_is_embedded_unchanged(tmp_path):
    path = noise(tmp_path / "a.png", 30)
    found = embed(path, path.stat().st_size, 7)
    assert (found.images, found.width, found.height, found.reduced) == (7, 30, 30, "")
    assert shown(found)[:2] == ("data:image/png", path.read_bytes())


@pytest.mark.parametrize("room", [200_000, 20_000, 3_000])
def test_a_file_that_does_not_fit_is_reduced(tmp_path, room):
    found = embed(noise(tmp_path / "a.png", 1500), room, 7)
    kind, data, image = shown(found)
    assert kind == "data:image/webp"
    assert len(data) <= room
    assert image.size == (found.width, found.height)
    assert max(image.size) <= 1024
    assert found.reduced == f"shown at {image.width} x {image.height}, the file has 1500 x 1500 pixels"


def test_an_image_is_not_reduced_below_a_least_size(tmp_path):
    assert shown(embed(noise(tmp_path / "a.png", 100), 1, 0))[2].width in range(40, 65)


@pytest.mark.parametrize("count", [0, 1, 2, 39, 40, 41, 1000])
def test_few_are_chosen_evenly_with_both_ends(count):
    chosen = evenly_spaced(range(count), 40)
    assert len(chosen) == len(set(chosen)) == min(count, 40)
    if count:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
    gaps = np.diff(chosen)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


def test_a_page_has_a_limit_and_damaged_files_are_listed(tmp_path):
    paths = {images: noise(tmp_path / f"{images}.png", 150) for images in range(60)}
    paths[0].write_bytes(paths[1].read_bytes()[:-500])
    paths[59].write_bytes(b"")
    missing = []
    found = list(embed_all(paths, 400_000, missing))
    assert len(found) == MAX_GRIDS - 2
    assert sum(len(shown(each)[1]) for each in found) <= 400_000
    assert [line.partition(" cannot be shown: ")[0] for line in missing] == ["0.png", "59.png"]
