"""How samples go through a task: in which batches, and which sizes are refused."""

import pytest
import torch

from ganarium.inference.runner import WEIGHTS_PER_PLACE, TaskRunner
from ganarium.models.network import NETWORKS, NetworkModel, Origin


def runner_of(kind, settings, device="cpu", **more):
    with torch.device(device):
        network = NETWORKS["translator"][kind](**settings)
    model = NetworkModel("translator", kind, settings, network, Origin("owner/name", "MIT"))
    weights = sum(each.numel() for each in network.parameters())
    return weights, TaskRunner(
        model, model.resolve("translate", {}), 1, seed=None, precision="float32", **more
    )


def test_a_heavier_network_takes_more_places_at_once():
    def places(width, device="cpu"):
        settings = {"inputs": 3, "outputs": 3, "width": width, "blocks": 1}
        weights, runner = runner_of("resnet", settings, device)
        return weights, runner.places_at_once

    for width in (4, 8):
        weights, most = places(width)
        assert most == weights / WEIGHTS_PER_PLACE
    assert places(4, "meta")[1] == float("inf")  # as on a GPU


def test_large_samples_are_cut():
    _, runner = runner_of("resnet", {"inputs": 3, "outputs": 3, "width": 4, "blocks": 1})
    assert not runner.needs_windows((1000, 1500), None, 64)
    assert runner.needs_windows((1000, 1501), None, 64)
    assert not runner.needs_windows((1000, 1501), 0, 64)
    assert runner.needs_windows((100, 80), 96, 16)
    assert not runner.needs_windows((96, 80), 96, 16)


def test_other_sizes_than_the_fixed_one_are_refused_by_name():
    settings = {
        "labels": 3,
        "outputs": 3,
        "width": 2,
        "hidden": 4,
        "style_dim": 2,
        "doublings": 5,
        "bottom_area": 6,
    }
    _, runner = runner_of("spade", settings)
    assert runner.sizes.fixed == (64, 96)
    for lengths in ((64, 96), (33, 96), (64, 65)):  # padded to multiples of 32
        assert not runner.needs_windows(lengths, None, 64)
    for lengths in ((96, 64), (32, 96), (3000, 4000)):
        with pytest.raises(
            ValueError, match=r"it is \d+x\d+, but this spade translator model takes 64x96 only"
        ):
            runner.needs_windows(lengths, None, 64)
    with pytest.raises(ValueError, match="takes 64x96 only"):
        runner.needs_windows((200, 200), 64, 0)


def test_the_seed_and_the_precision_are_checked():
    _, runner = runner_of("resnet", {"inputs": 3, "outputs": 3, "width": 4, "blocks": 1})
    call = runner.model.resolve("translate", {})
    with pytest.raises(ValueError, match=r"--seed 3 has no effect.*the output depends on the inputs only"):
        TaskRunner(runner.model, call, 1, seed=3, precision="float32")
    with pytest.raises(ValueError, match=r"choose from float32, bfloat16. Did you mean 'bfloat16'"):
        TaskRunner(runner.model, call, 1, seed=None, precision="bfloat")
