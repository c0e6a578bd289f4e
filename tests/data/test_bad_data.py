import pickle
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.data.dataset import open_data
from ganarium.data.feed import Feed
from ganarium.data.settings import Data
from ganarium.data.sources import sample_files

torch.set_num_threads(1)


def opened(source, **keys):
    return open_data(Data(source=str(source), **keys))


def good(path, level=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(level).integers(0, 3, (40, 40), dtype=np.uint8)
    Image.fromarray(noise + np.uint8(level * 10)).save(path)
    return path


def truncated(path, level=0):
    whole = good(path, level).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def bomb(path):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))))


@pytest.fixture
def mixed(tmp_path):
    for number in range(0, 10, 2):
        good(tmp_path / f"{number}.png", number)
    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "3.png").write_text("I am no picture")
    truncated(tmp_path / "5.png", 5)
    bomb(tmp_path / "7.png")
    truncated(tmp_path / "9.png", 9)
    return tmp_path


def test_broken_files_are_named_skipped_and_counted(mixed):
    data = opened(mixed)
    assert len(data) == 7  # what the headers do not tell comes out later
    assert set(data.report.broken) == {"1.png", "3.png", "7.png"}
    assert data.report.broken["1.png"] == "empty file"
    assert data.report.broken["3.png"] == "no picture in a known format"
    assert data.report.broken["7.png"] == "more than 100,000,000 pixels"
    batch = data.batch(range(7))  # 0, 2, 4, 5, 6, 8, 9
    assert "truncated" in data.report.broken["5.png"]
    assert "9.png" in data.report.broken
    assert torch.equal(batch[3], batch[4]), "the next whole file stands in"
    assert torch.equal(batch[6], batch[0]), "after the last one comes the first"
    assert "5 broken, skipped" in "\n".join(data.report.lines())


@pytest.mark.parametrize("workers", [0, 3])
def test_the_same_files_stand_in_whatever_is_met_first(mixed, workers):
    def shown(order):
        data = opened(mixed, cache_gib=0)
        for index in order:
            data.batch([index])
        feed = Feed(data, batch_size=7, workers=workers)
        batches = [next(feed) for _ in range(4)]
        feed.close()
        return torch.cat(batches)

    assert torch.equal(shown([]), shown([6, 3]))
    assert torch.equal(shown([]), shown([3]))


def test_a_stand_in_brings_its_own_label(tmp_path):
    truncated(tmp_path / "a" / "1.png")
    good(tmp_path / "b" / "1.png", 3)
    batch = opened(tmp_path, condition="label").batch([0, 1])
    assert batch.condition.tolist() == [1, 1]
    assert torch.equal(batch.real[0], batch.real[1])


def test_a_file_that_disappears_is_no_end(tmp_path):
    for number in range(3):
        good(tmp_path / f"{number}.png", number)
    data = opened(tmp_path)
    (tmp_path / "2.png").unlink()
    assert torch.equal(data.batch([2])[0], data.batch([0])[0])
    assert data.report.broken == {"2.png": "No such file or directory"}


def test_a_name_that_is_no_text_can_be_told(tmp_path):
    good(tmp_path / "a.png")
    (tmp_path / "\udcff.png").write_bytes(b"")
    "\n".join(opened(tmp_path).report.lines()).encode()


def test_broken_files_beyond_the_survey_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_files, "SURVEYED", 2)
    for number in range(4):
        good(tmp_path / f"{number}.png", number)
    (tmp_path / "1.png").write_bytes(b"")
    data = opened(tmp_path)
    assert len(data) == 4
    assert not data.report.broken
    data.batch(range(4))
    assert data.report.broken == {"1.png": "empty file"}


def test_nothing_whole(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"none of its files can be read: a\.png \(empty file\)"):
        opened(tmp_path)
    (tmp_path / "a.png").unlink()
    truncated(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"not one sample is whole; the last: b\.png"):
        opened(tmp_path)


def test_nothing_to_use(tmp_path):
    with pytest.raises(ValueError, match=r"looked for pictures .* found nothing"):
        opened(tmp_path)
    (tmp_path / "song.wav").write_bytes(b"")
    with pytest.raises(ValueError, match=r"found 1 \.wav"):
        opened(tmp_path)
    with pytest.raises(FileNotFoundError, match="is neither a file nor a folder"):
        opened(tmp_path / "gone")
    with pytest.raises(ValueError, match="is no file of samples"):
        opened(tmp_path / "song.wav")


def test_a_single_file_is_data_of_one_sample(tmp_path):
    for number in range(3):
        good(tmp_path / f"{number}.png", number)
    (tmp_path / "attributes.csv").write_text("file,hat\n1.png,1\n")
    data = opened(tmp_path / "1.png")
    assert (len(data), data.report.kind, data.name(0)) == (1, "single image", "1.png")
    assert torch.equal(data.batch([0])[0], opened(tmp_path).batch([1])[0])
    with pytest.raises(ValueError, match=r"data\.condition=label, but .*1\.png .* has none"):
        opened(tmp_path / "1.png", condition="label")
    truncated(tmp_path / "1.png", 1)
    with pytest.raises(ValueError, match=r"not one sample is whole; the last: 1\.png"):
        opened(tmp_path / "1.png")


class Trap:
    sprung = False

    def __reduce__(self):
        return (spring, ())


def spring():
    Trap.sprung = True


def test_pickles_are_refused_unread(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="pickle, which may run code when read; it is refused unread"):
        opened(tmp_path / "a.pkl")
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"is no whole \.npz"):
        opened(tmp_path / "b.npz")
    for name in ("images", "labels"):
        arrays = {"images": np.zeros((2, 8, 8), np.uint8)} | {name: np.array([Trap(), Trap()], dtype=object)}
        np.savez(tmp_path / "c.npz", **arrays)
        with pytest.raises(ValueError, match=f"{name} holds Python objects.*refused unread"):
            opened(tmp_path / "c.npz")
    assert not Trap.sprung


def test_damaged_arrays(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=np.random.default_rng(0).integers(0, 9, (9, 30, 30)))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.npz is no whole \.npz"):
        opened(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(whole[:500] + bytes(200) + whole[700:])
    with pytest.raises(ValueError, match=r"a\.npz is no whole \.npz"):
        opened(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.zeros((2, 8, 8)), y=np.zeros((2, 8, 8)), z=np.zeros(3))
    with pytest.raises(ValueError, match=r"looked for an array `images`.*found x float64\[2, 8, 8\]"):
        opened(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "is no idx file: it begins with nothing"),
        (b"\x80\x04PK", "is no idx file: it begins with 80 04"),
        (b"\0\0\x08\x03\0\0", "truncated inside its header"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2, 8, 8) + bytes(100), "truncated: 100 of 128 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "its header promises"),
        (b"\x1f\x8b\x08 broken", "damaged"),
    ],
)
def test_damaged_idx_files(tmp_path, raw, complaint):
    (tmp_path / "images-idx3-ubyte").write_bytes(raw)
    with pytest.raises(ValueError, match=complaint):
        opened(tmp_path)


def test_sizes_and_channels_that_cannot_be(tmp_path):
    good(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"data\.channels=5: image files give 1"):
        opened(tmp_path, channels=5)
    with pytest.raises(ValueError, match=r"data\.size=0"):
        opened(tmp_path, size=0)
