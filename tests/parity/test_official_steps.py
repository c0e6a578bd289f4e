"""Two training steps of the official programs, from their weights: losses, and the new weights."""

import pytest
import torch
from records import FOLDER, JUNYANZ, RECORDS
from test_official_networks import imported

from ganarium.core.engine import Engine
from ganarium.data.batches import Conditioned, Unpaired
from ganarium.methods.paired.pix2pix import Pix2Pix
from ganarium.methods.unpaired.cyclegan import CycleGAN

OBJECTIVE = {"lsgan": "least-squares", "vanilla": "non-saturating", "wgangp": "wasserstein"}
TOLERANCE = 1e-4
CYCLEGAN = {
    "netG_A": "a_to_b",
    "netG_B": "b_to_a",
    "netD_A": "discriminator_b",
    "netD_B": "discriminator_a",
}
CYCLEGANS_LOSSES = {
    "G_A": "a_to_b/adversarial_b",
    "G_B": "a_to_b/adversarial_a",
    "cycle_A": "a_to_b/cycle_a",
    "cycle_B": "a_to_b/cycle_b",
    "idt_A": "a_to_b/identity_b",
    "idt_B": "a_to_b/identity_a",
    "D_A": "discriminator_b/adversarial",
    "D_B": "discriminator_a/adversarial",
}
PIX2PIX = {"netG": "generator", "netD": "discriminator"}


def those(official):
    records = [record for record in RECORDS if record.official == (JUNYANZ, official)]
    if not records:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no records of {official} in {FOLDER}"))]
    return [pytest.param(record, id=record.name) for record in records]


def networks(record, names, folder):
    parts = {ours: imported(record, folder, part=theirs) for theirs, ours in names.items()}
    for lone in parts.values():  # laid out as the official ones: Adam's first steps amplify any rounding
        lone.network.requires_grad_(True).to(memory_format=torch.contiguous_format)
    return {name: lone.network for name, lone in parts.items()}


def played(record, game, batch, learning_rate=None):
    """The terms of two rounds on the same batch, and the game after the first."""
    told = record.told["constructor"]
    adam = {
        name: torch.optim.Adam(net.parameters(), learning_rate or told["lr"], (told["beta1"], 0.999))
        for name, net in game.players().items()
    }
    engine = Engine(game.train(), adam)

    def batches():
        while True:
            yield batch

    terms = [engine.round(batches())]
    after = {name: value.clone() for name, value in game.state_dict().items()}
    return [*terms, engine.round(batches())], after


def cyclegan(record, folder):
    told, given = record.told["constructor"], record.tensors["in"]
    assert told["lambda_A"] == told["lambda_B"]
    game = CycleGAN(
        **networks(record, CYCLEGAN, folder),
        objective=OBJECTIVE[told["gan_mode"]],
        cycle_weight=told["lambda_A"],
        identity_weight=told["lambda_identity"],
        pool_size=told["pool_size"],
    )
    return game, Unpaired((given["A"], given["B"]))


def pix2pix(record, folder):
    told, given = record.told["constructor"], record.tensors["in"]
    game = Pix2Pix(
        **networks(record, PIX2PIX, folder),
        objective=OBJECTIVE[told["gan_mode"]],
        l1_weight=told["lambda_L1"],
    )
    return game, Conditioned(given["B"], given["A"])


def recorded(record, step, name):
    return float(record.tensors["out"][f"loss_step{step}/{name}"])


def check_weights(record, names, after, folder):
    """Adam's first step is about lr times the gradient's sign: two of them apart where that is noise."""
    told, official = record.told, record.tensors["out"]
    ended = dict(record.tensors["weights"])
    moved = {key.removeprefix("after/"): value for key, value in official.items() if key.startswith("after/")}
    ended.update(moved)
    (folder / "after").mkdir()
    wanted = {
        ours: imported(record, folder / "after", part=theirs, weights=ended).network
        for theirs, ours in names.items()
    }
    step = told["constructor"]["lr"]
    for name, network in wanted.items():
        for key, value in network.state_dict().items():
            if key.endswith("bias") or not value.is_floating_point():  # before a norm its gradient is noise
                continue
            apart = (after[f"{name}.{key}"] - value).abs()
            assert apart.max() <= 2.01 * step, f"{name}.{key}"
            assert (apart > step / 10).float().mean() < 0.02, f"{name}.{key}"


@pytest.mark.parametrize("record", those("CycleGANModel"))
def test_cyclegan(record, tmp_path):
    game, batch = cyclegan(record, tmp_path)
    terms, after = played(record, game, batch)
    for step, found in enumerate(terms, 1):
        for theirs, ours in CYCLEGANS_LOSSES.items():
            assert float(found[ours]) == pytest.approx(recorded(record, step, theirs), rel=TOLERANCE), theirs
    check_weights(record, CYCLEGAN, after, tmp_path)


@pytest.mark.parametrize("record", those("Pix2PixModel"))
def test_pix2pix(record, tmp_path):
    game, batch = pix2pix(record, tmp_path)
    terms, after = played(record, game, batch)
    for step, found in enumerate(terms, 1):
        halves = [recorded(record, step, name) for name in ("D_real", "D_fake")]
        assert float(found["discriminator/adversarial"]) == pytest.approx(sum(halves) / 2, rel=TOLERANCE)
        for theirs, ours in {"G_GAN": "generator/adversarial", "G_L1": "generator/l1"}.items():
            assert float(found[ours]) == pytest.approx(recorded(record, step, theirs), rel=TOLERANCE), theirs
    check_weights(record, PIX2PIX, after, tmp_path)


@pytest.mark.parametrize("record", those("CycleGANModel"))
def test_another_learning_rate_is_seen(record, tmp_path):
    game, batch = cyclegan(record, tmp_path)
    terms, after = played(record, game, batch, learning_rate=1e-12)
    assert float(terms[1]["a_to_b/cycle_a"]) != pytest.approx(recorded(record, 2, "cycle_A"), rel=TOLERANCE)
    with pytest.raises(AssertionError):
        check_weights(record, CYCLEGAN, after, tmp_path)
