"""Learning tests of games whose domains share layers or codes, on the two styles of the built-in world."""

import copy
import itertools
from dataclasses import dataclass

import pytest
import torch

from ganarium.metrics.world_translation import STYLES
from ganarium.tasks.base import draw_latents, latent_inputs
from learning_tests import COUNT, drawn, scenes, score
from learning_tests import trained as trained_engine


@dataclass(frozen=True)
class LearningTest:
    """Method with its preset for the world, and the least score, the mean over both directions.

    The score is the share of translations of the right class, one in six by chance; the losses do not
    determine the mapping of colors. Comments give the scores of the seeds with which settings were chosen;
    seeds 1 and 2 are tested.
    """

    method: str
    least: float


TESTS = {
    "unit": LearningTest("unit", 0.8),  # seeds 10 to 15: 0.97, 1.00, 0.92, 1.00, 0.99, 0.99
    "xgan": LearningTest("xgan", 0.75),  # seeds 10 to 15: 0.92, 0.90, 0.90, 0.91, 0.87, 0.90
    "combogan": LearningTest("combogan", 0.8),  # seeds 10 to 15: 0.96, 0.96, 0.95, 0.98, 0.98, 0.91
}


def trained(name, **how):
    """Return the game after training with its preset for the world."""
    engine = trained_engine(name, **how)
    with engine.averages.in_place(engine.game):
        return copy.deepcopy(engine.game)


@pytest.mark.parametrize("name", TESTS)
def test_without_learning_it_fails(name):
    assert score(trained(name, images=160, lr=1e-12), "class_kept") < TESTS[name].least / 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", TESTS)
def test_translations_keep_the_class(name, seed):
    assert score(trained(name, seed=seed), "class_kept") >= TESTS[name].least


def recognized(images, style):
    """Return class and color of the nearest of many scenes in that style."""
    many = scenes(2400)
    nearest = torch.cdist(images.flatten(1), drawn(many, style).flatten(1)).argmin(1)
    return torch.from_numpy(many.labels)[nearest], torch.from_numpy(many.colors)[nearest]


def agreement(game):
    """Return the agreement of pairs of one latent in class and in color: Cohen's kappa.

    It is 0 by chance and for constant images, and 1 if all agree. The four colors of the first style are
    first exchanged in the best way, which raises the chance level to about 0.1: the losses do not determine
    the exchange, and one seed had another in a narrow network than in a wide one.
    """
    latents = draw_latents(latent_inputs(game), COUNT, 1)
    with torch.no_grad():
        pairs = [game.generate(**latents, condition=torch.full((COUNT,), i)) for i in range(len(STYLES))]
    (class_a, color_a), (class_b, color_b) = map(recognized, pairs, STYLES)
    exchanges = map(torch.tensor, itertools.permutations(range(4)))
    return kappa(class_a, class_b), max(kappa(exchange[color_a], color_b) for exchange in exchanges)


def kappa(a, b):
    equal = float((a == b).double().mean())
    by_chance = float((a[:, None] == b).double().mean())
    return (equal - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


COUPLED = 0.3, 0.25
"""Least agreement in class and color.

Seeds 10 to 15, with which settings were chosen, reached 0.46 to 0.58 and 0.43 to 0.61.
"""
UNCOUPLED = {"shared_generator_layers": 0, "shared_discriminator_layers": 0}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_cogan_generates_pairs_without_pairs_in_the_data(seed):
    assert all(
        share >= least for share, least in zip(agreement(trained("cogan", seed=seed)), COUPLED, strict=True)
    )


@pytest.mark.slow
def test_without_shared_layers_there_are_no_pairs():
    game = trained("cogan", game=UNCOUPLED)
    assert all(share < least for share, least in zip(agreement(game), COUPLED, strict=True))


def test_without_learning_there_are_no_pairs():
    assert max(agreement(trained("cogan", images=160, lr=1e-12))) < min(COUPLED)
