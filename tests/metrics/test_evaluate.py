"""Results of samples: which metrics apply, their names, and what stands beside each value."""

import json

import pytest
import torch

from ganarium.data.modalities.image import Image
from ganarium.data.modalities.points import Points
from ganarium.data.sources.densities import POINTS
from ganarium.data.world import World
from ganarium.evaluation.measure import evaluate_samples, values_of
from ganarium.metrics import (
    METRICS,
    ClassConditionalSamples,
    Offers,
    Reference,
    frechet_distance,
    inception_score,
    kernel_distance,
    memorized_share,
    precision_recall_density_coverage,
    world_quality,
)
from ganarium.metrics.feature_networks import Convention
from ganarium.metrics.features import FeatureNetwork
from ganarium.metrics.table import known_values, metrics_named, selecting_value

torch.set_num_threads(1)
IMAGE = Image()


class ChannelMeans(torch.nn.Module):
    """Three features; as a classifier it names the strongest channel."""

    def penultimate(self, images):
        return images.mean((2, 3))

    def forward(self, images):
        return 10 * self.penultimate(images)

    def both(self, images):
        return self.penultimate(images), self(images)


def network(name="means", classes=0, sha256="ab" * 32):
    return FeatureNetwork(
        ChannelMeans(),
        name=name,
        layer="only",
        convention=Convention((8, 8), 3),
        dimension=3,
        classes=classes,
        sha256=sha256,
    )


@pytest.fixture
def features():
    return network()


def pictures(count, seed=0, size=(12, 10)):
    return 2 * torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed)) - 1


def colored(labels, size=(8, 8)):
    """Pictures whose strongest channel is the label."""
    images = torch.full((len(labels), 3, *size), -0.5)
    images[torch.arange(len(labels)), labels] = 0.5
    return images


RING = POINTS["ring"]


def evaluate_points(samples, real, **keys):
    return evaluate_samples(samples, real, modality=Points(), points=RING, **keys)


def test_points():
    table = evaluate_points(RING.sample(900, seed=5), RING.sample(1000, seed=6), resamples=0)
    assert list(table) == [
        "samples",
        "real",
        "modes",
        "sliced_wasserstein",
        "sliced_wasserstein_real_floor",
        "modes_covered",
        "share_of_good_samples",
    ]
    assert (table["samples"], table["real"], table["modes"], table["modes_covered"]) == (900, 1000, 8, 8)
    assert table["share_of_good_samples"] > 0.99
    assert 0 < table["sliced_wasserstein"] < 5 * table["sliced_wasserstein_real_floor"]
    far = evaluate_points(RING.sample(900, seed=5) / 2, RING.sample(1000, seed=6), resamples=5)
    assert far["sliced_wasserstein"] > 5 * far["sliced_wasserstein_real_floor"]
    assert far["modes_covered"] == 0
    assert far["modes_covered_interval"] == [0, 0]
    low, high = far["sliced_wasserstein_interval"]
    assert low < far["sliced_wasserstein"] < high


def test_every_measure_of_pictures_is_that_of_its_function(features):
    samples, real = pictures(40), pictures(50, seed=1)
    table = evaluate_samples(samples, real, features=network(classes=3), resamples=0)
    assert (table["samples"], table["real"]) == (40, 50)
    (entry,) = table["features"].values()
    assert list(table["features"]) == ["means"]
    assert entry.items() >= features.describe().items()
    assert entry["resizing"] == "bilinear, antialiased, to 8x8"
    assert entry["sha256"] == "ab" * 6
    ours, theirs = features(samples), features(real)
    assert entry["frechet_distance"] == pytest.approx(frechet_distance(ours, theirs))
    assert entry["kernel_distance"] == pytest.approx(kernel_distance(ours, theirs).mean)
    assert entry["kernel_distance_std"] >= 0
    prdc = precision_recall_density_coverage(ours, theirs)
    assert {key: entry[key] for key in prdc._fields} == prdc._asdict()
    assert entry["inception_score"] == pytest.approx(inception_score(10 * ours).mean)
    assert entry["inception_score_real"] == pytest.approx(inception_score(10 * theirs[:40]).mean, rel=0.1)
    assert entry["memorized_share"] == memorized_share(ours, theirs).share
    assert entry["memorized_share_expected"] == memorized_share(ours, theirs).expected
    assert not any("interval" in key for key in entry)
    assert json.loads(json.dumps(table)) == table


def test_beside_each_value_stands_its_interval():
    labels = torch.arange(30) % 3
    asked = ClassConditionalSamples(colored(labels, (12, 12)), labels, ("red", "green", "blue"))
    given = pictures(40, size=(12, 12)), pictures(50, seed=1, size=(12, 12))
    table = evaluate_samples(*given, features=network(classes=3), labels=asked, resamples=20)
    (entry,) = table["features"].values()
    measured = values_of(table)
    assert measured.keys() == {
        "frechet_distance",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "inception_score",
        "memorized_share",
        "ms_ssim_diversity",
        "class_accuracy",
    }
    for key, value in measured.items():
        low, high = {**entry, **table}[f"{key}_interval"]
        limits = known_values()[key].limits
        assert limits[0] <= low <= value <= high <= limits[1], key
    low, high = entry["frechet_distance_interval"]
    assert low < high
    assert table == evaluate_samples(*given, features=network(classes=3), labels=asked, resamples=20)


def test_what_needs_more_samples_is_left_out(features):
    table = evaluate_samples(pictures(5), pictures(9, seed=1), features=features)
    assert "precision" not in table["features"]["means"]
    assert "memorized_share" in table["features"]["means"]


def test_too_few_samples_have_no_intervals(features):
    table = evaluate_samples(pictures(3), pictures(9, seed=1), features=features, metrics=["fid"])
    assert "frechet_distance_interval" not in table["features"]["means"]
    with pytest.raises(ValueError, match="at least 2; given: 1"):
        evaluate_samples(pictures(3), pictures(9, seed=1), features=features, resamples=1)


def test_several_networks_each_under_its_name():
    three = [network("means", sha256="a" * 64), network("others"), network("means", sha256="b" * 64)]
    table = evaluate_samples(pictures(9), pictures(9, seed=1), features=three, metrics=["fid"], resamples=0)
    assert list(table["features"]) == ["means aaaaaaaaaaaa", "others", "means bbbbbbbbbbbb"]
    assert len({entry["frechet_distance"] for entry in table["features"].values()}) == 1
    assert list(values_of(table)) == [f"{name}/frechet_distance" for name in table["features"]]


def test_a_score_of_classes_is_left_out_where_a_network_names_none():
    both = [network("mute"), network("classifier", classes=3)]
    table = evaluate_samples(pictures(20), pictures(20, seed=1), features=both, metrics=["is"], resamples=0)
    assert list(table["features"]["classifier"])[-3:] == [
        "inception_score",
        "inception_score_std",
        "inception_score_real",
    ]
    with pytest.raises(ValueError, match="inception_score needs a network that names classes"):
        evaluate_samples(pictures(20), pictures(20, seed=1), features=both[0], metrics=["is"])


def test_class_accuracy_of_what_was_asked_for():
    labels = torch.arange(12) % 3
    wrong = torch.where(torch.arange(12) < 3, (labels + 1) % 3, labels)
    asked = ClassConditionalSamples(colored(wrong), labels, ("red", "green", "blue"))
    table = evaluate_samples(
        pictures(8), pictures(8, seed=1), features=network(classes=3), labels=asked, metrics=["accuracy"]
    )
    (entry,) = table["features"].values()
    assert entry["class_accuracy"] == 0.75
    assert entry["class_accuracy_by_class"] == {"red": 0.75, "green": 0.75, "blue": 0.75}
    assert "frechet_distance" not in entry
    with pytest.raises(ValueError, match="class_accuracy needs samples asked for by class"):
        evaluate_samples(
            pictures(8), pictures(8, seed=1), features=network(classes=4), labels=asked, metrics=["accuracy"]
        )
    with pytest.raises(ValueError, match="class_accuracy needs samples asked for by class"):
        evaluate_samples(pictures(8), pictures(8), features=network(classes=3), metrics=["accuracy"])


def test_class_accuracy_of_the_real_ones_is_the_classifiers_own():
    labels = torch.arange(20) % 3
    real = colored(torch.where(torch.arange(20) < 2, (labels + 1) % 3, labels))
    reference = Reference.of(real, labels)
    asked = ClassConditionalSamples(colored(labels), labels, ("red", "green", "blue"))
    table = evaluate_samples(
        real, reference, features=network(classes=3), labels=asked, metrics=["accuracy"], resamples=0
    )
    (entry,) = table["features"].values()
    assert (entry["class_accuracy"], entry["class_accuracy_real"]) == (1, 0.9)


def test_diversity_stands_beside_that_of_the_real_ones_and_of_each_class():
    labels = torch.arange(40) % 2
    alike, various = colored(labels, (12, 12)), pictures(40, size=(12, 12))
    asked = ClassConditionalSamples(
        torch.where((labels == 0)[:, None, None, None], alike, various), labels, ("star", "ring")
    )
    table = evaluate_samples(alike, various, labels=asked, metrics=["diversity"])
    assert table["ms_ssim_diversity"] > 0.3 > table["ms_ssim_diversity_real"]
    of = table["ms_ssim_diversity_by_class"]
    assert of["star"] == pytest.approx(1)
    assert of["ring"] < 0.1
    assert "ms_ssim_diversity_real_by_class" not in table


def test_the_world_needs_no_file_and_looks_at_no_real_pictures():
    world = World(16)
    samples = torch.from_numpy(world.scenes(range(12)).images()).permute(0, 3, 1, 2) / 127.5 - 1
    table = evaluate_samples(samples, pictures(6), world=world, metrics=["world"], resamples=0)
    assert table == {"samples": 12, "real": 0, "world": world_quality(samples, world)}
    assert table["world"]["well_formed"] > 0.9
    with_ends = evaluate_samples(samples, pictures(6), world=world, metrics=["world"], resamples=5)["world"]
    low, high = with_ends["score_interval"]
    assert low <= with_ends["score"] <= high
    assert with_ends["classes_interval"][1] <= 6


def test_the_world_reads_classes():
    world = World(16)
    scenes = world.scenes(range(24))
    samples = torch.from_numpy(scenes.images()).permute(0, 3, 1, 2) / 127.5 - 1
    labels = torch.from_numpy(scenes.labels)
    for told, share in ((labels, 1), ((labels + 1) % 6, 0)):
        asked = ClassConditionalSamples(samples, told, world.classes)
        table = evaluate_samples(samples, samples, world=world, labels=asked, metrics=["accuracy"])
        assert abs(table["class_accuracy"] - share) < 0.1
        assert table["class_accuracy_by_class"].keys() == set(world.classes)
        assert "world" not in table


def test_metrics_can_be_chosen_by_the_names_of_the_field(features):
    table = evaluate_samples(
        pictures(9), pictures(9, seed=1), features=features, world=World(16), metrics=["fid"]
    )
    assert list(table) == ["samples", "real", "features"]
    assert list(values_of(table)) == ["frechet_distance"]
    table = evaluate_points(RING.sample(50), RING.sample(50), metrics=["modes_covered"])
    assert list(values_of(table)) == ["modes_covered"]
    for metric in METRICS.values():
        assert metrics_named([metric.name, metric.short]) == [metric, metric]


def test_what_applies_depends_on_networks_classes_and_sizes():
    def names(shape, networks=(), *things, modality=IMAGE, classes=0):
        known = frozenset({"samples", "reference", "generated", *things} | ({"labels"} if classes else set()))
        offers = Offers(known, modality, shape, tuple(networks), classes=classes)
        return {metric.short for metric in METRICS.values() if metric.applies(offers) is None}

    of_features = {"fid", "kid", "prdc", "memorization"}
    assert names((2,), [], "density", modality=Points()) == {"modes", "high_quality_share", "swd", "energy"}
    assert names((3, 10, 12), [network()]) == of_features
    assert names((3, 11, 11), [network(classes=3)]) == of_features | {"is", "diversity"}
    assert names((3, 10, 12), [network(classes=3)], classes=3) == of_features | {"is", "accuracy"}
    assert names((3, 10, 12), [network(classes=3)], classes=4) == of_features | {"is"}
    assert names((3, 16, 16), [], "world", classes=6) == {"world", "diversity", "accuracy"}
    assert names((3, 16, 16), [], "world", classes=5) == {"world", "diversity"}
    assert names((2,), [network(classes=3)], modality=Points(), classes=3) == {"energy"}


@pytest.mark.parametrize("metrics", [None, ["fid"], ["kernel_distance"]])
def test_pictures_without_a_network_say_which_file_to_give(metrics):
    with pytest.raises(ValueError, match=r"--features FILE.*LeNet-5.*SqueezeNet.*onnx"):
        evaluate_samples(pictures(4, size=(16, 16)), pictures(4, size=(16, 16)), metrics=metrics)


def test_metrics_that_do_not_apply_are_named(features):
    with pytest.raises(ValueError, match="unknown metric 'frechet'; did you mean frechet_distance"):
        evaluate_samples(pictures(4), pictures(4), features=features, metrics=["frechet"])
    with pytest.raises(ValueError, match=r"modes_covered needs points.*frechet_distance"):
        evaluate_samples(pictures(4), pictures(4), features=features, metrics=["modes"])
    with pytest.raises(ValueError, match="world needs images of the built-in world"):
        evaluate_samples(pictures(4), pictures(4), features=features, metrics=["world"])
    with pytest.raises(ValueError, match="precision_recall_density_coverage needs at least 6 samples"):
        evaluate_samples(pictures(4), pictures(9), features=features, metrics=["prdc"])


@pytest.mark.parametrize(
    ("best", "metrics", "key"),
    [
        (None, ["kid", "fid"], "kernel_distance"),
        ("fid", ["kid", "fid"], "frechet_distance"),
        ("frechet_distance", ["kid", "fid"], "frechet_distance"),
        ("recall", ["prdc", "fid"], "recall"),
        ("well_formed", ["world"], "well_formed"),
        (None, ["diversity", "world"], "score"),
    ],
)
def test_the_value_that_decides(best, metrics, key):
    assert selecting_value(best, metrics_named(metrics)).key == key


@pytest.mark.parametrize(
    ("best", "metrics"),
    [("fid", ["kid"]), ("prdc", ["prdc"]), ("diversity", ["diversity", "fid"]), (None, ["diversity"])],
)
def test_a_value_that_cannot_decide_is_refused(best, metrics):
    with pytest.raises(ValueError, match=f"evaluate.best={best} is no measure that could tell the best"):
        selecting_value(best, metrics_named(metrics))
