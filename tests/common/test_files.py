"""Atomic writing: which files may be replaced, and by what."""

import numpy as np
import pytest
from PIL import Image

from ganarium.common.files import atomic_write


def write(path, content, *overwrite):
    with atomic_write(path, *overwrite) as file:
        file.write(content)


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_existing_file_is_replaced_by_default(tmp_path):
    for content in (b"one", b"two"):
        write(tmp_path / "deep" / "file", content)
        assert (tmp_path / "deep" / "file").read_bytes() == content
    assert left(tmp_path / "deep") == ["file"]


@pytest.mark.parametrize("overwrite", ["never", "if-equal"])
def test_an_existing_file_is_not_replaced_by_something_else(overwrite, tmp_path):
    path = tmp_path / "file"
    write(path, b"one", overwrite)
    with pytest.raises(FileExistsError, match=f"^{path} is there already"):
        write(path, b"two", overwrite)
    assert path.read_bytes() == b"one"
    assert left(tmp_path) == ["file"]


def test_the_same_contents_may_be_written_again(tmp_path):
    path = tmp_path / "file"
    for _ in range(2):
        write(path, b"one", "if-equal")
    with pytest.raises(FileExistsError, match="is there already and holds something else"):
        write(path, b"two", "if-equal")
    with pytest.raises(FileExistsError, match="is there already; choose another path"):
        write(path, b"one", "never")
    assert path.read_bytes() == b"one"


def test_nothing_is_computed_for_a_file_that_may_not_be_written(tmp_path):
    write(tmp_path / "file", b"one")
    with pytest.raises(FileExistsError), atomic_write(tmp_path / "file", "never"):
        raise AssertionError("the block ran")


@pytest.mark.parametrize(("step", "size", "same"), [(1, 5, True), (2, 5, False), (0, 6, False)])
def test_pixels_of_png_files_may_differ_by_a_level(step, size, same, tmp_path):
    def picture(value, side):
        return Image.fromarray(np.full((side, 5, 3), value, np.uint8))

    path = tmp_path / "file.png"
    with atomic_write(path, "if-equal") as file:
        picture(100, 5).save(file, format="PNG")
    before = path.read_bytes()

    def again():
        with atomic_write(path, "if-equal") as file:
            picture(100 - step, size).save(file, format="PNG")

    if same:
        again()
    else:
        with pytest.raises(FileExistsError, match="holds something else"):
            again()
        assert path.read_bytes() == before
    assert left(tmp_path) == ["file.png"]


def test_a_damaged_png_is_something_else(tmp_path):
    path = tmp_path / "file.png"
    path.write_bytes(b"no image")
    with pytest.raises(FileExistsError, match="holds something else"), atomic_write(path, "if-equal") as file:
        Image.new("L", (2, 2)).save(file, format="PNG")
    assert path.read_bytes() == b"no image"


def test_a_failure_leaves_nothing(tmp_path):
    def half():
        with atomic_write(tmp_path / "file") as file:
            file.write(b"half")
            raise OSError("no image")

    with pytest.raises(OSError, match=r"^no image$"):
        half()
    assert left(tmp_path) == []
