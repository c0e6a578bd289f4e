import json

import pytest
import torch

from ganarium.data.points import POINTS
from ganarium.metrics import evaluate_samples, frechet_distance, world_quality
from ganarium.metrics.features import Convention, FeatureNetwork

torch.set_num_threads(1)


class ChannelMeans(torch.nn.Module):
    def penultimate(self, images):
        return images.mean((2, 3))


@pytest.fixture
def features():
    return FeatureNetwork(
        ChannelMeans(),
        name="means",
        layer="only",
        convention=Convention((8, 8), 3),
        dimension=3,
        sha256="ab" * 32,
    )


class Judgement:
    def summary(self):
        return {"well_formed": 0.75}


class World:
    def judge(self, images):
        self.seen = images
        return Judgement()


def pictures(count, seed=0):
    return 2 * torch.rand(count, 3, 12, 10, generator=torch.Generator().manual_seed(seed)) - 1


def test_points():
    ring = POINTS["ring"]
    table = evaluate_samples(ring.sample(900, seed=5), ring.sample(1000, seed=6), points=ring)
    assert list(table) == [
        "samples",
        "real",
        "modes",
        "modes_covered",
        "share_of_good_samples",
        "sliced_wasserstein",
        "sliced_wasserstein_floor",
    ]
    assert (table["samples"], table["real"], table["modes"], table["modes_covered"]) == (900, 1000, 8, 8)
    assert table["share_of_good_samples"] > 0.99
    assert 0 < table["sliced_wasserstein"] < 5 * table["sliced_wasserstein_floor"]
    far = evaluate_samples(ring.sample(900, seed=5) / 2, ring.sample(1000, seed=6), points=ring)
    assert far["sliced_wasserstein"] > 5 * far["sliced_wasserstein_floor"]
    assert far["modes_covered"] == 0


def test_pictures(features):
    samples, real = pictures(30), pictures(50, seed=1)
    table = evaluate_samples(samples, real, features=features)
    assert (table["samples"], table["real"]) == (30, 50)
    assert table["features"] == features.describe()
    assert table["features"]["resizing"] == "bilinear, antialiased, to 8x8"
    assert table["features"]["sha256"] == "ab" * 6
    by_hand = frechet_distance(features(samples), features(real))
    assert table["frechet_distance"] == pytest.approx(by_hand)
    assert table["kernel_distance"] < 0.01
    assert table["kernel_distance_std"] >= 0
    assert json.loads(json.dumps(table)) == table


def test_the_world_needs_no_file():
    world, samples = World(), pictures(4)
    assert world_quality(samples, world) == {"well_formed": 0.75}
    table = evaluate_samples(samples, pictures(6), world=world)
    assert table == {"samples": 4, "real": 6, "world": {"well_formed": 0.75}}
    assert world.seen is samples


def test_metrics_can_be_chosen_by_the_names_of_the_field(features):
    table = evaluate_samples(
        pictures(9), pictures(9, seed=1), features=features, world=World(), metrics=["fid"]
    )
    assert list(table) == ["samples", "real", "frechet_distance", "features"]
    ring = POINTS["ring"]
    table = evaluate_samples(ring.sample(50), ring.sample(50), points=ring, metrics=["modes_covered"])
    assert list(table) == ["samples", "real", "modes", "modes_covered"]


@pytest.mark.parametrize("metrics", [None, ["fid"], ["kernel_distance"]])
def test_pictures_without_a_network_say_which_file_to_give(metrics):
    with pytest.raises(ValueError, match=r"--features FILE.*LeNet-5.*SqueezeNet.*onnx"):
        evaluate_samples(pictures(4), pictures(4), metrics=metrics)


def test_metrics_that_do_not_apply_are_named(features):
    with pytest.raises(ValueError, match="unknown metric 'frechet'; did you mean frechet_distance"):
        evaluate_samples(pictures(4), pictures(4), features=features, metrics=["frechet"])
    with pytest.raises(ValueError, match=r"modes_covered needs points.*frechet_distance"):
        evaluate_samples(pictures(4), pictures(4), features=features, metrics=["modes_covered"])
    with pytest.raises(ValueError, match="world needs pictures of the built-in world"):
        evaluate_samples(pictures(4), pictures(4), features=features, metrics=["world"])
