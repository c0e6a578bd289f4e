"""Do games of several domains that share layers or codes learn? The built-in world knows each scene twice."""

import copy
import itertools
from dataclasses import dataclass

import pytest
import torch

from ganarium.metrics.world_translation import STYLES
from lessons import COUNT, drawn, scenes, score, taught


@dataclass(frozen=True)
class Lesson:
    """What a method must reach with its preset for the world, on the average of both ways.

    The score is the share of translations that show the right class, by chance one in six: which colour
    becomes which nothing says. Beside each bound stands what the seeds that settings were chosen with
    reached; 1 and 2 are tested.
    """

    method: str
    least: float


LESSONS = {
    "unit": Lesson("unit", 0.8),  # seeds 10 to 15: 0.97, 1.00, 0.92, 1.00, 0.99, 0.99
    "xgan": Lesson("xgan", 0.75),  # seeds 10 to 15: 0.92, 0.90, 0.90, 0.91, 0.87, 0.90
    "combogan": Lesson("combogan", 0.8),  # seeds 10 to 15: 0.96, 0.96, 0.95, 0.98, 0.98, 0.91
}


def trained(name, **how):
    """The game after training with its preset for the world."""
    engine = taught(name, **how)
    with engine.averages.in_place(engine.game):
        return copy.deepcopy(engine.game)


@pytest.mark.parametrize("name", LESSONS)
def test_who_does_not_move_does_not_pass(name):
    assert score(trained(name, images=160, lr=1e-12), "class_kept") < LESSONS[name].least / 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", LESSONS)
def test_translations_keep_the_class(name, seed):
    assert score(trained(name, seed=seed), "class_kept") >= LESSONS[name].least


def shown(pictures, style):
    """Class and colour of the nearest of many drawings in that style."""
    many = scenes(2400)
    nearest = torch.cdist(pictures.flatten(1), drawn(many, style).flatten(1)).argmin(1)
    return torch.from_numpy(many.labels)[nearest], torch.from_numpy(many.colors)[nearest]


def agreement(game):
    """How far pairs drawn from one noise agree in class, and in colour: Cohen's kappa.

    0 by chance, and where one and the same is drawn always; 1 where all agree. The four colours of the first
    style are first exchanged as suits best, which lifts chance to about 0.1: no term says which goes with
    which, and the same seed had them exchanged in a narrow network and as they are in a wide one.
    """
    noise = game.draw_noise(COUNT, torch.Generator().manual_seed(1))
    with torch.no_grad():
        pairs = [game.generate(noise, torch.full((COUNT,), domain)) for domain in range(len(STYLES))]
    (class_a, color_a), (class_b, color_b) = map(shown, pairs, STYLES)
    exchanges = map(torch.tensor, itertools.permutations(range(4)))
    return kappa(class_a, class_b), max(kappa(exchange[color_a], color_b) for exchange in exchanges)


def kappa(a, b):
    equal = float((a == b).double().mean())
    by_chance = float((a[:, None] == b).double().mean())
    return (equal - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


ALIKE = 0.3, 0.25
"""Least agreement in class and colour.

Seeds 10 to 15, with which settings were chosen, reached 0.46 to 0.58 and 0.43 to 0.61.
"""
APART = {"shared_generator_layers": 0, "shared_discriminator_layers": 0}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_pairs_that_nobody_showed(seed):
    assert all(
        share >= least for share, least in zip(agreement(trained("cogan", seed=seed)), ALIKE, strict=True)
    )


@pytest.mark.slow
def test_couples_without_a_common_layer_draw_no_pairs():
    game = trained("cogan", game=APART)
    assert all(share < least for share, least in zip(agreement(game), ALIKE, strict=True))


def test_couples_that_do_not_move_draw_no_pairs():
    assert max(agreement(trained("cogan", images=160, lr=1e-12))) < min(ALIKE)
