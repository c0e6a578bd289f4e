"""Our objectives of recorded scores: the values that official loss functions gave."""

import pytest
from records import FOLDER, all_records

from ganarium.losses.objectives import OBJECTIVES

RECORDS = [record for record in all_records() if record.name.startswith("losses_gan")]
pytestmark = pytest.mark.skipif(not RECORDS, reason=f"no recorded losses in {FOLDER}")

OFFICIAL = {
    # official name: our objective, our factor (ours halves squares), real, fake and the generator's loss
    "junyanz/lsgan": ("least-squares", 2, "real", "fake", "g"),
    "junyanz/vanilla": ("non-saturating", 1, "real", "fake", "g"),
    "junyanz/wgangp": ("wasserstein", 1, "real", "fake", "g"),
    "biggan/hinge": ("hinge", 1, "d_real", "d_fake", "g"),
    "biggan/dcgan": ("non-saturating", 1, "d_real", "d_fake", "g"),
}


@pytest.mark.parametrize("official", OFFICIAL)
@pytest.mark.parametrize("record", [pytest.param(record, id=record.name) for record in RECORDS])
def test_losses_of_one_scale(record, official):
    name, factor, *wanted = OFFICIAL[official]
    objective, given = OBJECTIVES[name], record.tensors["in"]
    real, fake = given["real0"].double(), given["fake0"].double()
    found = (objective.real(real), objective.fake(fake), objective.generator_loss(fake))
    for ours, theirs in zip(found, wanted, strict=True):
        value = record.told["values_float64"][f"{official}/{theirs}"]
        assert factor * float(ours.mean()) == pytest.approx(value, rel=2e-6), theirs


@pytest.mark.parametrize("record", [pytest.param(record, id=record.name) for record in RECORDS])
def test_spade_averages_over_scales_and_pix2pixhd_sums(record):
    given, values = record.tensors["in"], record.told["values_float64"]
    real = [given[f"real{scale}"].double() for scale in range(2)]
    hinge, squares = ([float(OBJECTIVES[k].real(x).mean()) for x in real] for k in ("hinge", "least-squares"))
    assert sum(hinge) / 2 == pytest.approx(values["spade/hinge/d_real"], rel=2e-6)
    assert 2 * sum(squares) == pytest.approx(values["pix2pixhd/ls/real"], rel=2e-6)
