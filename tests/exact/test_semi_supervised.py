"""The semi-supervised game: its classifier at the optimum, and its round beside the paper's K + 1 classes."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.core.game import turn
from ganarium.data.batches import Conditioned, SemiSupervisedBatch
from ganarium.data.conditions.label import Label
from ganarium.data.conditions.partial import PartialLabels
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.methods.noise_to_image.semi_supervised_gan import SemiSupervisedGAN, realness
from ganarium.methods.two_player import TurnData
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from helpers import Stream, assert_near, played, sgd
from textbook import steps

P = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
Q = torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64)
OF_CLASS_ONE = torch.tensor([0.1, 0.5, 0.8], dtype=torch.float64)
"""The probability of the second of two classes, for each outcome."""
ROUNDS, BATCH, SHAPE, CLASSES = 4, 8, (3, 16, 16), 3


class Table(nn.Module):
    """Two logits of their own for each of three outcomes."""

    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(3, 2, dtype=torch.float64))

    def forward(self, samples):
        return samples @ self.logits


class OnlyTheClassifier(SemiSupervisedGAN):
    """All samples are given, and the classifier learns to the end."""

    def play(self, data, clock):
        yield turn(self.discriminator, lambda: self.discriminator_terms(next(data), clock))


def one_hot(shares, count=100):
    return torch.eye(3, dtype=torch.float64).repeat_interleave((shares * count).round().long(), 0)


def taught(**settings):
    """The table of logits once the classifier has reached its optimum."""
    labeled = one_hot(P)
    of_class_one = (P * OF_CLASS_ONE * 100).round().long().tolist()
    labels = torch.cat([torch.arange(n) < ones for n, ones in zip((50, 30, 20), of_class_one, strict=True)])
    game = OnlyTheClassifier(nn.Identity(), Table(), **settings)
    lbfgs = torch.optim.LBFGS(game.discriminator.parameters(), max_iter=50, line_search_fn="strong_wolfe")
    turn_data = TurnData(one_hot(P), one_hot(Q), Conditioned(labeled, labels.long()))
    engine = Engine(game, {"discriminator": lbfgs})
    played(engine, iter([turn_data] * 1000), 5)
    return game.discriminator.logits.detach()


def test_the_best_classifier_knows_class_and_realness():
    """exp D_k(x) is proportional to p(y = k, x): the classes' shares are right, and S is log p/q (sec. 5)."""
    logits = taught()
    torch.testing.assert_close(logits.softmax(1)[:, 1], OF_CLASS_ONE, rtol=0, atol=1e-4)
    torch.testing.assert_close(realness(logits), (P / Q).log(), rtol=0, atol=1e-4)


def test_taught_by_labels_alone_it_knows_the_class_only():
    logits = taught(unlabeled_weight=0.0)
    torch.testing.assert_close(logits.softmax(1)[:, 1], OF_CLASS_ONE, rtol=0, atol=1e-4)
    assert not torch.allclose(realness(logits), (P / Q).log(), atol=0.1)


class Labeled(Stream):
    """Endless batches with as many labelled samples beside them."""

    def __next__(self):
        real, labeled = super().__next__().split(BATCH)
        return SemiSupervisedBatch(real, Conditioned(labeled, torch.arange(BATCH) % CLASSES))


def batches():
    return Labeled(2 * BATCH, *SHAPE)


def game_of(**settings):
    method = methods.find("semi-supervised-gan")
    changes = {"game": settings, "networks": {"discriminator": {"norm": "none"}}}
    recipe = resolve(method, TINY, method.tiny, changes)
    spec = DataSpec(Image(), SHAPE, PartialLabels(("a", "b", "c")))
    return build_game(method, recipe, spec)


def textbook(G, D, data, *, adversarial=False):  # noqa: N803 - as the paper writes them
    """Salimans et al. 2016, section 5, literally: a softmax over K + 1 classes, of which the last is fake."""
    step_g, step_d = steps(G, lr=0.02), steps(D, lr=0.02)

    def probabilities(samples):
        logits = D(samples)
        return torch.cat([logits, torch.zeros(len(logits), 1)], 1).softmax(1)

    for number in range(ROUNDS):
        torch.manual_seed(number * 4_099)
        real, (labeled, labels) = next(data)
        fake = G(torch.randn(BATCH, 4))
        known = probabilities(labeled)[:, :CLASSES]
        among_known = known / known.sum(1, keepdim=True)  # p(y | x, y < K + 1)
        supervised = -among_known[torch.arange(BATCH), labels].log().mean()
        is_real = -(1 - probabilities(real)[:, -1]).log().mean()
        is_fake = -probabilities(fake.detach())[:, -1].log().mean()
        step_d(supervised + is_real + is_fake)
        if adversarial:
            step_g(-(1 - probabilities(fake)[:, -1]).log().mean())
        else:
            step_g((D.features(real).detach().mean(0) - D.features(fake).mean(0)).square().sum())


@pytest.mark.parametrize("adversarial", [False, True])
def test_it_equals_the_loop_over_k_plus_one_classes(adversarial):
    weights = {"adversarial_weight": 1.0, "feature_matching_weight": 0.0} if adversarial else {}
    game = game_of(**weights)
    by_hand = copy.deepcopy(game)
    played(Engine(game, sgd(game, 0.02)), batches(), ROUNDS)
    textbook(by_hand.generator, by_hand.discriminator, batches(), adversarial=adversarial)
    assert_near(game, by_hand, rtol=1e-4, atol=1e-6)


def test_another_game_ends_elsewhere():
    game = game_of(unlabeled_weight=0.0)
    by_hand = copy.deepcopy(game)
    played(Engine(game, sgd(game, 0.02)), batches(), ROUNDS)
    textbook(by_hand.generator, by_hand.discriminator, batches())
    with pytest.raises(AssertionError):
        assert_near(game, by_hand, rtol=1e-4, atol=1e-6)


def test_the_probabilities_are_those_of_the_classes():
    game = game_of().eval()
    samples = torch.randn(5, *SHAPE)
    found = game.classify(samples)
    assert torch.allclose(found.sum(1), torch.ones(5))
    labels = torch.arange(5) % CLASSES
    expected = cross_entropy(game.discriminator(samples), labels)
    assert torch.allclose(-found[torch.arange(5), labels].log().mean(), expected)


@pytest.mark.parametrize("condition", [None, Label(("a", "b"))])
def test_without_labels_it_says_what_to_set(condition):
    method = methods.find("semi-supervised-gan")
    with pytest.raises(ValueError, match=r"data\.labeled_samples=100.* data\.condition"):
        build_game(method, resolve(method, TINY, method.tiny), DataSpec(Image(), SHAPE, condition))


def test_other_games_refuse_labels_beside_batches():
    for name in ("gan", "infogan"):
        method = methods.find(name)
        recipe, spec = resolve(method, TINY, method.tiny), DataSpec(Image(), SHAPE, PartialLabels(("a", "b")))
        with pytest.raises(ValueError, match=r"which this method cannot use; leave it out, or choose semi-"):
            build_game(method, recipe, spec)
