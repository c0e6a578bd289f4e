"""Tests of the comparisons of translators and of their measurements."""

import json
import re
from dataclasses import replace

import pytest
import torch
from PIL import Image

from ganarium.common.grids import GAP
from small_runs import ROOT

SOME = {
    "losses": ("mask: GAN alone", "mask: untrained", "silhouette: L1 alone"),
    "norms": ("U-Net, batch, 4 at a time", "ResNet, none, 4 at a time"),
    "teacher": ("U-Net", "on true pairs"),
}
"""Parts for the quick tests."""
FEW = ["--seeds", "3", "--images", "8", "--scenes", "4", "--device", "cpu"]


@pytest.fixture
def comparisons(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import comparisons

    monkeypatch.setattr(comparisons, "SIZE", 16)
    monkeypatch.setattr(comparisons, "COUNT", 8)
    return comparisons


def output_of(comparisons, name, folder, monkeypatch, capsys):
    """Return the output of `python -m benchmarks.comparisons`."""
    monkeypatch.setattr("sys.argv", ["comparisons", name, *FEW, "--out", str(folder)])
    comparisons.main()
    return capsys.readouterr().out


@pytest.mark.parametrize("name", SOME)
def test_a_comparison_gives_a_table_its_values_and_an_image(comparisons, name, tmp_path, monkeypatch, capsys):
    some = replace(comparisons.COMPARISONS[name], parts=SOME[name])
    monkeypatch.setitem(comparisons.COMPARISONS, name, some)
    text = output_of(comparisons, name, tmp_path, monkeypatch, capsys)
    assert re.match(rf"\d{{4}}-\d\d-\d\d, {name}: .*, torch .*; seeds 3, 8 images per model", text)
    rows = [line.split(" | ")[0].removeprefix("| ") for line in text.splitlines()[4:]]
    values = json.loads((tmp_path / f"{name}.json").read_text())
    assert rows == list(values)
    assert len(rows) == len(SOME[name]) + (name == "teacher")
    assert all(list(by_seed) == ["3"] for by_seed in values.values())
    assert (tmp_path / f"{name}.md").read_text() == text
    shown = sum(comparisons.CONTROL not in row for row in rows) + 2 * len(some.tasks(3))
    height = comparisons.SIZE * comparisons.ENLARGED + 2 * GAP
    assert Image.open(tmp_path / f"{name}.png").height == shown * height


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test_every_part_of_a_comparison_can_be_played(comparisons, name, tmp_path, monkeypatch, capsys):
    text = output_of(comparisons, name, tmp_path, monkeypatch, capsys)
    assert text.count("\n| ") >= len(comparisons.COMPARISONS[name].parts) + 1


@pytest.mark.slow
def test_processes_side_by_side_give_what_one_gives(comparisons):
    """Other processes import the module again, so the sizes are those of the file."""
    settings = comparisons.Settings(0, 8, 4, "cpu")
    comparisons.SIZE, comparisons.COUNT = 32, 2_000
    alone, together = (comparisons.outcomes("losses", [0], settings, jobs) for jobs in (1, 2))
    assert list(alone) == list(together)
    for row, by_seed in alone.items():
        assert together[row][0].values == pytest.approx(by_seed[0].values)


@pytest.mark.slow
def test_a_discriminator_sharpens_where_l1_blurs(comparisons, monkeypatch):
    """Use the settings of the tables with a shorter training."""
    monkeypatch.setattr(comparisons, "SIZE", 32)
    monkeypatch.setattr(comparisons, "COUNT", 1_000)
    settings = comparisons.Settings(0, 6_000, 100, "cpu")
    sharpness = {
        loss: comparisons.play_loss(f"silhouette: {loss}", settings)[f"silhouette: {loss}"].values[
            "sharpness"
        ]
        for loss in ("L1 alone", "GAN alone", comparisons.CONTROL)
    }
    assert sharpness[comparisons.CONTROL] < 0.1
    assert 0.1 < sharpness["L1 alone"] < 0.5
    assert sharpness["GAN alone"] > 0.7


@pytest.mark.slow
def test_a_student_repeats_its_teacher(comparisons, monkeypatch):
    monkeypatch.setattr(comparisons, "SIZE", 32)
    monkeypatch.setattr(comparisons, "COUNT", 1_000)
    settings = comparisons.Settings(0, 1_600, 200, "cpu")
    teacher, student = comparisons.play_teacher("ResNet", settings).values()
    (untrained,) = comparisons.play_teacher(comparisons.CONTROL, settings).values()
    assert student.values["psnr against the teacher"] > student.values["psnr"] + 2
    assert abs(student.values["right"] - teacher.values["right"]) < 0.15
    assert student.values["class"] > 0.5 > untrained.values["class"]


def test_blur_lowers_sharpness_and_noise_raises_it(comparisons):
    stripes = torch.ones(1, 3, 16, 16)
    stripes[..., 4:8] = -1
    blurred = torch.nn.functional.avg_pool2d(stripes, (1, 3), 1, (0, 1), count_include_pad=False)
    noisy = stripes + 0.3 * torch.randn(stripes.shape, generator=torch.Generator().manual_seed(0))
    sharp = comparisons.edge_energy(stripes)
    assert comparisons.edge_energy(blurred) < 0.5 * sharp
    assert comparisons.edge_energy(noisy) > 1.2 * sharp
    assert comparisons.edge_energy(torch.zeros(1, 3, 16, 16)) == 0


def test_own_statistics_apply_within_the_block_only(comparisons, tmp_path):
    settings = comparisons.Settings(0, 8, 4, "cpu")
    changes = {"networks": {"translator": {"norm": "batch"}}, "data": {"size": 16, "count": 8}}
    model = comparisons.trained("cyclegan", tmp_path / "run", settings, changes)
    before = {name: value.clone() for name, value in model.game.state_dict().items()}
    images = comparisons.tensor(comparisons.held_out_scenes(settings).images())
    before_block = model.translate(images)
    with comparisons.own_statistics(model):
        assert not torch.allclose(model.translate(images), before_block, atol=1e-3)
    assert torch.equal(model.translate(images), before_block)
    after = model.game.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items() if "num_batches" not in name)


def test_a_cell_has_the_mean_minimum_and_maximum(comparisons):
    assert comparisons.cell([0.5, 0.75, 0.25], "right") == "0.50 (0.25 to 0.75)"
    assert comparisons.cell([20.04], "psnr") == "20.0"
    assert comparisons.cell([None], "psnr") == ""
