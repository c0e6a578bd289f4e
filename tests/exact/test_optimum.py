"""Discriminators at their optimum, where the papers say what it is."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from ganarium.core.engine import Engine
from ganarium.core.game import turn
from ganarium.methods.conditional.cgan import CGAN
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.methods.two_player import TurnData
from helpers import mlp, played

P = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
Q = torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64)


def outcomes(shares, count=10):
    """A batch of one-hot outcomes in which each has exactly its share, `[count, 3]`."""
    return one_hot(torch.arange(len(shares)).repeat_interleave((shares * count).round().long())).double()


class Table(nn.Module):
    """A score of its own for each outcome."""

    def __init__(self):
        super().__init__()
        self.score = nn.Parameter(torch.zeros(3, dtype=torch.float64))

    def forward(self, samples):
        return samples @ self.score


class OnlyTheDiscriminator(GAN):
    """Real and fake samples are given, and the discriminator learns to the end."""

    def play(self, data, clock):
        turn_data = TurnData(*next(data), None)
        yield turn(self.discriminator, lambda: self.discriminator_terms(turn_data, clock))


def lbfgs(net):
    return torch.optim.LBFGS(net.parameters(), max_iter=50, line_search_fn="strong_wolfe")


def judged(real, fake, discriminator, **settings):
    """The game, and its last terms, once the discriminator has reached its optimum."""
    game = OnlyTheDiscriminator(nn.Identity(), discriminator, **settings)
    engine = Engine(game, {"discriminator": lbfgs(discriminator)})
    return game, played(engine, iter([(real, fake)] * 5), 5)


@pytest.mark.parametrize(
    ("objective", "optimum"),
    [
        ("non-saturating", (P / Q).log()),
        ("saturating", (P / Q).log()),
        ("least-squares", P / (P + Q)),
    ],
)
def test_the_best_discriminator_is_the_one_that_the_paper_derives(objective, optimum):
    """Goodfellow et al. 2014, proposition 1, as a logit; Mao et al. 2017, equation 5."""
    game, _ = judged(outcomes(P), outcomes(Q), Table(), objective=objective)
    torch.testing.assert_close(game.discriminator.score.detach(), optimum, rtol=0, atol=1e-4)


def test_the_best_hinge_discriminator_says_on_which_side_it_is():
    """Lim & Ye 2017: 1 where the data are denser, -1 where the samples are."""
    game = OnlyTheDiscriminator(nn.Identity(), Table(), objective="hinge")
    optimizer = torch.optim.SGD(game.discriminator.parameters(), lr=0.2)
    played(Engine(game, {"discriminator": optimizer}), iter([(outcomes(P), outcomes(Q))] * 200), 200)
    torch.testing.assert_close(game.discriminator.score.detach(), (P - Q).sign(), rtol=0, atol=0.1)


def test_the_value_at_the_optimum_is_the_jensen_shannon_divergence():
    """Goodfellow et al. 2014, theorem 1: the discriminator's loss is log 4 - 2 JSD(P, Q)."""
    _, terms = judged(outcomes(P), outcomes(Q), Table())
    middle = (P + Q) / 2
    divergence = (P * (P / middle).log() + Q * (Q / middle).log()).sum() / 2
    value = math.log(4) - 2 * divergence.item()
    assert terms["discriminator/adversarial"].item() == pytest.approx(value, rel=1e-6)


# Conditional: two conditions and three outcomes, as shares of all pairs [2, 3].

PAIRS = torch.tensor([[0.25, 0.15, 0.1], [0.1, 0.1, 0.3]], dtype=torch.float64)
FAKE_PAIRS = torch.tensor([[0.1, 0.3, 0.1], [0.2, 0.2, 0.1]], dtype=torch.float64)
MISMATCHED_PAIRS = PAIRS.flip(0)
"""A real outcome with the other condition."""


class PairTable(nn.Module):
    """A score for each pair; and one for each outcome alone, where the questions are apart."""

    def __init__(self, *, apart):
        super().__init__()
        self.matching = nn.Parameter(torch.zeros(2, 3, dtype=torch.float64))
        self.realism = nn.Parameter(torch.zeros(3, dtype=torch.float64)) if apart else None

    def forward(self, samples, condition):
        matching = (samples * self.matching[condition]).sum(1)
        return torch.stack([matching] if self.realism is None else [samples @ self.realism, matching], 1)


class OnlyTheConditionedDiscriminator(CGAN):
    def play(self, data, clock):
        turn_data = TurnData(*next(data))
        yield turn(self.discriminator, lambda: self.discriminator_terms(turn_data, clock))


def judged_pairs(**settings):
    """The discriminator at its optimum. Real and fake samples stand in the order of their conditions."""
    table = PairTable(apart=settings.get("condition_score") == "apart")
    game = OnlyTheConditionedDiscriminator(nn.Identity(), table, 2, **settings)
    real, fake = (torch.cat([outcomes(row, 20) for row in pairs]) for pairs in (PAIRS, FAKE_PAIRS))
    condition = torch.arange(2).repeat_interleave(10)
    engine = Engine(game, {"discriminator": lbfgs(table)})
    played(engine, iter([(real, fake, condition)] * 5), 5)
    return table


def assert_optimal(table, optimum):
    torch.testing.assert_close(table.detach(), optimum, rtol=0, atol=1e-4)


def test_told_a_condition_the_best_score_is_the_ratio_of_the_pairs():
    assert_optimal(judged_pairs().matching, (PAIRS / FAKE_PAIRS).log())


def test_shown_mismatched_pairs_it_is_the_ratio_to_both_kinds_of_wrong_pairs():
    """Minimise E_p softplus(-D) + (E_q softplus(D) + E_m softplus(D)) / 2 pointwise: D = log 2p / (q + m)."""
    table = judged_pairs(mismatched_pairs=True)
    assert_optimal(table.matching, (2 * PAIRS / (FAKE_PAIRS + MISMATCHED_PAIRS)).log())


def test_judged_apart_realism_does_not_ask_for_the_condition():
    table = judged_pairs(condition_score="apart", mismatched_pairs=True)
    assert_optimal(table.realism, (PAIRS.sum(0) / FAKE_PAIRS.sum(0)).log())
    assert_optimal(table.matching, (2 * PAIRS / (FAKE_PAIRS + MISMATCHED_PAIRS)).log())


# Wasserstein: data are the samples shifted by d. A score of slope s separates them by s d and pays
# w (s - 1)^2, so the best slope is 1 + d / 2w, and the distance that it reports d (1 + d / 2w).

SHIFT, WEIGHT = 2.0, 10.0
REPORTED = SHIFT * (1 + SHIFT / (2 * WEIGHT))


class LinearScore(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([0.1, 0.2], dtype=torch.float64))

    def forward(self, samples):
        return samples @ self.slope


def shifted(count):
    fake = torch.randn(count, 2)
    return fake + torch.tensor([SHIFT, 0.0]), fake


def reported(game, real, fake):
    with torch.no_grad():
        return (game.discriminator(real).mean() - game.discriminator(fake).mean()).item()


def test_a_linear_wgan_gp_discriminator_reports_the_distance():
    real, fake = (points.double() for points in shifted(64))
    game, _ = judged(real, fake, LinearScore(), objective="wasserstein", penalty="gp", penalty_weight=WEIGHT)
    assert game.discriminator.slope.tolist() == pytest.approx([1 + SHIFT / (2 * WEIGHT), 0], abs=1e-4)
    assert reported(game, real, fake) == pytest.approx(REPORTED, rel=1e-4)


def test_the_one_sided_penalty_reports_it_without_a_surcharge():
    """w max(0, s - 1) outweighs s d where w > d, so the best slope is one."""
    real, fake = (points.double() for points in shifted(64))
    game = OnlyTheDiscriminator(
        nn.Identity(), LinearScore(), objective="wasserstein", penalty="one-sided-gp", penalty_weight=WEIGHT
    )
    optimizer = torch.optim.SGD(game.discriminator.parameters(), lr=1e-3)
    played(Engine(game, {"discriminator": optimizer}), iter([(real, fake)] * 1500), 1500)
    assert reported(game, real, fake) == pytest.approx(SHIFT, rel=0.02)


def test_a_wgan_gp_discriminator_of_layers_reports_the_distance():
    """On fresh samples, after learning from others."""
    torch.manual_seed(0)
    game = OnlyTheDiscriminator(
        nn.Identity(), mlp(width=64), objective="wasserstein", penalty="gp", penalty_weight=WEIGHT
    )
    optimizer = torch.optim.Adam(game.discriminator.parameters(), lr=1e-3, betas=(0.0, 0.9))
    played(Engine(game, {"discriminator": optimizer}), (shifted(256) for _ in range(700)), 700)
    assert reported(game, *shifted(20_000)) == pytest.approx(REPORTED, rel=0.06)
