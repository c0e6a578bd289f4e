"""Tests of the benchmark of translated folders: it runs, and its sides give equal results."""

import re

import pytest
import torch

from small_runs import ROOT

SIDES = ("official", "official-fake", "float32", "bfloat16", "network")


@pytest.fixture
def folders(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import folders

    return folders


def rows(folders, capsys, *options):
    """Return the cells of the table, by side."""
    threads = torch.get_num_threads()
    folders.main(["--pictures", "2", "--side", "32", "--repeats", "1", "--threads", str(threads), *options])
    lines = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| r")]
    return {side.strip(): [cell.strip() for cell in cells] for _, side, *cells in lines}


def levels(text):
    most, mean = re.fullmatch(r"(\d+) \((.+)\)", text).groups()
    return int(most), float(mean)


def test_all_sides_translate_alike(folders, capsys, monkeypatch):
    monkeypatch.setattr(folders, "peak_mib", lambda *arguments: 123)
    table = rows(folders, capsys, "--sides", ",".join(SIDES))
    assert tuple(table) == SIDES
    assert all(float(cells[0]) > 0 and cells[-2] == "123" for cells in table.values())
    assert levels(table["official-fake"][-1]) == (0, 0.0)
    assert levels(table["float32"][-1])[0] <= 1
    assert 1 < levels(table["bfloat16"][-1])[0] < 64
    assert table["network"][-1] == ""


@pytest.mark.slow
def test_onnxruntime_translates_alike_and_memory_is_that_of_a_process(folders, capsys):
    table = rows(folders, capsys, "--sides", "official,onnxruntime")
    assert levels(table["onnxruntime"][-1])[0] <= 1
    assert all(100 < int(cells[-2]) < 4000 for cells in table.values())


@pytest.mark.slow  # 54 million weights
@torch.no_grad()
def test_the_official_unet_is_ours(folders):
    official = folders.official_network("unet256")
    ours = folders.ours(folders.Case("unet256", 256, 1, torch.device("cpu")))
    images = torch.rand(1, 3, 256, 256) * 2 - 1
    assert (ours.translate(images) - official(images)).abs().max() < 1e-4
    assert official(images).std() > 0.1
