"""Objectives against the papers' formulas."""

import pytest
import torch
from torch.autograd import gradcheck

from ganarium.losses.divergences import DIVERGENCES
from ganarium.losses.objectives import (
    OBJECTIVES,
    cross_entropy,
    non_saturating,
    saturating,
    squares,
    zero_sum,
)

torch.manual_seed(0)
REAL, FAKE = torch.randn(2, 6, dtype=torch.float64).unbind()

PAPERS = {
    "non-saturating": (
        lambda real, fake: -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()),
        lambda fake: -fake.sigmoid().log().mean(),
    ),
    "saturating": (
        lambda real, fake: -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()),
        lambda fake: (1 - fake.sigmoid()).log().mean(),
    ),
    "least-squares": (
        lambda real, fake: 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean(),
        lambda fake: 0.5 * ((fake - 1) ** 2).mean(),
    ),
    "hinge": (
        lambda real, fake: -(real - 1).clamp(max=0).mean() - (-fake - 1).clamp(max=0).mean(),
        lambda fake: -fake.mean(),
    ),
    "wasserstein": (lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean()),
}


def test_every_objective_is_here():
    assert PAPERS.keys() | DIVERGENCES.keys() == OBJECTIVES.keys()


@pytest.mark.parametrize("name", PAPERS)
def test_values_are_the_papers(name):
    discriminator, generator = PAPERS[name]
    torch.testing.assert_close(OBJECTIVES[name].discriminator(REAL, FAKE), discriminator(REAL, FAKE))
    torch.testing.assert_close(OBJECTIVES[name].generator(FAKE), generator(FAKE))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_are_the_slopes(name):
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    assert gradcheck(OBJECTIVES[name].discriminator, (real, fake))
    assert gradcheck(OBJECTIVES[name].generator, (fake,))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_scores_may_have_any_shape(name):
    """A score a patch is the mean over patches."""
    patches = OBJECTIVES[name].discriminator(REAL.view(1, 2, 3), FAKE.view(1, 2, 3))
    torch.testing.assert_close(patches, OBJECTIVES[name].discriminator(REAL, FAKE))


@pytest.mark.parametrize("name", sorted(OBJECTIVES.keys() - {"least-squares", "pearson"}))
def test_the_discriminator_lowers_what_the_generator_raises(name):
    """Least squares and Pearson have targets, and pull back what overshoots them."""
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    of_real, of_fake = torch.autograd.grad(OBJECTIVES[name].discriminator(real, fake), (real, fake))
    (of_generator,) = torch.autograd.grad(OBJECTIVES[name].generator(fake), fake)
    assert (of_real <= 0).all()
    assert (of_fake >= 0).all()
    assert (of_generator <= 0).all()


@pytest.mark.parametrize("name", [*PAPERS, "gan", "jensen-shannon", "total-variation", "pearson"])
def test_certain_scores_stay_finite(name):
    """Where a sigmoid would have rounded to 0 or 1."""
    certain = torch.tensor([-200.0, 200.0], requires_grad=True)
    loss = OBJECTIVES[name].discriminator(certain, certain) + OBJECTIVES[name].generator(certain)
    (slope,) = torch.autograd.grad(loss, certain)
    assert loss.isfinite()
    assert slope.isfinite().all()


def test_only_the_non_saturating_generator_learns_from_a_certain_no():
    no = torch.tensor(-20.0, requires_grad=True)
    slopes = {
        name: torch.autograd.grad(OBJECTIVES[name].generator(no), no)[0].abs().item()
        for name in ("saturating", "non-saturating")
    }
    assert slopes["saturating"] < 1e-8
    assert slopes["non-saturating"] == pytest.approx(1.0)


def test_a_smoothed_label_is_the_cross_entropy_with_it():
    """Salimans et al. 2016, sec. 3.4: only the label of real samples is smoothed."""
    smoothed = cross_entropy(0.9)
    target = torch.full_like(REAL, 0.9)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(REAL, target)
    torch.testing.assert_close(smoothed.real(REAL).mean(), wanted)
    assert smoothed.fake(FAKE).equal(non_saturating.fake(FAKE))
    assert smoothed.generator(FAKE).equal(non_saturating.generator(FAKE))
    assert cross_entropy(1.0).real(REAL).equal(non_saturating.real(REAL))


def test_least_squares_pulls_to_its_targets():
    a, b, c = -1.0, 1.0, 0.25
    objective = squares(a, b, c)
    wanted = ((REAL - b) ** 2 + (FAKE - a) ** 2).mean() / 2
    torch.testing.assert_close(objective.discriminator(REAL, FAKE), wanted)
    torch.testing.assert_close(objective.generator(FAKE), ((FAKE - c) ** 2).mean() / 2)


@pytest.mark.parametrize("name", sorted(OBJECTIVES.keys() - {"saturating"}))
def test_with_zero_sum_one_side_wins_what_the_other_loses(name):
    objective = zero_sum(OBJECTIVES[name])
    fake = FAKE.clone().requires_grad_()
    (of_discriminator,) = torch.autograd.grad(objective.discriminator(REAL, fake), fake)
    (of_generator,) = torch.autograd.grad(objective.generator(fake), fake)
    torch.testing.assert_close(of_generator, -of_discriminator)
    torch.testing.assert_close(zero_sum(non_saturating).generator(FAKE), saturating.generator(FAKE))
