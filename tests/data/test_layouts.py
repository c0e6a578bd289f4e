import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.data.batches import Unpaired
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data

torch.set_num_threads(1)

REAL = Path(os.environ.get("GANARIUM_DATA", Path(__file__).parents[3] / "shared" / "data"))


def opened(*sources, **keys):
    return open_data(Data(source=tuple(map(str, sources)), **keys))


def sizes(data):
    return tuple(map(len, data.streams))


def save(folder, *names, size=(8, 8)):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        level = sum(map(ord, name)) % 256
        Image.new("L", size[::-1], level).save(folder / name)


def level(name):
    return sum(map(ord, name)) % 256 / 127.5 - 1


def levels(pictures):
    return pytest.approx(pictures[:, 0, 0, 0].tolist(), abs=1e-6)


def test_the_layout_of_every_tutorial(tmp_path):
    save(
        tmp_path, "trainA/1.png", "trainA/2.png", "trainB/1.png", "testA/9.png", "testB/8.png", "testB/9.png"
    )
    train, test = (opened(tmp_path, condition="domains", split=split) for split in ("train", "test"))
    assert train.spec.classes == test.spec.classes == ("A", "B")
    assert train.has_test
    assert sizes(train) == (2, 1)
    assert sizes(test) == (1, 2)
    batch = train.batch([0, 1])
    assert isinstance(batch, Unpaired)
    assert levels(batch.domains[0]) == [level("trainA/1.png"), level("trainA/2.png")]
    assert levels(batch.domains[1]) == [level("trainB/1.png")] * 2
    assert "train part of testA testB trainA trainB" in train.report.kind
    assert train.name(0) == "trainA/1.png", "messages name the file itself"


def test_class_folders_inside_the_parts(tmp_path):
    save(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/dog/1.png", "val/cat/7.png")
    train, test = (opened(tmp_path, condition="label", split=split) for split in ("train", "test"))
    assert train.spec.classes == test.spec.classes == ("cat", "dog")
    assert test.batch([0]).condition.tolist() == [1], "numbered as in training, though no cat is held back"
    (tmp_path / "test" / "dog" / "1.png").unlink()
    (tmp_path / "test" / "dog").rmdir()
    assert levels(opened(tmp_path, split="test").batch([0])) == [level("val/cat/7.png")]


def test_folders_that_are_no_parts_stay_classes(tmp_path):
    save(tmp_path, "train/1.png", "plane/1.png")
    data = opened(tmp_path, condition="label")
    assert data.spec.classes == ("plane", "train")
    assert not data.has_test
    with pytest.raises(ValueError, match=r"holds nothing back: looked for folders train/ and test/"):
        opened(tmp_path, split="test")
    save(tmp_path / "alone", "trainA/1.png", "trainB/1.png")
    with pytest.raises(ValueError, match=r"holds nothing back: looked for folders train/ and test/"):
        opened(tmp_path / "alone", condition="domains", split="test")


def test_parts_of_a_zip(tmp_path):
    save(tmp_path / "set", "trainA/1.png", "trainB/1.png", "testA/2.png", "testB/2.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))
    data = opened(tmp_path / "set.zip", condition="domains", split="test")
    assert sizes(data) == (1, 1)
    assert levels(data.batch([0]).domains[0]) == [level("testA/2.png")]


def test_attributes_follow_their_files(tmp_path):
    save(tmp_path, "train/1.png", "train/2.png", "test/3.png")
    (tmp_path / "hats.csv").write_text("file,hat\n1.png,0\n2.png,1\n3.png,1\n")
    assert opened(tmp_path, condition="attributes").batch([0, 1]).condition.tolist() == [[0], [1]]
    assert opened(tmp_path, condition="attributes", split="test").batch([0]).condition.tolist() == [[1]]


def test_idx_files_for_tests(tmp_path):
    for name, count in {"t10k-images-idx3-ubyte": 1, "train-images-idx3-ubyte": 2}.items():
        header = bytes([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 8, 0, 0, 0, 8])
        (tmp_path / name).write_bytes(header + bytes(64 * count))
    assert len(opened(tmp_path)) == 2
    assert opened(tmp_path).has_test
    assert len(opened(tmp_path, split="test")) == 1


class TestSeveralSources:
    def test_each_is_a_domain_in_the_order_given(self, tmp_path):
        save(tmp_path, "zebras/1.png", "zebras/2.png", "horses/deep/1.png")
        data = opened(tmp_path / "zebras", tmp_path / "horses", condition="domains")
        assert data.spec.classes == ("zebras", "horses")
        assert sizes(data) == (2, 1)
        assert data.report.classes == {"zebras": 2, "horses": 1}
        assert levels(data.batch([0]).domains[1]) == [level("horses/deep/1.png")]
        assert opened(tmp_path / "zebras", tmp_path / "horses", condition="label").labels.tolist() == [
            0,
            0,
            1,
        ]

    def test_forms_of_all_kinds_become_one(self, tmp_path):
        save(tmp_path, "grey/1.png", size=(20, 28))
        (tmp_path / "red").mkdir()
        Image.new("RGB", (40, 30), "red").save(tmp_path / "red" / "1.png")
        deep = np.full((1, 16, 16), 65535, np.uint16)
        np.savez(tmp_path / "deep.npz", images=deep)
        data = opened(tmp_path / "grey", tmp_path / "red", tmp_path / "deep.npz", condition="domains")
        assert data.spec.shape == (3, 16, 16)
        assert data.spec.classes == ("grey", "red", "deep")
        gray, red, white = (domain[0] for domain in data.batch([0]).domains)
        assert (gray - level("grey/1.png")).abs().max() < 1e-6
        assert red[:, 3, 3].tolist() == [1, -1, -1]
        assert (white == 1).all()
        assert opened(tmp_path / "grey", tmp_path / "red", size=8, channels=1).spec.shape == (1, 8, 8)

    def test_a_broken_file_is_named_and_the_next_of_its_domain_stands_in(self, tmp_path):
        save(tmp_path, "a/1.png", "b/1.png", "b/2.png")
        noise = np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "b" / "1.png")
        whole = (tmp_path / "b" / "1.png").read_bytes()
        (tmp_path / "b" / "1.png").write_bytes(whole[: len(whole) // 2])
        (tmp_path / "a" / "2.png").write_bytes(b"")
        data = opened(tmp_path / "a", tmp_path / "b", condition="domains", size=8)
        assert sizes(data) == (1, 2)
        assert levels(data.batch([0]).domains[1]) == [level("b/2.png")]
        assert set(data.report.broken) == {"a/2.png", "b/1.png"}

    def test_parts_of_each(self, tmp_path):
        save(tmp_path, "a/train/1.png", "a/test/2.png", "b/train/1.png", "b/test/3.png", "c/1.png")
        data = opened(tmp_path / "a", tmp_path / "b", condition="domains", split="test")
        assert levels(data.batch([0]).domains[1]) == [level("b/test/3.png")]
        with pytest.raises(ValueError, match=r"holds nothing back"):
            opened(tmp_path / "a", tmp_path / "c", condition="domains", split="test")

    def test_names_tell_them_apart(self, tmp_path):
        save(tmp_path, "a/photos/1.png", "b/photos/1.png")
        data = opened(tmp_path / "a" / "photos", tmp_path / "b" / "photos", condition="domains")
        assert data.spec.classes == (str(tmp_path / "a" / "photos"), str(tmp_path / "b" / "photos"))
        with pytest.raises(ValueError, match="names one source twice"):
            opened(tmp_path / "a", tmp_path / "a")
        with pytest.raises(ValueError, match=r"data\.source is empty"):
            opened()


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real data at {REAL}: set GANARIUM_DATA")
class TestReal:
    def test_cats_and_dogs(self):
        data = opened(REAL / "cat2dog", condition="domains", size=32)
        assert sizes(data) == (60, 60)
        assert not data.has_test

    def test_horses_and_zebras(self):
        folder = REAL / "openmmlab_testdata" / "unpaired"
        train, test = (opened(folder, condition="domains", split=split) for split in ("train", "test"))
        assert sizes(train) == (2, 2)
        assert sizes(test) == (1, 1)
