"""Metrics of real digits, damaged in known ways."""

import gzip
import time

import pytest
import torch

from ganarium.metrics import (
    class_accuracy,
    features_of,
    frechet_distance,
    inception_score,
    load_features,
    memorized_share,
    ms_ssim_diversity,
    precision_recall_density_coverage,
)
from ganarium.metrics.features import features_and_logits


@pytest.fixture(scope="module")
def digits(real_data):
    """5,000 digits [N, 1, 28, 28] in [-1, 1], their labels, and the network that reads them."""
    folder = real_data / "mnist_small"
    images, labels = (
        torch.frombuffer(bytearray(gzip.decompress((folder / name).read_bytes())[skip:]), dtype=torch.uint8)
        for name, skip in (("images-idx3-ubyte.gz", 16), ("labels-idx1-ubyte.gz", 8))
    )
    return (
        images.view(-1, 1, 28, 28) / 127.5 - 1,
        labels.long(),
        load_features(real_data / "weights/mnist_lenet"),
    )


@pytest.fixture(scope="module")
def read(digits):
    return features_and_logits(digits[2], digits[0])


def test_half_of_the_classes_and_noise(digits, read):
    labels = digits[1]
    features, real = read.features[:2500], read.features[2500:]
    whole = precision_recall_density_coverage(features, real)
    assert min(whole) > 0.85
    few = precision_recall_density_coverage(features[labels[:2500] < 5], real)
    assert few.precision > 0.85
    assert few.recall < 0.75
    assert few.coverage < 0.6
    rng = torch.Generator().manual_seed(0)
    noisy = (digits[0][:2500] + torch.randn(2500, 1, 28, 28, generator=rng)).clamp(-1, 1)
    damaged = precision_recall_density_coverage(features_of(digits[2], noisy), real)
    # Precision does not see the noise: the large balls of rare digits hold it. Coverage does.
    assert damaged.precision > 0.9
    assert damaged.density < 0.85 * whole.density
    assert damaged.coverage < 0.4


def test_copies_of_training_digits_are_found_through_noise(digits, read):
    images, _, network = digits
    training, fresh = read.features[:4000], read.features[4000:]
    assert not memorized_share(fresh, training).memorized
    rng = torch.Generator().manual_seed(0)
    copies = (images[:200] + 0.05 * torch.randn(200, 1, 28, 28, generator=rng)).clamp(-1, 1)
    mixed = memorized_share(torch.cat([features_of(network, copies), fresh[:800]]), training)
    assert mixed.memorized
    assert 0.15 < mixed.share < 0.25


def test_digits_are_of_the_requested_class(digits, read):
    labels = digits[1]
    accuracy = class_accuracy(read.logits, labels)
    assert accuracy.overall > 0.98
    assert min(accuracy.by_class.values()) > 0.95
    assert class_accuracy(read.logits, labels.roll(1)).overall < 0.2
    assert 9.3 < inception_score(read.logits).mean < 10
    assert inception_score(read.logits[labels < 5]).mean < 5.5


def test_one_image_per_class_differs_from_many(digits):
    images, labels, _ = digits
    real = ms_ssim_diversity(images, labels)
    assert real.overall < min(0.3, sum(real.by_class.values()) / 10)
    assert max(real.by_class.values()) < 0.7  # ones resemble each other most
    assert max(real.by_class, key=real.by_class.get) == 1
    same = torch.stack([images[labels == label][0] for label in range(10)])[labels]
    assert min(ms_ssim_diversity(same, labels).by_class.values()) == pytest.approx(1)


def test_frechet_distance_of_ten_thousand_takes_seconds(digits):
    images, _, network = digits
    rng = torch.Generator().manual_seed(0)
    noisy = (images + 0.3 * torch.randn(images.shape, generator=rng)).clamp(-1, 1)
    began = time.process_time()
    samples = features_of(network, torch.cat([images, noisy]))
    distance = frechet_distance(samples, features_of(network, images))
    assert time.process_time() - began < 30
    assert 1 < distance < 200
