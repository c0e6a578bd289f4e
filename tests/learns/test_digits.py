"""DCGAN's own recipe, nothing changed, on handwritten digits."""

import numpy as np
import pytest

import ganarium as gan
from ganarium.metrics import features_of, frechet_distance, load_features

IMAGES = 20_000
BOUND = 3_000
"""Frechet distance on a digit reader's features; set when seed 0 reached 1,708 and the control 11,583."""


def distance(folder, real_data, lr, seed):
    rule = {"lr": lr}
    gan.train(
        "dcgan",
        data=real_data / "mnist_small",
        out=folder,
        images=IMAGES,
        seed=seed,
        optimizers={"generator": rule, "discriminator": rule},
    )
    (weights,) = (real_data / "weights" / "mnist_lenet").glob("*.pth")
    network = load_features(weights)
    samples = gan.load(folder).generate(1000, seed=7)
    dataset = gan.Run(folder).trainer().dataset
    real = dataset.batch(np.arange(len(dataset)))
    return frechet_distance(features_of(network, samples), features_of(network, real))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dcgan_learns_digits_with_its_own_recipe(tmp_path, real_data, seed):
    assert distance(tmp_path / "run", real_data, 2e-4, seed) < BOUND


@pytest.mark.slow
def test_without_a_learning_rate_it_does_not(tmp_path, real_data):
    assert distance(tmp_path / "run", real_data, 1e-12, 0) > BOUND
