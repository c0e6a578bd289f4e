"""Networks of image translation: sizes, gradients, and the parts that no official record singles out."""

import pytest
import torch

from ganarium.networks import DECODERS, PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.resnet_translator import InstanceEncoder, instance_means
from ganarium.networks.spade import SPADEGenerator, StyleEncoder

SMALL = {
    "resnet": {"width": 4, "blocks": 1},
    "unet": {"width": 2, "downsamplings": 5},
    "local-enhancer": {"width": 2, "blocks": 1, "enhancer_blocks": 1, "downsamplings": 1, "enhancers": 2},
    "spade": {"width": 2, "hidden": 4},
}
JUDGES = {"patch": {"width": 4}, "pixel": {"width": 4}, "multi-scale": {"width": 4, "spectral_norm": True}}


@pytest.mark.parametrize("kind", TRANSLATORS)
def test_translators_keep_sizes_that_are_multiples_and_learn_with_every_weight(kind):
    network = TRANSLATORS[kind](2, 3, **SMALL[kind])
    height, width = (network.multiple * max(2, 16 // network.multiple), network.multiple * 4)
    made = network(torch.randn(2, 2, height, width))
    assert made.shape == (2, 3, height, width)
    assert made.abs().max() <= 1
    made.sin().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("kind", PATCH_DISCRIMINATORS)
def test_discriminators_learn_with_every_weight(kind):
    network = PATCH_DISCRIMINATORS[kind](5, **JUDGES[kind])
    scores = network(torch.randn(2, 5, 64, 48))
    scores = scores if isinstance(scores, list) else [scores]
    assert len(scores) == (2 if kind == "multi-scale" else 1)
    sum(each.sum() for each in scores).backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(("layers", "pixels"), [(1, 16), (2, 34), (3, 70), (5, 286)])
def test_a_score_sees_the_patch_that_the_paper_says(layers, pixels):
    network = PATCH_DISCRIMINATORS["patch"](1, layers=layers, width=1, norm="none").eval()
    images = torch.zeros(1, 1, 320, 320, requires_grad=True)
    for weight in network.parameters():
        torch.nn.init.constant_(weight, 0.1)
    scores = network(images)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    seen = images.grad[0, 0].abs().sum(0).nonzero().flatten()
    assert int(seen.max() - seen.min()) + 1 == pixels


def test_every_instance_has_the_mean_of_its_own_picture():
    maps = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]]], [[[10.0, 20.0], [30.0, 50.0]]]])
    instances = torch.tensor([[[[9, 9], [2, 2]]], [[[9, 9], [9, 4]]]])
    means = instance_means(maps, instances)
    assert means.tolist() == [[[[2.0, 2.0], [6.0, 6.0]]], [[[20.0, 20.0], [20.0, 50.0]]]]
    encoder = InstanceEncoder(3, 2, width=2, downsamplings=1).eval()
    assert encoder(torch.randn(2, 3, 8, 8), torch.ones(2, 1, 8, 8, dtype=torch.long)).std((2, 3)).max() < 1e-6


def test_styles_change_what_is_drawn_and_are_asked_for():
    generator = SPADEGenerator(3, 3, width=2, hidden=4, style_dim=5, bottom_area=4).eval()
    with torch.no_grad():
        for weight in generator.parameters():
            weight.uniform_(-0.3, 0.3)
    maps = torch.randn(2, 3, 64, 64)
    one, other = (generator(maps, torch.full((2, 5), value)) for value in (0.0, 1.0))
    assert not torch.allclose(one, other)
    with pytest.raises(ValueError, match=r"takes styles \[N, 5\]"):
        generator(maps)
    with pytest.raises(ValueError, match="doublings=4"):
        SPADEGenerator(3, 3, doublings=4)


def test_a_style_comes_from_a_picture_of_any_size():
    encoder = StyleEncoder(1, width=1, style_dim=4).eval()
    mean, log_variance = encoder(torch.randn(2, 1, 40, 90))
    assert mean.shape == log_variance.shape == (2, 4)


@pytest.mark.parametrize(("skips", "passes_by"), [(True, True), (False, False)])
def test_without_skips_everything_goes_through_the_middle(skips, passes_by):
    network = TRANSLATORS["unet"](3, 3, width=2, downsamplings=3, skips=skips).eval()
    network.down[-1].register_forward_hook(lambda module, told, middle: torch.zeros_like(middle))
    one, other = network(torch.randn(2, 3, 16, 16))
    assert passes_by is not torch.allclose(one, other)


@pytest.mark.parametrize("kind", PATCH_DISCRIMINATORS)
def test_a_patch_may_have_several_scores(kind):
    one, three = (PATCH_DISCRIMINATORS[kind](3, outputs, **JUDGES[kind]) for outputs in (1, 3))
    images = torch.randn(2, 3, 64, 48)
    ours, theirs = ([x] if isinstance(x, torch.Tensor) else x for x in (one(images), three(images)))
    for single, several in zip(ours, theirs, strict=True):
        assert several.shape == (2, 3, *single.shape[2:])


@pytest.mark.parametrize("doublings", [0, 2])
def test_a_decoder_doubles_and_learns_with_every_weight(doublings):
    network = DECODERS["residual"](5, 3, doublings, width=2, blocks=1)
    made = network(torch.randn(2, 5, 6, 7))
    assert made.shape == (2, 3, 6 * 2**doublings, 7 * 2**doublings)
    assert made.abs().max() <= 1
    made.sin().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
