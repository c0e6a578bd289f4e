import gzip
import hashlib
import io
import json
import os
import struct
import tarfile
import zipfile
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.data.sources import named as naming

torch.set_num_threads(1)

REAL = Path(os.environ.get("GANARIUM_DATA", Path(__file__).parents[3] / "shared" / "data"))


def opened(source, **keys):
    return open_data(Data(source=str(source), **keys))


def whole(data):
    return data.batch(range(len(data)))


def save(path, shape=(8, 8), color=0, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, shape[::-1], color).save(path)


def idx_bytes(array, code=8):
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def random_pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


class TestFolder:
    def test_any_mixture_becomes_one_form(self, tmp_path):
        save(tmp_path / "a.png", (30, 40), "red")
        save(tmp_path / "deep" / "er" / "b.JPG", (50, 20), 128, "L")
        save(tmp_path / "c.webp", (70, 70), (0, 0, 255, 0), "RGBA")
        save(tmp_path / ".hidden.png")
        (tmp_path / "notes.txt").write_text("hello")
        data = opened(tmp_path, max_size=24)
        assert data.spec.shape == (3, 24, 24)
        assert len(data) == 3
        assert data.spec.classes == ()
        batch = whole(data)
        assert batch.dtype == torch.float32
        assert batch.shape == (3, 3, 24, 24)
        assert torch.equal(batch[0, :, 3, 3], torch.tensor([1.0, -1.0, -1.0]))
        assert (batch[1] == 1).all()  # sorted: a, c, deep/er/b; c is clear, on white
        told = "\n".join(data.report.lines())
        assert "1 of 3 images have an alpha channel" in told
        assert "1 of 3 pictures are smaller than 24x24" in told
        assert "30x40 (1)" in told
        assert "not images: 1 .txt" in told
        assert json.loads(json.dumps(data.report.to_dict()))["modes"] == {"RGB": 1, "L": 1, "RGBA": 1}

    def test_one_shared_size_is_kept_up_to_the_largest(self, tmp_path):
        for number in range(3):
            save(tmp_path / f"{number}.png", (20, 28), number, "L")
        assert opened(tmp_path).spec.shape == (1, 20, 28)
        assert opened(tmp_path, max_size=14).spec.shape == (1, 10, 14)
        assert opened(tmp_path, size=16).spec.shape == (1, 16, 16)
        assert opened(tmp_path, size=(6, 9), channels=3).spec.shape == (3, 6, 9)

    def test_alpha_is_kept_where_every_picture_uses_it(self, tmp_path):
        save(tmp_path / "a.png", color=(1, 2, 3, 40), mode="RGBA")
        save(tmp_path / "b.png", color=(1, 2, 3, 255), mode="RGBA")
        assert opened(tmp_path).spec.shape[0] == 4
        save(tmp_path / "a.png", color=(1, 2, 3, 255), mode="RGBA")
        assert opened(tmp_path).spec.shape[0] == 3

    def test_sixteen_bit_grey_keeps_its_levels(self, tmp_path):
        levels = np.arange(64, dtype=np.uint16).reshape(8, 8)
        Image.fromarray(levels).save(tmp_path / "a.png")
        batch = whole(opened(tmp_path))
        assert batch.unique().numel() == 64
        assert torch.allclose(
            (batch[0, 0] + 1) / 2 * 65535, torch.from_numpy(levels.astype(np.float32)), atol=0.01
        )

    def test_sub_folders_are_classes(self, tmp_path):
        for name in ("dog/1.png", "cat/2.png", "cat/long/hair/3.png"):
            save(tmp_path / name)
        data = opened(tmp_path, condition="label")
        assert data.spec.classes == ("cat", "dog")
        assert data.spec.condition_shape == ()
        assert whole(data).condition.tolist() == [0, 0, 1]
        assert whole(data).condition.dtype == torch.int64
        assert data.report.classes == {"cat": 2, "dog": 1}
        save(tmp_path / "stray.png")
        assert opened(tmp_path).spec.classes == ()
        with pytest.raises(ValueError, match="looked for a sub-folder for each class"):
            opened(tmp_path, condition="label")

    def test_links_in_a_circle_end(self, tmp_path):
        save(tmp_path / "set" / "a" / "1.png")
        (tmp_path / "set" / "a" / "round").symlink_to(tmp_path / "set")
        (tmp_path / "set" / "b").symlink_to(tmp_path / "set" / "a")
        (tmp_path / "set" / "nowhere.png").symlink_to(tmp_path / "gone.png")
        data = opened(tmp_path / "set")
        assert len(data) == 1
        assert data.report.broken == {"nowhere.png": "link to nowhere"}

    def test_many_files_are_listed_and_few_are_read(self, tmp_path, monkeypatch):
        save(tmp_path / "0.png")
        for number in range(1, 20_000):
            os.link(tmp_path / "0.png", tmp_path / f"{number}.png")
        reads = []
        read = Path.open
        monkeypatch.setattr(
            Path, "open", lambda path, *mode, **keys: reads.append(path) or read(path, *mode, **keys)
        )
        data = opened(tmp_path)
        assert len(data) == 20_000
        assert len(reads) <= 2001
        assert data.report.surveyed == 2000

    def test_count_is_spread_over_the_set(self, tmp_path):
        for number in range(6):
            save(tmp_path / ("a" if number < 3 else "b") / f"{number}.png", color=number)
        data = opened(tmp_path, count=2, condition="label")
        assert whole(data).condition.tolist() == [0, 1]
        assert "data.count=9, but there are 6 samples" in "\n".join(opened(tmp_path, count=9).report.notes)


class TestArrays:
    @pytest.mark.parametrize(
        ("shape", "expected"),
        [
            ((4, 20, 28), (1, 20, 28)),
            ((4, 20, 28, 5), (5, 20, 28)),
            ((4, 5, 20, 28), (5, 20, 28)),
            ((4, 16, 16, 3), (3, 16, 16)),
        ],
    )
    def test_npz_of_any_layout(self, tmp_path, shape, expected):
        pixels = random_pixels(*shape)
        np.savez(tmp_path / "set.npz", images=pixels)
        data = opened(tmp_path / "set.npz")
        assert data.spec.shape == expected
        ordered = (
            pixels if shape[1:] == expected else pixels.reshape(4, *expected[1:], -1).transpose(0, 3, 1, 2)
        )
        assert torch.allclose(
            whole(data), torch.from_numpy(ordered.astype(np.float32)) / 127.5 - 1, atol=1e-6
        )

    def test_npz_values_of_any_kind(self, tmp_path):
        gray = np.linspace(0, 1, 64).reshape(1, 8, 8)
        for name, pixels in {
            "unit": gray,
            "centred": (gray * 2 - 1).astype(np.float16),
            "deep": np.rint(gray * 65535).astype(">u2"),
            "long": np.rint(gray * 255).astype(np.int64),
        }.items():
            np.savez(tmp_path / f"{name}.npz", anything=pixels)
            assert np.allclose(whole(opened(tmp_path / f"{name}.npz"))[0, 0], gray[0] * 2 - 1, atol=0.005), (
                name
            )
        np.savez(tmp_path / "wild.npz", images=gray * 300)
        with pytest.raises(ValueError, match=r"from 0 to 300; give uint8, uint16, or finite floats"):
            opened(tmp_path / "wild.npz")
        np.savez(tmp_path / "nan.npz", images=gray * np.nan)
        with pytest.raises(ValueError, match="finite floats"):
            opened(tmp_path / "nan.npz")

    def test_npz_labels(self, tmp_path):
        pixels = random_pixels(3, 8, 8)
        np.savez(tmp_path / "a.npz", images=pixels, labels=[2, 0, 1], classes=["x", "y", "z"])
        data = opened(tmp_path / "a.npz", condition="label")
        assert data.spec.classes == ("x", "y", "z")
        assert whole(data).condition.tolist() == [2, 0, 1]
        np.savez(tmp_path / "b.npz", images=pixels, labels=[2, 0, 9], classes=["x", "y", "z"])
        with pytest.raises(ValueError, match="labels run from 0 to 9, but there are 3 classes"):
            opened(tmp_path / "b.npz")
        np.savez(tmp_path / "c.npz", images=pixels, labels=[0, 1])
        with pytest.raises(ValueError, match="labels must be 3 integers"):
            opened(tmp_path / "c.npz")
        np.savez(tmp_path / "d.npz", images=pixels)
        with pytest.raises(ValueError, match=r"looked for an array `labels` in d\.npz"):
            opened(tmp_path / "d.npz", condition="label")

    def test_a_set_is_resized_and_recoloured(self, tmp_path):
        np.savez(tmp_path / "a.npz", images=random_pixels(3, 28, 28))
        data = opened(tmp_path / "a.npz", size=32, channels=3)
        assert whole(data).shape == (3, 3, 32, 32)
        assert "3 of 3 pictures are smaller than 32x32 and are enlarged" in "\n".join(data.report.notes)
        with pytest.raises(ValueError, match=r"data\.channels=4, but the data have 1"):
            opened(tmp_path / "a.npz", channels=4)

    @pytest.mark.parametrize(
        ("images", "labels"),
        [
            ("images-idx3-ubyte", "labels-idx1-ubyte"),
            ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ],
    )
    @pytest.mark.parametrize("packed", [False, True])
    def test_idx(self, tmp_path, images, labels, packed):
        pixels = random_pixels(3, 20, 28)
        for name, array in {images: pixels, labels: np.array([1, 0, 1], np.uint8)}.items():
            raw = idx_bytes(array)
            (tmp_path / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(raw) if packed else raw)
        for source in (tmp_path, tmp_path / (f"{images}.gz" if packed else images)):
            data = opened(source, condition="label")
            assert data.spec.shape == (1, 20, 28)
            assert whole(data).condition.tolist() == [1, 0, 1]
            assert torch.allclose(
                whole(data).real[:, 0], torch.from_numpy(pixels / np.float32(127.5) - 1), atol=1e-6
            )

    def test_training_pictures_come_before_test_pictures(self, tmp_path):
        for name, count in {"t10k-images.idx3-ubyte": 1, "train-images.idx3-ubyte": 2}.items():
            (tmp_path / name).write_bytes(idx_bytes(random_pixels(count, 8, 8)))
        assert len(opened(tmp_path)) == 2

    @pytest.mark.skipif(not REAL.is_dir(), reason=f"no real data at {REAL}: set GANARIUM_DATA")
    def test_real_digits(self):
        data = opened(REAL / "mnist_small", condition="label")
        assert data.spec.shape == (1, 28, 28)
        assert len(data) == 5000
        assert data.spec.classes == tuple("0123456789")
        assert min(data.report.classes.values()) > 400
        digits = data.batch(range(200))
        assert digits.real.min() == -1
        assert digits.real.max() == 1
        assert -0.9 < digits.real.mean() < -0.6

    @pytest.mark.skipif(not REAL.is_dir(), reason=f"no real data at {REAL}: set GANARIUM_DATA")
    def test_real_photos(self):
        data = opened(REAL / "cifar10_small", condition="label")
        assert data.spec.shape == (3, 32, 32)
        assert data.spec.classes[3] == "cat"
        assert set(data.report.classes.values()) == {200}


class TestZip:
    def archive(self, path, members):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in members.items():
                archive.writestr(name, body)
        return path

    def png(self, color="red"):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), color).save(buffer, "PNG")
        return buffer.getvalue()

    def test_read_in_place(self, tmp_path):
        members = {f"set/{c}/{i}.png": self.png(c) for c in ("red", "blue") for i in range(2)}
        members |= {"set/read.me": b"", "__MACOSX/set/red/._0.png": b"junk"}
        path = self.archive(tmp_path / "a.zip", members)
        data = opened(path, condition="label")
        assert data.spec.classes == ("blue", "red")
        assert len(data) == 4
        assert not data.report.broken
        assert whole(data).real[3, :, 0, 0].tolist() == [1, -1, -1]
        assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]

    def test_members_that_point_outside_are_refused_by_name(self, tmp_path):
        evil = ["../up.png", "/etc/root.png", "a/../../b.png", "..\\win.png", "C:\\win.png"]
        path = self.archive(
            tmp_path / "a.zip", {"good.png": self.png()} | {name: self.png() for name in evil}
        )
        data = opened(path)
        assert len(data) == 1
        assert set(data.report.broken.values()) == {"points outside the archive"}
        assert len(data.report.broken) == 5

    def test_bombs_are_refused(self, tmp_path):
        path = self.archive(tmp_path / "a.zip", {"good.png": self.png(), "bomb.png": bytes(2**24)})
        data = opened(path)
        assert len(data) == 1
        assert "would unpack to 16,777,216" in data.report.broken["bomb.png"]
        hoard = self.archive(tmp_path / "b.zip", {f"{i}.png": bytes(2**20) for i in range(100)})
        with pytest.raises(ValueError, match=r"b\.zip is refused: a bomb"):
            opened(hoard)

    def test_encrypted_members_are_refused(self, tmp_path):
        path = self.archive(tmp_path / "a.zip", {"a.png": self.png(), "b.png": self.png()})
        raw = bytearray(path.read_bytes())
        raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(raw)
        assert opened(path).report.broken == {"b.png": "encrypted"}

    def test_no_zip_and_no_pictures(self, tmp_path):
        (tmp_path / "a.zip").write_bytes(b"PK nothing")
        with pytest.raises(ValueError, match="is no whole zip"):
            opened(tmp_path / "a.zip")
        with pytest.raises(ValueError, match=r"nothing to use in .*b\.zip"):
            opened(self.archive(tmp_path / "b.zip", {"a.txt": b"hello"}))
        with pytest.raises(ValueError, match=r"refused \.\./up\.png \(points outside the archive\)"):
            opened(self.archive(tmp_path / "c.zip", {"../up.png": self.png()}))

    def test_a_table_inside(self, tmp_path):
        members = {
            "set/1.png": self.png(),
            "set/2.png": self.png(),
            "set/attr.csv": "f,hat\n1.png,1\n2.png,0\n",
        }
        path = self.archive(tmp_path / "a.zip", members)
        assert whole(opened(path, condition="attributes")).condition.tolist() == [[1], [0]]


class TestNamed:
    def digits(self):
        return gzip.compress(idx_bytes(random_pixels(4, 28, 28))), gzip.compress(
            idx_bytes(np.arange(4, dtype=np.uint8))
        )

    def pinned(self, monkeypatch, bodies):
        downloads = tuple(
            naming.Download(each.file, each.addresses, hashlib.sha256(body).hexdigest())
            for each, body in zip(naming.NAMED["mnist"].downloads, bodies, strict=True)
        )
        pinned = naming.Named(downloads, naming.NAMED["mnist"].classes, naming.NAMED["mnist"].read)
        monkeypatch.setitem(naming.NAMED, "mnist", pinned)

    def network(self, monkeypatch, bodies, url="https://mirror.example/file"):
        def answer(address, timeout):
            body = io.BytesIO(bodies["labels" in address])
            body.url = url
            return body

        monkeypatch.setattr(naming, "urlopen", answer)

    def offline(self, monkeypatch):
        def no_answer(address, timeout):
            raise URLError("no route to host")

        monkeypatch.setattr(naming, "urlopen", no_answer)

    @pytest.fixture(autouse=True)
    def cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GANARIUM_CACHE", str(tmp_path / "cache"))
        return tmp_path / "cache"

    def test_downloaded_once_then_read_from_the_cache(self, monkeypatch, cache):
        bodies = self.digits()
        self.pinned(monkeypatch, bodies)
        self.network(monkeypatch, bodies)
        assert opened("mnist", condition="label").spec.classes == tuple("0123456789")
        self.offline(monkeypatch)
        data = opened("mnist", condition="label")
        assert whole(data).condition.tolist() == [0, 1, 2, 3]
        assert len(list((cache / "mnist").iterdir())) == 2

    @pytest.mark.parametrize("name", naming.NAMED)
    def test_without_network_the_error_says_where_to_put_the_file(self, monkeypatch, cache, name):
        self.offline(monkeypatch)
        with pytest.raises(
            FileNotFoundError, match=r"no route to host.*place it at .*cache/.*GANARIUM_CACHE"
        ):
            opened(name)

    def test_a_wrong_checksum_leaves_nothing(self, monkeypatch, cache):
        self.pinned(monkeypatch, self.digits())
        self.network(monkeypatch, (b"a captive portal", b""))
        with pytest.raises(FileNotFoundError, match="instead of"):
            opened("mnist")
        assert not list((cache / "mnist").iterdir())
        (cache / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
        with pytest.raises(ValueError, match=r"has SHA-256 .* delete it"):
            opened("mnist")

    def test_only_https(self, monkeypatch, cache):
        assert all(
            a.startswith("https://") for n in naming.NAMED.values() for d in n.downloads for a in d.addresses
        )
        bodies = self.digits()
        self.pinned(monkeypatch, bodies)
        self.network(monkeypatch, bodies, url="http://mirror.example/file")
        with pytest.raises(FileNotFoundError, match="which is not https"):
            opened("mnist")

    def test_cifars_binary_version(self, tmp_path):
        records = np.concatenate([np.arange(4, dtype=np.uint8)[:, None], random_pixels(4, 3072)], axis=1)
        path = tmp_path / "cifar.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, rows in {"data_batch_2.bin": records[2:], "data_batch_1.bin": records[:2]}.items():
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = rows.size
                archive.addfile(member, io.BytesIO(rows.tobytes()))
        source = naming.cifar_binary(path, naming.NAMED["cifar10"].classes)
        assert source.images.shape == (4, 3, 32, 32)
        assert source.labels.tolist() == [0, 1, 2, 3]
        assert np.array_equal(source.images[3].ravel(), records[3, 1:])
        path.write_bytes(path.read_bytes()[:2000])
        with pytest.raises(ValueError, match="damaged"):
            naming.cifar_binary(path, ())


class TestDrawn:
    def test_the_world(self):
        data = opened("world", count=60, condition="label")
        assert data.spec.shape == (3, 32, 32)
        assert len(data) == 60
        assert len(data.spec.classes) == 6
        assert torch.equal(whole(data).real, whole(opened("world", count=60, condition="label")).real)
        other = open_data(Data(source="world", count=60, condition="label"), seed=1)
        assert not torch.equal(whole(data).real, whole(other).real)
        assert opened("world", count=4, size=(20, 28), channels=1).spec.shape == (1, 20, 28)

    @pytest.mark.parametrize(
        ("condition", "channels"),
        [("semantic", 1), ("outline", 1), ("style", 3), ("silhouette", 1), ("blur", 3)],
    )
    def test_the_world_shows_what_it_knows(self, condition, channels):
        data = opened("world", count=12, condition=condition)
        assert data.spec.condition_shape == (channels, 32, 32)
        plain, mirrored = data.batch(range(12)), data.batch(range(12), mirrored=[True] * 12)
        assert plain.condition.min() >= -1
        assert plain.condition.max() <= 1
        assert torch.allclose(mirrored.condition, plain.condition.flip(-1), atol=1e-5)
        assert torch.equal(mirrored.real, plain.real.flip(-1))
        again = opened("world", count=12, condition=condition, cache_gib=0)
        assert torch.equal(again.batch(range(12)).condition, plain.condition)

    def test_semantic_maps_tell_the_classes_apart(self):
        shown = opened("world", count=48, condition="semantic").batch(range(48)).condition
        assert shown.unique().numel() == 7
        assert (shown == -1).float().mean() > 0.3

    def test_points(self):
        data = opened("ring", count=500)
        assert data.spec.shape == (2,)
        assert data.batch([3, 1]).shape == (2, 2)
        assert not torch.equal(whole(data), whole(open_data(Data(source="ring", count=500), seed=1)))
        for keys in ({"size": 8}, {"channels": 3}, {"flip": True}, {"condition": "grey"}):
            with pytest.raises(ValueError, match=rf"data\.{next(iter(keys))}="):
                opened("ring", **keys)


@pytest.mark.parametrize("kind", ["world", "folder", "array"])
def test_sizes_have_a_length_for_each_axis(tmp_path, kind):
    save(tmp_path / "a.png", (8, 8))
    np.savez(tmp_path / "b.npz", images=np.zeros((2, 8, 8), np.uint8))
    source = {"world": "world", "folder": tmp_path / "a.png", "array": tmp_path / "b.npz"}[kind]
    assert opened(source, size=(16, 17), count=1).spec.shape[1:] == (16, 17)
    for key in ({"size": (1, 2, 3)}, {"load_size": (1, 2, 3), "size": 1}):
        with pytest.raises(ValueError, match=r"data\.size=\[1, 2, 3\] has 3 lengths; images have 2: H, W"):
            opened(source, **key)


def test_unknown_names_and_conditions():
    with pytest.raises(FileNotFoundError, match="did you mean cifar10"):
        opened("cifra10")
    with pytest.raises(
        ValueError, match="choose from label, attributes, domains, pair, map, semantic, outline"
    ):
        opened("world", condition="sketch", count=4)


@pytest.mark.parametrize("gib", [0.0, 1.0])
def test_what_is_kept_equals_what_is_read_anew(tmp_path, gib):
    for number in range(5):
        save(tmp_path / f"{number}.png", (9, 9), number * 50, "L")
    data = opened(tmp_path, cache_gib=gib, condition="blur")
    first = data.batch([4, 0, 4, 2], mirrored=[True, False, False, True])
    second = data.batch([4, 0, 4, 2], mirrored=[True, False, False, True])
    assert torch.equal(first.real, second.real)
    assert torch.equal(first.condition, second.condition)
    assert first.real[:, 0, 0, 0].mul(127.5).add(127.5).round().tolist() == [200, 0, 200, 100]
