"""Learning tests of translators: the built-in world knows the true translation of every image."""

import numpy as np
import pytest
import torch

from ganarium import methods
from ganarium.data.dataset import open_data
from ganarium.data.world import World
from ganarium.metrics.pairs import psnr
from ganarium.metrics.world_translation import world_translations
from ganarium.testing import MethodUnderTest

torch.set_num_threads(1)

SIZE, COUNT = 32, 120
SMALL_UNET = {
    "kind": "unet",
    "downsamplings": 4,
    "width": 24,
    "norm": "instance",
    "dropout": 0.0,
    "bias": True,
}
SMALL_PATCH = {"kind": "patch", "width": 32, "layers": 2}
PLAYERS = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")


def played(method, images, changes):
    """Return a trial, and its game after so many images."""
    trial = MethodUnderTest(methods.find(method), {"images": images, **changes})
    engine = trial.engine()
    trial.played(engine, trial.feed(), images // trial.recipe.batch_size)
    return trial, engine.game.eval()


def translated(seed, lr=6e-4, images=2_400):
    """Return scores of CycleGAN's translations of held-out scenes in both directions."""
    changes = {
        "seed": seed,
        "batch_size": 4,
        "networks": {"translator": SMALL_UNET, "discriminator": SMALL_PATCH},
        "optimizers": {player: {"lr": lr} for player in PLAYERS},
        "data": {"size": SIZE, "count": 1_000, "flip": False},
    }
    _, game = played("cyclegan", images, changes)
    scenes = World(SIZE, seed=seed).scenes(np.arange(2**40, 2**40 + COUNT))
    plain, inked = (
        torch.from_numpy(drawn).permute(0, 3, 1, 2) / 127.5 - 1
        for drawn in (scenes.images(), scenes.styled())
    )
    with torch.no_grad():
        there, back = game.translate(plain, (0, 1)), game.translate(inked, (1, 0))
    return [
        world_translations(images_of_style, scenes, style).summary()
        for images_of_style, style in ((there, "inked"), (back, "plain"))
    ]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_cyclegan_finds_the_true_translation(seed):
    """Settings were chosen with seeds 10 and 11."""
    there, back = translated(seed)
    assert min(there["translation_accuracy"], back["translation_accuracy"]) > 0.8
    assert back["psnr"] > 20


def test_cyclegan_that_does_not_learn():
    there, back = translated(0, lr=1e-12, images=40)
    assert max(there["translation_accuracy"], back["translation_accuracy"]) < 0.15


def mean_psnr(seed, lr=1e-3, images=3_000):
    """Return the mean PSNR of held-out gray images that are generated from their edges."""
    changes = {
        "seed": seed,
        "networks": {
            "generator": {"width": 16},
            "discriminator": {"width": 16, "layers": 1},
        },
        "optimizers": {
            "generator": {"lr": lr, "schedule": {"kind": "linear", "start": 0.3}},
            "discriminator": {"lr": min(lr, 2e-4)},
        },
        "data": {"size": SIZE, "channels": 1, "count": 1_000},
    }
    trial, game = played("pix2pix", images, changes)
    test_split = trial.recipe.data.model_copy(update={"split": "test", "count": COUNT})
    unseen = open_data(test_split, seed=seed).batch(range(COUNT))
    with torch.no_grad():
        return float(psnr(game.translate(unseen.condition), unseen.real).mean())


@pytest.mark.parametrize("seed", range(3))
def test_pix2pix_translates_edges(seed):
    assert mean_psnr(seed) > 20


def test_pix2pix_that_does_not_learn():
    assert mean_psnr(0, lr=1e-12, images=80) < 12
