"""Official state dicts in, official outputs out: every recorded network of a family that is imported.

The network and its settings come from the file of weights alone; a record gives the inputs, what no such file
can tell, and the outputs. `GANARIUM_PARITY` names the folder of records.
"""

import pytest
import torch
from records import COVERED, FOLDER, RECORDS, STEPS

from ganarium.interop import import_network

FLOOR, CEILING = 2e-6, 1e-4
"""Of the difference, relative to the largest value: never asked for less, never allowed more."""

pytestmark = pytest.mark.skipif(not RECORDS, reason=f"no records in {FOLDER}")


def those(condition):
    return [pytest.param(record, id=record.name) for record in RECORDS if condition(record)]


def imported(record, folder, *, part=None, weights=None):
    file = folder / "latest_net.pth"
    torch.save(weights or record.tensors["weights"], file)
    return import_network(file, part=part, **untold(record, part))


def untold(record, part):
    """What the official constructor was told and its file of weights does not show."""
    official = record.told.get("constructor", {})
    settings = {}
    if part == "netG" and official["no_dropout"]:
        settings["dropout"] = 0.0
    if official.get("padding_type") == "replicate":
        settings["padding"] = "replicate"
    if official.get("num_upsampling_layers") == "more":
        settings["doublings"] = 6
    return settings


@torch.no_grad()
def outputs(record, lone):
    """What our network says, under the names of the recorded outputs."""
    network = lone.network.train("train" in record.told["mode"].split("(")[0].split())
    wanted, given = record.tensors["out"], record.tensors["in"]
    if lone.kind == "multi-scale":
        (images,) = given.values()
        found = network.features(images)
        if "scale0.1" not in wanted:
            found = [[scores] for scores in network(images)]
        return {f"scale{i}.{k}": x for i, scale in enumerate(found) for k, x in enumerate(scale)}
    order = ("x", "seg", "inst", "z")
    assert given.keys() <= set(order), f"inputs that this test knows no place for: {list(given)}"
    said = network(*(given[name] for name in order if name in given))
    return {"y": said} if isinstance(said, torch.Tensor) else dict(zip(("mu", "logvar"), said, strict=True))


def differences(record, found):
    """For each recorded output, the largest difference as a share of what is allowed."""
    wanted = record.tensors["out"]
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].shape == tensor.shape, name
        allowed = min(max(10 * record.noise(name), FLOOR), CEILING) * tensor.abs().max()
        yield name, float((found[name] - tensor).abs().max() / allowed)


@pytest.mark.parametrize("record", those(lambda record: record.official in COVERED))
def test_official_weights_give_official_outputs(record, tmp_path):
    lone = imported(record, tmp_path)
    for name, share in differences(record, outputs(record, lone)):
        assert share <= 1, f"{name} is {share:.1f} times as far off as allowed"


@pytest.mark.parametrize("record", those(lambda record: record.official in COVERED))
def test_one_changed_weight_is_seen(record, tmp_path):
    """The control: any tensor that the record says its outputs depend on; here the last of them."""
    inert = record.told.get("inert_keys") or []
    weights = {name: tensor.clone() for name, tensor in record.tensors["weights"].items()}
    name = [k for k in weights if k not in inert and k.endswith(("weight", "weight_orig"))][-1]
    weights[name].view(-1)[0] += 0.1 * weights[name].abs().max()
    lone = imported(record, tmp_path, weights=weights)
    assert max(share for _, share in differences(record, outputs(record, lone))) > 1, name


@pytest.mark.parametrize("record", those(lambda record: record.official not in COVERED))
def test_other_networks_are_refused(record, tmp_path):
    if record.official in STEPS:
        with pytest.raises(ValueError, match=r"several networks: .*net.*part="):
            imported(record, tmp_path)
        return
    with pytest.raises(ValueError, match=r"holds no network that is recognised\.\nnearest: "):
        imported(record, tmp_path)


@pytest.mark.parametrize("record", those(lambda record: record.official in STEPS))
@torch.no_grad()
def test_networks_within_a_recorded_step(record, tmp_path):
    """Before the first step, in training mode, as the official loop runs them."""
    networks = {
        part: imported(record, tmp_path, part=part).network.train()
        for part in {name.partition(".")[0] for name in record.tensors["weights"]}
    }
    wanted, a, b = record.tensors["out"], *(record.tensors["in"][name] for name in "AB")
    if "netG" in networks:
        found = {"fake_B": networks["netG"](a)}
    else:
        a_to_b, b_to_a = networks["netG_A"], networks["netG_B"]
        found = {"fake_B": a_to_b(a), "fake_A": b_to_a(b), "idt_A": a_to_b(b), "idt_B": b_to_a(a)}
        found |= {"rec_A": b_to_a(found["fake_B"]), "rec_B": a_to_b(found["fake_A"])}
    for name, tensor in found.items():
        allowed = max(10 * record.noise(name), FLOOR)
        assert (tensor - wanted[name]).abs().max() <= allowed * wanted[name].abs().max(), name
