"""Official checkpoints on the command line."""

import torch

import ganarium as gan
from command_line import done, refused
from ganarium.interop import junyanz
from official_states import official_state

SMALL = {"inputs": 3, "outputs": 3, "width": 4, "blocks": 1}


def test_a_checkpoint_becomes_a_model(tmp_path):
    torch.save(official_state(junyanz.RESNET, SMALL), "latest_net_G.pth")
    said = done("import", "latest_net_G.pth")
    assert "ResNet generator" in said
    assert "width=4" in said
    assert "BSD-2-Clause" in said
    assert gan.load("models/latest_net_G").translate(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    assert "is there already" in refused("import", "latest_net_G.pth")
    done("import", "latest_net_G.pth", "padding=replicate", "--out", "other")
    assert gan.load("other").settings["padding"] == "replicate"
    assert "a resnet translator model does not generate; it can translate" in refused("generate", "other")
    assert "resnet translator was imported" in refused("evaluate", "other")


def test_nothing_is_written_where_nothing_is_recognised(tmp_path):
    torch.save({"fc.weight": torch.zeros(3, 3)}, "other.pth")
    said = refused("import", "other.pth")
    assert "no network that is recognised" in said
    assert "SPADEGenerator" in said
    assert [path.name for path in tmp_path.iterdir()] == ["other.pth"]
