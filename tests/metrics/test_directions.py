"""Results of translations: which metrics apply, and that each value is the measure of its name."""

import pytest
import torch

from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.world import World
from ganarium.evaluation.measure import fewest, measured, values_of
from ganarium.metrics import (
    LPIPS,
    METRICS,
    Context,
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
from ganarium.metrics.feature_networks import Convention
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.lpips import TAPS
from ganarium.metrics.pairs import nearest_colors, palette_of
from ganarium.metrics.table import chosen_metrics, known_values, metrics_named, selecting_value
from ganarium.metrics.world_translation import STYLES, world_maps
from ganarium.networks.classifiers import SqueezeNet

torch.set_num_threads(1)
IMAGE = Image()


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


def context(made, real, features=(), heads=None, *, resamples=0, modality=IMAGE, **things):
    """Return the context of translations, and of what is known of them."""
    return Context(
        {"samples": made, "reference": Reference.of(real), **things},
        modality=modality,
        shape=made.shape[1:],
        count=len(made),
        networks=features,
        heads=heads,
        resamples=resamples,
    )


def evaluated(translated, names=None):
    return measured(translated, chosen_metrics(names, [translated.offers], fewest([translated])))


def short_names(translated):
    return [metric.short for metric in METRICS.values() if metric.applies(translated.offers) is None]


def test_what_applies(trunk):
    made, real, truth = pictures(), pictures(seed=1), pictures(seed=2)
    heads = Heads(tuple(torch.ones(width) for width in TAPS["SqueezeNet 1.1"].values()))
    of_features = ["fid", "kid", "prdc", "memorization"]
    assert short_names(context(made, real)) == []
    assert short_names(context(made, real, truth=truth)) == ["psnr", "ssim", "ms-ssim"]
    with_truth = context(made, real, [trunk], truth=truth)
    assert short_names(with_truth) == [*of_features, "psnr", "ssim", "ms-ssim", "perceptual"]
    with_heads = context(made, real, [trunk], heads, truth=truth)
    assert short_names(with_heads) == [*of_features, "psnr", "ssim", "ms-ssim", "lpips"]
    assert short_names(context(made, real, [trunk], heads)) == of_features
    small = made[..., :8]
    assert short_names(context(small, real, truth=small)) == ["psnr"]
    assert short_names(context(small, real, [trunk], heads, truth=small)) == [*of_features, "psnr"]
    assert short_names(context(made, real, truth=made.sign())) == ["psnr", "ssim", "ms-ssim", "maps"]
    unpaired = {"cycle": (made, made), "identity": (made, made)}
    assert short_names(context(made, real, **unpaired)) == ["cycle", "identity"]
    of_scenes = context(made, real, **unpaired, scenes=scenes(), style="inked")
    assert short_names(of_scenes) == ["cycle", "identity", "translation"]
    assert short_names(context(made, real, scenes=scenes(), style="plain")) == ["maps", "translation"]


def test_values_beside_the_truth(trunk):
    made, truth, real = pictures(), pictures(seed=1), pictures(40, seed=2)
    result = evaluated(context(made, real, [trunk], truth=truth, resamples=10))
    for key, measure in (("psnr", psnr), ("ssim", ssim), ("ms_ssim", ms_ssim)):
        assert result[key] == pytest.approx(measure(made, truth).mean().item())
        low, high = result[f"{key}_interval"]
        assert low < result[key] < high
    entry = result["features"]["SqueezeNet 1.1"]
    features = [trunk(x).detach() for x in (made, real)]
    assert entry["frechet_distance"] == pytest.approx(frechet_distance(*features), rel=1e-3)
    expected = LPIPS(trunk).distances(made, truth).mean().item()
    assert entry["perceptual_distance"] == pytest.approx(expected)
    assert entry["perceptual_distance_of"] == "cosine distance (SqueezeNet 1.1)"
    assert (result["samples"], result["real"]) == (12, 40)


def test_heads_that_fit_make_it_lpips(trunk):
    made, truth = pictures(4), pictures(4, seed=1)
    heads = Heads(tuple(torch.full((width,), 0.5) for width in TAPS["SqueezeNet 1.1"].values()), "0.0")
    entry = evaluated(context(made, truth, [trunk], heads, truth=truth), ["lpips"])["features"]
    entry = entry["SqueezeNet 1.1"]
    assert entry["lpips"] == pytest.approx(LPIPS(trunk, heads).distances(made, truth).mean().item())
    assert entry["lpips_of"] == "LPIPS v0.0 (SqueezeNet 1.1)"
    assert "frechet_distance" not in entry
    others = Heads(tuple(torch.ones(width) for width in TAPS["AlexNet"].values()))
    assert "lpips" not in short_names(context(made, truth, [trunk], others, truth=truth))


def test_cycle_and_identity_errors():
    a, b, c = pictures(), pictures(seed=1), pictures(seed=2)
    result = evaluated(context(c, b, cycle=(a, c), identity=(b, b)))
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
    result = evaluated(context(made, truth, truth=truth, resamples=10))
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
        evaluated(context(x, truth, truth=truth, scenes=some, style="plain")) for x in (truth, another)
    )
    assert right["mean_iou"] > 0.99 > 0.5 > wrong["mean_iou"]
    assert right["psnr"] == right["world"]["psnr"] == 100
    assert right["world"]["translation_accuracy"] == 1
    said = world_translations(another, some, "plain").summary()
    assert wrong["world"] == pytest.approx(said)
    assert said["translation_accuracy"] < 0.2


def test_label_maps_of_ids_are_compared_as_they_are():
    ids = torch.randint(4, (6, 1, 12, 12), generator=torch.Generator().manual_seed(4))
    wrong = torch.where(ids == 3, 0, ids)
    of_maps = context(wrong, ids, truth=ids, modality=LabelMap(tuple("abcd")))
    assert short_names(of_maps) == ["maps"]
    expected = map_agreement(wrong, ids, classes=4)
    assert evaluated(of_maps)["mean_iou"] == pytest.approx(expected.mean_iou)


def test_values_of_several_directions():
    some = scenes()
    directions = {
        "plain to inked": context(drawn(some, "inked"), drawn(some), scenes=some, style="inked"),
        "inked to plain": context(drawn(some).roll(1, 0), drawn(some), scenes=some, style="plain"),
    }
    results = {name: evaluated(each) for name, each in directions.items()}
    values = values_of({"directions": results})
    there, back = (result["world"]["translation_accuracy"] for result in results.values())
    assert (there, back) == (1, pytest.approx(back))
    assert values["world/translation_accuracy"] == (1 + back) / 2
    assert values["inked to plain/world/translation_accuracy"] == back
    assert values["mean_iou"] == results["inked to plain"]["mean_iou"]
    assert values_of({"directions": {"only": results["plain to inked"]}}).keys() == {
        f"world/{key}" for key in results["plain to inked"]["world"]
    }


def test_measures_that_a_translator_which_changes_nothing_wins_decide_nothing():
    assert not known_values()["cycle_error"].decides
    assert selecting_value(None, metrics_named(["cycle", "translation"])).key == "translation_accuracy"
    with pytest.raises(ValueError, match="no measure that could tell the best"):
        selecting_value(None, metrics_named(["cycle", "identity"]))
