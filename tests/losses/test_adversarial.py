"""Objective and penalty, chosen independently; and what cannot go together."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.objectives import OBJECTIVES
from ganarium.losses.penalties import PENALTIES, WEIGHTS
from ganarium.networks.mlp import MLPDiscriminator
from helpers import mlp

NORMED = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
BOUNDED = nn.Sequential(spectral_norm(nn.Linear(2, 4)), nn.ReLU(), spectral_norm(nn.Linear(4, 1)))


def always(interval):
    return True


def adversarial_loss(objective="non-saturating", penalty="none", weight=None, interval=1, clip_bound=0.01):
    return AdversarialLoss(
        objective=objective,
        penalty=penalty,
        penalty_weight=weight,
        penalty_interval=interval,
        clip_bound=clip_bound,
    )


@pytest.mark.parametrize("penalty", ["none", "clip", *PENALTIES])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_any_objective_goes_with_any_penalty(objective, penalty):
    """On a network whose slope is bounded by construction."""
    chosen = adversarial_loss(objective, penalty)
    chosen.check(BOUNDED)
    samples = torch.randn(4, 2)
    penalties = chosen.penalties(BOUNDED, samples, samples, always)
    assert list(penalties) == (["penalty"] if penalty in PENALTIES else [])


@pytest.mark.parametrize("penalty", ["gp", "one-sided-gp", "dragan"])
def test_a_slope_for_each_sample_does_not_go_with_batch_norm(penalty):
    with pytest.raises(ValueError, match=rf"game\.penalty={penalty} .*networks\.discriminator\.norm=layer"):
        adversarial_loss(penalty=penalty).check(NORMED)
    adversarial_loss(penalty=penalty).check(mlp())


def test_a_slope_for_each_sample_does_not_go_with_minibatch_discrimination():
    with pytest.raises(ValueError, match="minibatch_discrimination=0"):
        adversarial_loss(penalty="gp").check(
            MLPDiscriminator((2,), width=8, depth=1, minibatch_discrimination=4)
        )


@pytest.mark.parametrize("penalty", ["none", "clip", "r1", "r2"])
def test_other_penalties_go_with_batch_norm(penalty):
    adversarial_loss(penalty=penalty).check(NORMED)


def test_wasserstein_wants_a_bound_on_the_slope():
    with pytest.raises(ValueError, match=r"game\.objective=wasserstein .*game\.penalty=gp"):
        adversarial_loss("wasserstein").check(mlp())
    adversarial_loss("wasserstein").check(BOUNDED)
    for penalty in ("clip", *PENALTIES):
        adversarial_loss("wasserstein", penalty).check(mlp())


@pytest.mark.parametrize("interval", [0, -1])
def test_an_interval_counts_rounds(interval):
    with pytest.raises(ValueError, match=rf"game\.penalty_interval is {interval};.* 1"):
        adversarial_loss(penalty="r1", interval=interval)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_weight_and_interval_scale_the_penalty(penalty):
    net, samples = mlp(), torch.randn(2, 4, 2)

    def value(**settings):
        torch.manual_seed(0)
        return adversarial_loss(penalty=penalty, **settings).penalties(net, *samples, always)["penalty"]

    one = value(weight=1.0)
    torch.testing.assert_close(value(), WEIGHTS[penalty] * one)
    torch.testing.assert_close(value(weight=0.5, interval=16), 8 * one)
    assert value(weight=0.0) == 0


def test_a_lazy_penalty_keeps_its_mean_strength():
    """Played one round in four, four times as strong."""
    net, samples = mlp(), torch.randn(2, 4, 2)
    total = 0.0
    for number in range(16):
        terms = adversarial_loss(penalty="r1", weight=1.0, interval=4).penalties(
            net, *samples, lambda interval, number=number: number % interval == 0
        )
        assert bool(terms) == (number % 4 == 0)
        total += sum(value.item() for value in terms.values())
    every_round = (
        adversarial_loss(penalty="r1", weight=1.0).penalties(net, *samples, always)["penalty"].item()
    )
    assert total / 16 == pytest.approx(every_round)


def test_clipping_is_done_only_where_it_is_asked_for():
    for penalty, bound in (("clip", 0.02), ("none", None), ("r1", None)):
        net = mlp()
        before = max(p.abs().max().item() for p in net.parameters())
        adversarial_loss(penalty=penalty, clip_bound=0.02).clip(net)
        assert max(p.abs().max().item() for p in net.parameters()) == pytest.approx(bound or before)


REAL_SCORES, FAKE_SCORES = torch.tensor([[0.5, -1.0, 2.0], [0.3, 0.1, -2.0]], dtype=torch.float64)


def relativistic(kind, **settings):
    judged = AdversarialLoss(relativistic=kind, **settings)
    return judged.discriminator(REAL_SCORES, FAKE_SCORES), judged.generator(FAKE_SCORES, REAL_SCORES)


def test_the_standard_relativistic_gan_compares_pairs():
    """Jolicoeur-Martineau 2019, eq. 7 and 8."""
    of_discriminator, of_generator = relativistic("standard")
    torch.testing.assert_close(of_discriminator, -(REAL_SCORES - FAKE_SCORES).sigmoid().log().mean())
    torch.testing.assert_close(of_generator, -(FAKE_SCORES - REAL_SCORES).sigmoid().log().mean())


def test_the_average_relativistic_gan_compares_with_the_mean_of_the_other_side():
    """Its RaSGAN: -E log D~(x_r) - E log(1 - D~(x_f)), and with the sides exchanged for the generator."""
    real = (REAL_SCORES - FAKE_SCORES.mean()).sigmoid()
    fake = (FAKE_SCORES - REAL_SCORES.mean()).sigmoid()
    of_discriminator, of_generator = relativistic("average")
    torch.testing.assert_close(of_discriminator, -real.log().mean() - (1 - fake).log().mean())
    torch.testing.assert_close(of_generator, -fake.log().mean() - (1 - real).log().mean())


def test_relativistic_least_squares_wants_opposite_targets():
    """Its RaLSGAN, at half the size as LSGAN's own loss."""
    real, fake = REAL_SCORES - FAKE_SCORES.mean(), FAKE_SCORES - REAL_SCORES.mean()
    settings = {"objective": "least-squares", "targets": (-1, 1, 0)}
    of_discriminator, of_generator = relativistic("average", **settings)
    torch.testing.assert_close(of_discriminator, ((real - 1) ** 2 + (fake + 1) ** 2).mean() / 2)
    torch.testing.assert_close(of_generator, ((fake - 1) ** 2 + (real + 1) ** 2).mean() / 2)
    for targets in (None, (0, 1, 1)):
        with pytest.raises(ValueError, match=r"game\.targets=\[-1, 1, 0\]"):
            relativistic("average", objective="least-squares", targets=targets)


def test_a_relativistic_generator_learns_from_real_samples_too():
    real, fake = REAL_SCORES.clone().requires_grad_(), FAKE_SCORES.clone().requires_grad_()
    loss = AdversarialLoss(relativistic="average").generator(fake, real)
    assert all(slope.abs().min() > 0 for slope in torch.autograd.grad(loss, (real, fake)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"objective": "hinge", "real_label": 0.9},
            r"game\.real_label .*non-saturating or saturating.*hinge",
        ),
        ({"targets": (0, 1, 1)}, r"game\.targets .*game\.objective=least-squares"),
        ({"objective": "wasserstein", "relativistic": "average"}, r"game\.relativistic .*game\.objective="),
        ({"relativistic": "average", "minimax": True}, r"game\.minimax and game\.relativistic"),
    ],
)
def test_a_setting_that_the_objective_has_not_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        AdversarialLoss(**settings)


def test_a_smoothed_label_serves_both_cross_entropies():
    for objective in ("non-saturating", "saturating"):
        plain, smoothed = (
            AdversarialLoss(objective=objective),
            AdversarialLoss(objective=objective, real_label=0.9),
        )
        assert smoothed.generator(FAKE_SCORES).equal(plain.generator(FAKE_SCORES))
        extra = smoothed.discriminator(REAL_SCORES, FAKE_SCORES) - plain.discriminator(
            REAL_SCORES, FAKE_SCORES
        )
        torch.testing.assert_close(extra, 0.1 * REAL_SCORES.mean())
