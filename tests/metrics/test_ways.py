"""The judge's table of translations: what applies, and that each value is the measure of its name."""

import pytest
import torch

from ganarium.data.world import World
from ganarium.evaluation.translations import Translated, evaluate_way, offered_to, values_of_ways
from ganarium.metrics import (
    LPIPS,
    Heads,
    Reference,
    absolute_error,
    frechet_distance,
    map_agreement,
    ms_ssim,
    psnr,
    ssim,
    world_translations,
)
from ganarium.metrics.base import VALUES, metrics_named, selecting_value
from ganarium.metrics.feature_networks import Convention
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.lpips import TAPS
from ganarium.metrics.pairs import nearest_colors, palette_of
from ganarium.metrics.world_translation import STYLES, world_maps
from ganarium.networks.classifiers import SqueezeNet

torch.set_num_threads(1)


def pictures(count=12, seed=0, side=36):
    return 2 * torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) - 1


def scenes(count=24):
    return World(32, seed=2).scenes(range(count))


def drawn(some, style="plain"):
    return torch.from_numpy(STYLES[style](some)).permute(0, 3, 1, 2) / 127.5 - 1


@pytest.fixture(scope="module")
def trunk():
    """A SqueezeNet of random weights as a feature network."""
    torch.manual_seed(0)
    return FeatureNetwork(
        SqueezeNet(version="1.1", classes=None),
        name="SqueezeNet 1.1",
        layer="last",
        convention=Convention((64, 64), 3),
        dimension=512,
        sha256="ab" * 32,
    )


def judged(way, **keys):
    given = {key: keys[key] for key in ("features", "heads") if key in keys}
    return evaluate_way(way, offered_to(way, given.get("features", ()), given.get("heads")), **keys)


def short_names(way, *given):
    return [metric.short for metric in offered_to(way, *given)]


def test_what_applies(trunk):
    made, real = pictures(), Reference.of(pictures(seed=1))
    heads = Heads(tuple(torch.ones(width) for width in TAPS["SqueezeNet 1.1"].values()))
    paired = Translated(made, real, truth=pictures(seed=2))
    of_features = ["fid", "kid", "prdc", "memorization"]
    assert short_names(Translated(made, real)) == []
    assert short_names(paired) == ["psnr", "ssim", "ms-ssim"]
    assert short_names(paired, [trunk]) == [*of_features, "psnr", "ssim", "ms-ssim", "perceptual"]
    assert short_names(paired, [trunk], heads) == [*of_features, "psnr", "ssim", "ms-ssim", "lpips"]
    assert short_names(Translated(made, real), [trunk], heads) == of_features
    small = Translated(made[..., :8], real, truth=made[..., :8])
    assert short_names(small) == ["psnr"]
    assert short_names(small, [trunk], heads) == [*of_features, "psnr"]
    assert short_names(Translated(made, real, truth=made.sign())) == ["psnr", "ssim", "ms-ssim", "maps"]
    unpaired = Translated(made, real, cycle=(made, made), identity=(made, made))
    assert short_names(unpaired) == ["cycle", "identity"]
    assert short_names(unpaired._replace(scenes=scenes(), style="inked")) == [
        *("cycle", "identity", "translation")
    ]
    assert short_names(Translated(made, real, scenes=scenes(), style="plain")) == ["maps", "translation"]


def test_values_beside_the_truth(trunk):
    made, truth, real = pictures(), pictures(seed=1), pictures(40, seed=2)
    result = judged(Translated(made, Reference.of(real), truth), features=[trunk], resamples=10)
    for key, measure in (("psnr", psnr), ("ssim", ssim), ("ms_ssim", ms_ssim)):
        assert result[key] == pytest.approx(measure(made, truth).mean().item())
        low, high = result[f"{key}_interval"]
        assert low < result[key] < high
    told = result["features"]["SqueezeNet 1.1"]
    features = [trunk(x).detach() for x in (made, real)]
    assert told["frechet_distance"] == pytest.approx(frechet_distance(*features), rel=1e-3)
    expected = LPIPS(trunk).distances(made, truth).mean().item()
    assert told["perceptual_distance"] == pytest.approx(expected)
    assert told["perceptual_distance_of"] == "cosine distance (SqueezeNet 1.1)"
    assert (result["samples"], result["real"]) == (12, 40)


def test_heads_that_fit_make_it_lpips(trunk):
    made, truth = pictures(4), pictures(4, seed=1)
    heads = Heads(tuple(torch.full((width,), 0.5) for width in TAPS["SqueezeNet 1.1"].values()), "0.0")
    way = Translated(made, Reference.of(truth), truth)
    told = evaluate_way(way, metrics_named(["lpips"]), features=[trunk], heads=heads, resamples=0)
    told = told["features"]["SqueezeNet 1.1"]
    assert told["lpips"] == pytest.approx(LPIPS(trunk, heads).distances(made, truth).mean().item())
    assert told["lpips_of"] == "LPIPS v0.0 (SqueezeNet 1.1)"
    assert "frechet_distance" not in told
    others = Heads(tuple(torch.ones(width) for width in TAPS["AlexNet"].values()))
    assert "lpips" not in short_names(way, [trunk], others)


def test_errors_there_and_back_and_at_home():
    a, b, c = pictures(), pictures(seed=1), pictures(seed=2)
    result = judged(Translated(c, Reference.of(b), cycle=(a, c), identity=(b, b)), resamples=0)
    assert result["cycle_error"] == pytest.approx(absolute_error(a, c).mean().item())
    assert result["identity_error"] == 0
    assert set(result) == {"samples", "real", "cycle_error", "identity_error"}


def test_maps_are_read_by_their_colours():
    shared_random = torch.Generator().manual_seed(4)
    palette = torch.tensor([[-1.0, -1, -1], [1, 0.2, -1], [0.5, 0.5, 1], [-0.3, 1, 0.1]])
    ids = torch.randint(4, (6, 1, 12, 12), generator=shared_random)
    truth = palette[ids[:, 0]].permute(0, 3, 1, 2)
    wrong = torch.where(torch.rand(ids.shape, generator=shared_random) < 0.25, (ids + 1) % 4, ids)
    made = palette[wrong[:, 0]].permute(0, 3, 1, 2) * 0.9 + 0.05
    assert len(palette_of(truth)) == 4
    assert palette_of(made + 0.3 * torch.rand(made.shape, generator=shared_random) - 0.25) is None
    assert palette_of(torch.zeros(2, 3, 8, 8)) is None
    assert (nearest_colors(made, palette) == wrong).all()
    result = judged(Translated(made, Reference.of(truth), truth), resamples=10)
    expected = map_agreement(wrong, ids, classes=4)
    assert result["pixel_accuracy"] == pytest.approx(expected.pixel_accuracy)
    assert result["mean_iou"] == pytest.approx(expected.mean_iou)
    low, high = result["mean_iou_interval"]
    assert 0.4 < low < expected.mean_iou < high < 0.8


def test_the_world_reads_maps_and_scenes():
    some = scenes()
    truth, another = drawn(some), drawn(some).roll(1, 0)
    semantic = torch.from_numpy(some.semantic()).long()
    assert map_agreement(world_maps(truth, some), semantic, classes=7).pixel_accuracy > 0.999
    right, wrong = (
        judged(Translated(x, Reference.of(truth), truth, scenes=some, style="plain"), resamples=0)
        for x in (truth, another)
    )
    assert right["mean_iou"] > 0.99 > 0.5 > wrong["mean_iou"]
    assert right["psnr"] == right["world"]["psnr"] == 100
    assert right["world"]["translation_accuracy"] == 1
    said = world_translations(another, some, "plain").summary()
    assert wrong["world"] == pytest.approx(said)
    assert said["translation_accuracy"] < 0.2


def test_values_of_several_ways():
    some = scenes()
    directions = {
        "plain to inked": Translated(
            drawn(some, "inked"), Reference.of(drawn(some)), scenes=some, style="inked"
        ),
        "inked to plain": Translated(
            drawn(some).roll(1, 0), Reference.of(drawn(some)), scenes=some, style="plain"
        ),
    }
    results = {name: judged(way, resamples=0) for name, way in directions.items()}
    values = values_of_ways(results)
    there, back = (result["world"]["translation_accuracy"] for result in results.values())
    assert (there, back) == (1, pytest.approx(back))
    assert values["world/translation_accuracy"] == (1 + back) / 2
    assert values["inked to plain/world/translation_accuracy"] == back
    assert values["mean_iou"] == results["inked to plain"]["mean_iou"]
    assert values_of_ways({"only": results["plain to inked"]}).keys() == {
        f"world/{key}" for key in results["plain to inked"]["world"]
    }


def test_measures_that_a_translator_which_changes_nothing_wins_decide_nothing():
    assert not VALUES["cycle_error"].decides
    assert selecting_value(None, metrics_named(["cycle", "translation"])).key == "translation_accuracy"
    with pytest.raises(ValueError, match="no measure that could tell the best"):
        selecting_value(None, metrics_named(["cycle", "identity"]))
