import io

import numpy as np
import pytest
import torch
from PIL import Image

from ganarium.data.conditions.attributes import Attributes
from ganarium.data.dataset import open_data
from ganarium.data.settings import Data
from ganarium.data.sources.attribute_tables import attribute_table

torch.set_num_threads(1)

CELEBA = "3\nSmiling  Young\n000001.jpg -1  1\n000002.jpg  1  1\n000003.jpg  1 -1\n"


def photos(folder, count=3):
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number:06}.jpg")
    return folder


def conditions(folder, **keys):
    data = open_data(Data(source=str(folder), condition="attributes", **keys))
    return data, data.batch(range(len(data))).condition


def test_celebas_layout():
    table = attribute_table("list_attr_celeba.txt", io.StringIO(CELEBA))
    assert table.names == ("Smiling", "Young")
    vectors = table.of(["000003.jpg", "sub/000001.jpg", "nobody.jpg"])
    assert vectors[:2].tolist() == [[1, 0], [0, 1]]
    assert np.isnan(vectors[2]).all()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_finds_its_columns(delimiter):
    lines = ["\ufeffage,file,smiling,young,hat", "31,a.png,1,-1,yes", "7,x/b.png,0,1,No"]
    table = attribute_table("a.csv", io.StringIO("\n".join(lines).replace(",", delimiter)))
    assert table.names == ("smiling", "young", "hat")
    assert table.left_out == ("age",)
    assert table.of(["x/b.png", "y/a.png"]).tolist() == [[0, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", "file,smiling\na.png,1,0\n", "row 2: 3 values under 2 names"),
        (
            "a.csv",
            "who,smiling\nanna,1\n",
            "no column holds names of picture files; its columns: who, smiling",
        ),
        ("a.csv", "file,age\na.png,31\n", "no column holds only 0 and 1"),
        ("a.csv", "", "no column"),
        ("list_attr_celeba.txt", "many\nSmiling\n", "the first line must be the number of rows"),
        ("list_attr_celeba.txt", "1\nSmiling Young\na.jpg 1\n", "line 3: expected a file name and 2 times"),
        ("list_attr_celeba.txt", "1\nSmiling\na.jpg 5\n", "line 3"),
    ],
)
def test_other_tables_are_refused(name, text, complaint):
    with pytest.raises(ValueError, match=complaint):
        attribute_table(name, io.StringIO(text))


@pytest.mark.parametrize("place", ["faces/list_attr_celeba.txt", "list_attr_celeba.txt"])
def test_the_table_lies_in_the_folder_or_beside_it(tmp_path, place):
    photos(tmp_path / "faces")
    (tmp_path / place).write_text(CELEBA)
    data, vectors = conditions(tmp_path / "faces")
    assert data.spec.condition == Attributes(("Smiling", "Young"))
    assert data.spec.condition_shape == (2,)
    assert vectors.dtype == torch.float32
    assert vectors.tolist() == [[0, 1], [1, 1], [1, 0]]
    assert "attributes are read from list_attr_celeba.txt" in data.report.notes


def test_pictures_without_a_row_are_named_and_left_out(tmp_path):
    photos(tmp_path / "faces", 5)
    (tmp_path / "faces" / "table.csv").write_text("image,hat,age\n000002.jpg,1,30\n000004.jpg,0,40\n")
    data, vectors = conditions(tmp_path / "faces")
    assert len(data) == 2
    assert vectors.tolist() == [[1], [0]]
    told = "\n".join(data.report.lines())
    assert "3 samples have no row of attributes and are left out: 000001.jpg, 000003.jpg, 000005.jpg" in told
    assert "left out: age" in told
    assert len(open_data(Data(source=str(tmp_path / "faces")))) == 5


def test_without_a_table_the_error_says_what_was_looked_for(tmp_path):
    photos(tmp_path / "faces")
    with pytest.raises(
        ValueError, match=r"looked for a \.csv with a column of file names, or list_attr_celeba"
    ):
        conditions(tmp_path / "faces")
    (tmp_path / "faces" / "table.csv").write_text("image,hat\nnobody.jpg,1\n")
    with pytest.raises(ValueError, match=r"table\.csv names none of the pictures"):
        conditions(tmp_path / "faces")


def test_the_world_knows_its_attributes_and_mirrors_them():
    data = open_data(Data(source="world", condition="attributes", count=40))
    left = data.spec.condition.names.index("left")
    assert data.spec.condition.mirrored == ("left",)
    plain, mirrored = (data.batch(range(40), mirrored=[turn] * 40) for turn in (False, True))
    assert torch.equal(mirrored.real, plain.real.flip(-1))
    assert torch.equal(mirrored.condition[:, left], 1 - plain.condition[:, left])
    others = [i for i in range(plain.condition.shape[1]) if i != left]
    assert torch.equal(mirrored.condition[:, others], plain.condition[:, others])
