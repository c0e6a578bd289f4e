import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.data.batches import Conditioned
from ganarium.data.conditions.companion import Pair
from ganarium.data.dataset import open_data
from ganarium.data.feed import Feed
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.settings import Data

torch.set_num_threads(1)

REAL = Path(os.environ.get("GANARIUM_DATA", Path(__file__).parents[3] / "shared" / "data"))


def opened(*sources, **keys):
    return open_data(Data(source=tuple(map(str, sources)), condition="pair", **keys))


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)
    return path


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def pictures(pixels):
    return torch.from_numpy(pixels / np.float32(127.5) - 1)


@pytest.fixture
def side_by_side(tmp_path):
    for number in range(4):
        save(tmp_path / "train" / f"{number}.png", noise(number, 12, 20))
    save(tmp_path / "val" / "0.png", noise(9, 12, 20))
    return tmp_path


def test_side_by_side(side_by_side):
    data = opened(side_by_side)
    assert data.spec.shape == data.spec.condition_shape == (1, 12, 10)
    assert data.spec.condition == Pair(ImageModality(), (1, 12, 10), "pair")
    assert data.spec.modality == ImageModality()
    assert "A|B side by side" in data.report.kind
    assert data.report.sizes == {"12x10": 4}
    for number in range(4):
        both = pictures(noise(number, 12, 20))
        assert torch.allclose(data.batch([number]).condition[0, 0], both[:, :10], atol=1e-6)
        assert torch.allclose(data.batch([number]).real[0, 0], both[:, 10:], atol=1e-6)
    turned = opened(side_by_side, direction="b-to-a").batch(range(4))
    assert torch.equal(turned.real, data.batch(range(4)).condition)
    assert torch.equal(turned.condition, data.batch(range(4)).real)
    held_back = opened(side_by_side, split="test")
    assert len(held_back) == 1
    assert torch.allclose(held_back.batch([0]).real[0, 0], pictures(noise(9, 12, 20))[:, 10:], atol=1e-6)


@pytest.mark.parametrize("mode", ["JPEG", "turned"])
def test_halves_of_photos(tmp_path, mode):
    both = np.zeros((40, 120, 3), np.uint8)
    both[:, :60], both[:, 60:] = (255, 0, 0), (0, 0, 255)
    image, exif = Image.fromarray(both), Image.Exif()
    if mode == "turned":
        image, exif[274] = image.transpose(Image.Transpose.ROTATE_90), 6
    image.save(tmp_path / "a.jpg", quality=95, exif=exif)
    batch = opened(tmp_path, size=8).batch([0])
    for half, color in ((batch.condition, [1, -1, -1]), (batch.real, [-1, -1, 1])):
        assert (half[0].mean(dim=(1, 2)) - torch.tensor(color)).abs().max() < 0.06


def test_an_odd_width_has_no_halves(side_by_side):
    save(side_by_side / "train" / "1.png", noise(0, 12, 21))
    data = opened(side_by_side)
    assert len(data) == 3
    assert "21 pixels wide, an odd number" in data.report.broken["train/1.png"]
    for number in (0, 2, 3):
        save(side_by_side / "train" / f"{number}.png", noise(0, 12, 21))
    with pytest.raises(ValueError, match=r"none of its files can be read.*an odd number: no two pictures"):
        opened(side_by_side)


@pytest.mark.parametrize("layout", ["two sources", "A and B", "trainA and trainB", "a zip"])
def test_equal_names(tmp_path, layout):
    names = ("trainA", "trainB") if layout.startswith("train") else ("A", "B")
    one, other = (tmp_path / "set" / name for name in names)
    for number in range(3):
        save(one / "deep" / f"{number}.png", noise(number, 8, 8))
        save(other / "deep" / f"{number}.webp", np.full((8, 8, 3), 10 * number))
    save(one / "lone.png", noise(0, 8, 8))
    source = (one, other) if layout == "two sources" else (tmp_path / "set",)
    if layout == "a zip":
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for path in sorted((tmp_path / "set").rglob("*.*")):
                archive.write(path, path.relative_to(tmp_path))
        source = (tmp_path / "set.zip",)
    data = opened(*source)
    assert len(data) == 3
    assert data.spec.shape == (3, 8, 8)
    assert data.spec.condition_shape == (1, 8, 8), "what goes in has its own channels"
    batch = data.batch(range(3))
    given = pictures(np.stack([noise(number, 8, 8) for number in range(3)]))
    assert torch.allclose(batch.condition[:, 0], given, atol=1e-6)
    assert (batch.real[2] - batch.real[0]).mean() == pytest.approx(20 / 127.5, abs=0.03)
    letter = names[0].removeprefix("train")
    assert f"1 files have no fellow of the same name and are left out: {letter}/lone.png" in data.report.notes
    assert "paired by equal names" in data.report.kind
    assert opened(*source, direction="b-to-a").spec.shape == (1, 8, 8)


def test_no_equal_names(tmp_path):
    save(tmp_path / "A" / "1.png", noise(0, 8, 8))
    save(tmp_path / "B" / "2.png", noise(0, 8, 8))
    with pytest.raises(ValueError, match=r"no file in A \(1\.png\) and B \(2\.png\) has the same name"):
        opened(tmp_path)
    with pytest.raises(ValueError, match=r"takes one source or two, not 3"):
        opened(tmp_path / "A", tmp_path / "B", tmp_path)


def test_sizes_of_a_pair_that_differ(tmp_path):
    for number, height in enumerate((8, 9)):
        save(tmp_path / "A" / f"{number}.png", noise(0, 8, 8))
        save(tmp_path / "B" / f"{number}.png", noise(0, height, 8))
    with pytest.raises(ValueError, match=r"1 of 2 pairs differ in size.*: A/1\.png 8x8 and B/1\.png 9x8"):
        opened(tmp_path)


def test_a_broken_half_takes_the_other_with_it(tmp_path):
    for number in range(5):
        save(tmp_path / "A" / f"{number}.png", noise(number, 40, 40))
        save(tmp_path / "B" / f"{number}.png", noise(number + 10, 40, 40))
    (tmp_path / "A" / "1.png").write_bytes(b"")
    (tmp_path / "B" / "2.png").write_bytes(b"")
    for late in ("A/3.png", "B/4.png"):
        whole = (tmp_path / late).read_bytes()
        (tmp_path / late).write_bytes(whole[: len(whole) // 2])
    data = opened(tmp_path)
    assert len(data) == 3
    assert set(data.report.broken) == {"A/1.png", "B/2.png"}
    assert "2 pairs are left out, since one half is broken" in data.report.notes
    batch = data.batch(range(3))
    assert set(data.report.broken) == {"A/1.png", "B/2.png", "A/3.png", "B/4.png"}
    assert torch.equal(batch.real, batch.real[:1].expand(3, -1, -1, -1)), "the next whole pair stands in"
    assert torch.equal(batch.condition, batch.condition[:1].expand(3, -1, -1, -1))
    assert torch.allclose(batch.condition[2, 0], pictures(noise(0, 40, 40)), atol=1e-6)


def test_arrays_of_any_channels_as_pairs(tmp_path):
    np.savez(tmp_path / "a.npz", images=noise(0, 4, 5, 8, 8))
    np.savez(tmp_path / "b.npz", images=noise(1, 4, 2, 8, 8))
    np.savez(tmp_path / "c.npz", images=noise(1, 3, 2, 8, 8))
    data = opened(tmp_path / "a.npz", tmp_path / "b.npz")
    assert data.spec.condition_shape == (5, 8, 8)
    assert data.spec.shape == (2, 8, 8)
    assert torch.allclose(data.batch([3]).condition[0], pictures(noise(0, 4, 5, 8, 8)[3]), atol=1e-6)
    with pytest.raises(ValueError, match=r"there are 4 of \.npz, 3 of \.npz: give as many"):
        opened(tmp_path / "a.npz", tmp_path / "c.npz")


@pytest.mark.parametrize("cache_gib", [0.0, 1.0])
def test_both_are_turned_and_cut_alike(tmp_path, cache_gib):
    for number in range(5):
        same = noise(number, 20, 24)
        save(tmp_path / f"{number}.png", np.concatenate([same, 255 - same], axis=1))
    data = opened(tmp_path, load_size=(20, 24), size=(12, 16), cache_gib=cache_gib)
    feed = Feed(data, batch_size=10, flip=True)
    for _ in range(3):
        batch = next(feed)
        assert isinstance(batch, Conditioned)
        assert batch.real.shape == (10, 1, 12, 16)
        assert torch.allclose(batch.real, -batch.condition, atol=1e-5)
    feed.close()


def test_the_world_turned_round():
    plain = open_data(Data(condition="style", count=8)).batch(range(8))
    turned = open_data(Data(condition="style", count=8, direction="b-to-a")).batch(range(8))
    assert torch.equal(plain.real, turned.condition)
    assert torch.equal(plain.condition, turned.real)
    for condition in (None, "label", "domains", "edges"):
        with pytest.raises(ValueError, match=r"data\.direction=b-to-a turns pairs round"):
            open_data(Data(condition=condition, direction="b-to-a", count=8))
    with pytest.raises(ValueError, match=r"data\.condition=pair, but world .* has none"):
        open_data(Data(condition="pair", count=8))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real data at {REAL}: set GANARIUM_DATA")
def test_real_facades():
    folder = REAL / "openmmlab_testdata" / "paired"
    data, held_back = (opened(folder, size=64, split=split) for split in ("train", "test"))
    assert data.spec.shape == data.spec.condition_shape == (3, 64, 64)
    assert len(data) == len(held_back) == 2
