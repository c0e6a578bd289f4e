"""What a run keeps of its data: the report, and a sheet of real samples beside the drawn ones."""

import json

import numpy as np
import pytest
from PIL import Image

import ganarium as gan
from ganarium.common import grids
from ganarium.data.dataset import open_data
from ganarium.data.report import Report
from ganarium.data.settings import Data
from ganarium.monitoring import data_summary

SMALL = {
    "device": "cpu",
    "images": 32,
    "batch_size": 8,
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
}


def pictures(folder, count, size=8):
    """Grey pictures whose level is their number."""
    folder.mkdir()
    for i in range(count):
        Image.fromarray(np.full((size, size), i, dtype=np.uint8)).save(folder / f"{i:03d}.png")
    return folder


def cells(sheet, size=8):
    """The grey level of each picture on a sheet, row by row."""
    with Image.open(sheet) as image:
        levels = np.asarray(image.convert("L"))
    return levels[grids.GAP + 1 :: size + grids.GAP, grids.GAP + 1 :: size + grids.GAP].ravel().tolist()


def test_the_sheet_is_spread_over_the_data(tmp_path):
    data_summary.save(open_data(Data(source=str(pictures(tmp_path / "data", 128)))), tmp_path)
    assert cells(tmp_path / "data.png") == list(range(0, 128, 2))


def test_the_sheet_shows_what_came_with_the_conditions_that_samples_are_drawn_for(tmp_path):
    source = pictures(tmp_path / "data", 128)
    data_summary.save(open_data(Data(source=str(source), condition="blur")), tmp_path)
    assert cells(tmp_path / "data.png") == list(range(64)), "as `TrainingLoop.draw` takes its conditions"


def test_points_are_a_scatter_plot(tmp_path):
    data_summary.save(open_data(Data(source="ring", count=100)), tmp_path)
    with Image.open(tmp_path / "data.png") as image:
        assert image.size == (400, 400)
    assert data_summary.read(tmp_path)["kind"] == "points of the ring"


def test_a_run_keeps_its_report_with_what_proved_broken_on_the_way(tmp_path):
    source = pictures(tmp_path / "data", 24)
    noise = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    Image.fromarray(noise).save(source / "007.png")
    whole = (source / "007.png").read_bytes()
    (source / "007.png").write_bytes(whole[:-40])  # its header is whole: only decoding finds out
    run = gan.train("dcgan", data={"source": str(source), "size": 16}, out=tmp_path / "run", **SMALL)
    tree = data_summary.read(run.folder)
    assert (tree["samples"], tree["shape"]) == (24, [1, 16, 16])
    assert list(tree["broken"]) == ["007.png"]
    assert Report.from_dict(tree).to_dict() == tree


@pytest.mark.parametrize("text", ["{", "[1]", '"\udcff"'])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "data.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=r"data.json is damaged"):
        data_summary.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        data_summary.read(tmp_path / "nowhere")


def test_a_name_that_is_no_text_is_kept(tmp_path):
    dataset = open_data(Data(source="ring", count=10))
    dataset.report.note("bad \udcff name")
    data_summary.save_report(dataset, tmp_path)
    assert json.loads((tmp_path / "data.json").read_text())["notes"] == ["bad \udcff name"]
    assert Report.from_dict(data_summary.read(tmp_path)).lines()[-1] == r"bad \udcff name"
