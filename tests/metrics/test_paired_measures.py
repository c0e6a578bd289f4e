import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F  # noqa: N812
from torchmetrics.functional.classification import multiclass_jaccard_index

from ganarium.metrics import absolute_error, map_agreement, psnr, ssim
from ganarium.metrics.pairs import MapAgreement, confusions

torch.set_num_threads(1)
PARITY = Path(os.environ.get("GANARIUM_PARITY", Path(__file__).parents[3] / "shared/parity"))
RECORDS = sorted(PARITY.glob("metrics_psnr_ssim*.json"))


def random_images(*shape, seed=0):
    return 2 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1


@pytest.mark.skipif(not RECORDS, reason=f"no recorded PSNR and SSIM in {PARITY}")
@pytest.mark.parametrize("luma", [False, True])
@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_official_psnr_and_ssim(path, luma):
    record, tensors = json.loads(path.read_text()), load_file(path.with_suffix(".safetensors"))
    a, b = (tensors[key].flip(2).permute(2, 0, 1)[None] / 127.5 - 1 for key in ("in/img", "in/img2"))
    values = record["values_float64"]
    for border in (0, record["config"]["crop_border"]):
        for name, measure in (("psnr", psnr), ("ssim", ssim)):
            key = f"{name}_{'y' if luma else 'bgr'}_crop{border}"
            ours = measure(a, b, border=border, luma=luma).item()
            assert ours == pytest.approx(values[key], rel=2e-6), key
            assert measure(a, b, border=border + 1, luma=luma).item() != pytest.approx(values[key], rel=2e-6)


def test_psnr_in_decibels():
    a = torch.zeros(2, 3, 16, 16)
    b = a.clone()
    b[0] += 0.2  # a tenth of the range
    assert psnr(a, b).tolist() == [pytest.approx(20), math.inf]
    assert absolute_error(a, b).tolist() == [pytest.approx(0.2), 0]


def test_ssim_of_equal_blurred_and_other_images():
    a = random_images(4, 3, 24, 32)
    blurred = F.avg_pool2d(F.pad(a, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    assert ssim(a, a).tolist() == pytest.approx([1] * 4)
    assert ssim(a, blurred).allclose(ssim(blurred, a), rtol=1e-12)
    assert 0.9 > ssim(a, blurred).max() > ssim(a, a.roll(1, 0)).max()


def test_bad_pairs_are_named():
    a = random_images(2, 3, 16, 16)
    for measure in (psnr, ssim):
        for pair, keys, message in (
            ((a, a[:1]), {}, "one shape"),
            ((a, a * 9), {}, r"in \[-1, 1\]"),
            ((a, a), {"border": 8}, "border=8.*16 x 16"),
            ((a, a), {"border": -1}, "border=-1"),
            ((a[:, :1], a[:, :1]), {"luma": True}, r"1 channel"),
        ):
            with pytest.raises(ValueError, match=message):
                measure(*pair, **keys)
    with pytest.raises(ValueError, match="at least 11"):
        ssim(a, a, border=3)


def maps(*shape, classes=5, seed=0):
    return torch.randint(classes, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("ignore", [None, 255, 0, 4])
def test_map_agreement_is_the_fields(ignore):
    truth = maps(6, 1, 8, 9)
    found = torch.where(maps(6, 1, 8, 9, seed=1) > 1, truth, maps(6, 1, 8, 9, seed=2))
    if ignore == 255:
        truth[:, :, 0] = 255
    ours = map_agreement(found, truth, classes=5, ignore=ignore)
    each = multiclass_jaccard_index(found, truth, num_classes=5, average="none", ignore_index=ignore)
    counted = [i for i in range(5) if i != ignore]
    assert ours.iou == pytest.approx({i: each[i].item() for i in counted})
    assert ours.mean_iou == pytest.approx(each[counted].mean().item())
    kept = truth != ignore if ignore is not None else torch.ones_like(truth, dtype=torch.bool)
    assert ours.pixel_accuracy == pytest.approx((found == truth)[kept].double().mean().item())
    assert 0.4 < ours.mean_iou < ours.pixel_accuracy < 0.9


def test_map_agreement_at_its_ends():
    truth = maps(2, 8, 8, classes=3)
    assert map_agreement(truth, truth, classes=9) == MapAgreement(1, 1, {0: 1, 1: 1, 2: 1})
    assert map_agreement((truth + 1) % 3, truth, classes=3) == MapAgreement(0, 0, {0: 0, 1: 0, 2: 0})
    assert map_agreement(torch.full_like(truth, 8), truth, classes=9).iou[8] == 0


def test_confusions_are_of_each_map():
    found, truth = maps(3, 1, 4, 4), maps(3, 1, 4, 4, seed=1)
    counts = confusions(found, truth, classes=5)
    assert counts.sum((1, 2)).tolist() == [16] * 3
    assert counts[1, 2, 3] == ((truth[1] == 2) & (found[1] == 3)).sum()
    assert MapAgreement.of(counts.sum(0)) == map_agreement(found, truth, classes=5)


def test_bad_maps_are_named():
    truth = maps(2, 1, 4, 4)
    for found, true, keys, message in (
        (truth, truth[:1], {}, "one shape"),
        (truth.float(), truth, {}, "integers"),
        (truth + 1, truth, {}, r"found label maps .*\[5\].*0 to 4"),
        (truth, truth - 1, {"ignore": 255}, r"true label maps .*\[-1\].*255"),
        (truth, torch.full_like(truth, 255), {"ignore": 255}, "ignored class"),
    ):
        with pytest.raises(ValueError, match=message):
            map_agreement(found, true, classes=5, **keys)
