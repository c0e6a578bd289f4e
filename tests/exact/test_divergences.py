"""f-divergences: conjugates by search, bounds by integration, and discriminators that reach them."""

import math

import pytest
import torch

from exact.test_optimum import Table, lbfgs, outcomes
from ganarium.losses.divergences import DIVERGENCES
from ganarium.losses.objectives import OBJECTIVES, zero_sum
from helpers import mlp

NAMES = list(DIVERGENCES)
RATIOS = torch.cat([torch.zeros(1), torch.logspace(-8, 8, 400_001)]).double()
SCORES = torch.linspace(-6, 6, 41, dtype=torch.float64)

every_divergence = pytest.mark.parametrize("name", NAMES)


def ratios(name):
    """A fine net over the domain of f."""
    continues_below_zero = DIVERGENCES[name].ratios[0] < 0
    return torch.cat([-RATIOS.flip(0), RATIOS]) if continues_below_zero else RATIOS


# f, its conjugate, and the activation in between


@every_divergence
def test_f_is_convex_and_zero_where_both_are_equal(name):
    f = DIVERGENCES[name].f
    u, w = torch.rand(2, 1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 9 + 1e-3
    assert (f((u + w) / 2) <= (f(u) + f(w)) / 2 + 1e-12).all()
    at_one = -math.log(4) if name == "gan" else 0.0
    assert f(torch.ones(1).double()).item() == pytest.approx(at_one, abs=1e-12)


@every_divergence
def test_the_slope_is_that_of_f(name):
    divergence = DIVERGENCES[name]
    u = torch.logspace(-3, 3, 50, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(divergence.f(u).sum(), u)
    torch.testing.assert_close(divergence.slope(u), slope)
    one = torch.ones(1, dtype=torch.float64)
    assert divergence.slope(one).item() == pytest.approx(divergence.threshold)


@every_divergence
def test_the_conjugate_is_the_supremum_over_lines(name):
    """f*(t) = sup over u of ut - f(u), by trying every u of a net."""
    divergence, u = DIVERGENCES[name], ratios(name)
    values = divergence.f(u)
    for t in divergence.activation(SCORES):
        supremum = (u * t - values).max()
        torch.testing.assert_close(divergence.conjugate(t), supremum, rtol=1e-6, atol=1e-6)


@every_divergence
def test_beyond_its_domain_the_conjugate_is_infinite(name):
    divergence, u = DIVERGENCES[name], ratios(name)
    for bound, step in zip(divergence.domain, (-0.1, 0.1), strict=True):
        if math.isfinite(bound):
            outside = torch.tensor(bound + step, dtype=torch.float64)
            assert divergence.conjugate(outside) == math.inf
            assert (u * outside - divergence.f(u)).max() > 1e6


@every_divergence
def test_fenchel_young(name):
    """f(u) + f*(t) >= ut, with equality at t = f'(u)."""
    divergence = DIVERGENCES[name]
    u = torch.logspace(-2, 2, 41, dtype=torch.float64)
    t = divergence.activation(SCORES)
    assert (divergence.f(u)[:, None] + divergence.conjugate(t) - u[:, None] * t >= -1e-9).all()
    touching = divergence.slope(u)
    torch.testing.assert_close(divergence.f(u) + divergence.conjugate(touching), u * touching)


@every_divergence
def test_the_activation_maps_every_score_into_the_domain_and_rises(name):
    divergence = DIVERGENCES[name]
    low, high = divergence.domain
    t = divergence.activation(torch.linspace(-80, 80, 321, dtype=torch.float64))
    assert ((t >= low) & (t <= high)).all()
    assert (divergence.activation(SCORES).diff() > 0).all()


@every_divergence
def test_every_ratio_has_a_score(name):
    """The best T, f'(p/q), is within the activation's reach; of total variation only in the limit."""
    divergence = DIVERGENCES[name]
    wanted = divergence.slope(torch.tensor([0.05, 20.0], dtype=torch.float64))
    reached = divergence.activation(torch.tensor([-40.0, 40.0], dtype=torch.float64))
    assert reached[0] <= wanted[0]
    assert wanted[1] <= reached[1]


@every_divergence
def test_conjugate_and_activation_in_one_are_the_two_in_turn(name):
    divergence = DIVERGENCES[name]
    scores = SCORES.clone().requires_grad_()
    in_turn = divergence.conjugate(divergence.activation(scores))
    in_one = divergence.conjugate_of_activation(scores)
    torch.testing.assert_close(in_one, in_turn)
    slopes = [torch.autograd.grad(values.sum(), scores)[0] for values in (in_one, in_turn)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@every_divergence
def test_certain_scores_stay_finite(name, dtype):
    """Values and gradients, where f* of the activation would have been a logarithm of zero or infinity."""
    divergence = DIVERGENCES[name]
    scores = torch.tensor([-80.0, -50.0, 0.0, 50.0, 80.0], dtype=dtype, requires_grad=True)
    for function in (divergence.activation, divergence.conjugate_of_activation):
        values = function(scores)
        (slope,) = torch.autograd.grad(values.float().sum(), scores)
        assert values.isfinite().all()
        assert slope.isfinite().all()


@pytest.mark.parametrize("name", ["squared-hellinger", "jensen-shannon"])
def test_in_turn_they_overflow_where_in_one_they_do_not(name):
    divergence, certain = DIVERGENCES[name], torch.tensor(50.0)
    assert divergence.conjugate(divergence.activation(certain)) == math.inf
    in_float64 = divergence.conjugate_of_activation(certain.double()).item()
    assert divergence.conjugate_of_activation(certain).item() == pytest.approx(in_float64, rel=1e-6)


# The objectives


REAL, FAKE = torch.randn(2, 9, generator=torch.Generator().manual_seed(0)).unbind()


def test_gan_is_the_first_gans_objective_to_the_bit():
    gan, first = OBJECTIVES["gan"], OBJECTIVES["non-saturating"]
    assert torch.equal(gan.discriminator(REAL, FAKE), first.discriminator(REAL, FAKE))
    assert torch.equal(gan.generator(FAKE), first.generator(FAKE))
    assert torch.equal(zero_sum(gan).generator(FAKE), OBJECTIVES["saturating"].generator(FAKE))


@every_divergence
def test_both_play_for_the_same_bound(name):
    """The discriminator's loss is minus the bound; a generator of the same game lowers its second half."""
    divergence, objective = DIVERGENCES[name], OBJECTIVES[name]
    real, fake = REAL.double(), FAKE.double()
    t = divergence.activation(real), divergence.activation(fake)
    bound = t[0].mean() - divergence.conjugate(t[1]).mean()
    torch.testing.assert_close(objective.discriminator(real, fake), -bound)
    torch.testing.assert_close(zero_sum(objective).generator(fake), bound - t[0].mean())
    torch.testing.assert_close(objective.generator(fake), -t[1].mean())


# Divergences between distributions on the line


def normal(x, mean, deviation):
    return torch.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))


X = torch.linspace(-20, 20, 80_001, dtype=torch.float64)
MEAN, DEVIATION = 0.75, 1.05
P, Q = normal(X, 0.0, 1.0), normal(X, MEAN, DEVIATION)


def integrated(values):
    return torch.trapezoid(values, X).item()


def exact(name, p=P, q=Q):
    """The integral over q f(p/q)."""
    return integrated(q * DIVERGENCES[name].f(p / q))


def gaussian_overlap(a, b):
    """Integral over p^a q^b with a + b = 1, in closed form."""
    precision = a + b / DEVIATION**2
    exponent = b * MEAN**2 / DEVIATION**2 - (b * MEAN / DEVIATION**2) ** 2 / precision
    return DEVIATION**-b * precision**-0.5 * math.exp(-exponent / 2)


CLOSED_FORMS = {
    "kl": math.log(DEVIATION) + (1 + MEAN**2) / (2 * DEVIATION**2) - 0.5,
    "reverse-kl": -math.log(DEVIATION) + (DEVIATION**2 + MEAN**2) / 2 - 0.5,
    "pearson": gaussian_overlap(2, -1) - 1,
    "neyman": gaussian_overlap(-1, 2) - 1,
    "squared-hellinger": 2 - 2 * gaussian_overlap(0.5, 0.5),
}
TEXTBOOK = {
    "total-variation": integrated((P - Q).abs()) / 2,
    "kl": integrated(P * (P / Q).log()),
    "reverse-kl": integrated(Q * (Q / P).log()),
    "pearson": integrated((P - Q) ** 2 / Q),
    "neyman": integrated((P - Q) ** 2 / P),
    "squared-hellinger": integrated((P.sqrt() - Q.sqrt()) ** 2),
    "jensen-shannon": integrated(P * (2 * P / (P + Q)).log() + Q * (2 * Q / (P + Q)).log()),
    "gan": integrated(P * (P / (P + Q)).log() + Q * (Q / (P + Q)).log()),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_between_gaussians_it_is_the_closed_form(name):
    assert exact(name) == pytest.approx(CLOSED_FORMS[name], rel=1e-6)


@every_divergence
def test_it_is_the_textbooks_integral(name):
    assert exact(name) == pytest.approx(TEXTBOOK[name], rel=1e-6)


def test_gan_is_twice_jensen_shannon_minus_log_4():
    assert exact("gan") == pytest.approx(exact("jensen-shannon") - math.log(4), rel=1e-9)


@every_divergence
def test_no_divergence_where_both_are_equal(name):
    assert exact(name, P, P) == pytest.approx(-math.log(4) if name == "gan" else 0.0, abs=1e-9)


@every_divergence
def test_at_the_best_score_the_bound_is_the_divergence_and_elsewhere_below(name):
    divergence = DIVERGENCES[name]

    def bound(t):
        return integrated(P * t - Q * divergence.conjugate(t))

    best = divergence.slope(P / Q)
    assert bound(best) == pytest.approx(exact(name), rel=1e-6)
    low, high = divergence.domain
    for other in (0.9 * best, best - 0.1, torch.full_like(X, divergence.threshold)):
        assert bound(other.clamp(low, high)) < exact(name) - 1e-4


# Discriminators that learn the bound


SHARES = (
    torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64),
    torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64),
)


@every_divergence
def test_a_table_learns_the_divergence_and_the_best_score(name):
    divergence, table, (p, q) = DIVERGENCES[name], Table(), SHARES
    optimizer = lbfgs(table)

    def loss():
        optimizer.zero_grad()
        value = OBJECTIVES[name].discriminator(table(outcomes(p)), table(outcomes(q)))
        value.backward()
        return value

    for _ in range(10):
        optimizer.step(loss)
    assert -loss().item() == pytest.approx((q * divergence.f(p / q)).sum().item(), rel=1e-4)
    found = divergence.activation(table.score.detach())
    torch.testing.assert_close(found, divergence.slope(p / q), rtol=0, atol=1e-2)


def bound_of_a_network(name, rounds=300, batch=1024):
    """The bound, integrated, of a perceptron that has learned from fresh samples."""
    torch.manual_seed(0)
    net, divergence = mlp(1), DIVERGENCES[name]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.5, 0.99))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, rounds)
    for _ in range(rounds):
        real, fake = torch.randn(batch, 1), MEAN + DEVIATION * torch.randn(batch, 1)
        optimizer.zero_grad()
        OBJECTIVES[name].discriminator(net(real), net(fake)).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        scores = net(X.float().unsqueeze(1)).squeeze(1).double()
    return integrated(P * divergence.activation(scores) - Q * divergence.conjugate_of_activation(scores))


def shortfall(name, reached):
    """What is missing to the divergence, as a share of its distance to that of equal distributions."""
    return (exact(name) - reached) / (exact(name) - exact(name, P, P))


@every_divergence
def test_a_network_learns_the_divergence_between_gaussians(name):
    """Measured over three seeds: up to 1 % is missing to neyman, 0.5 % to pearson, 0.3 % to the others."""
    assert 0 < shortfall(name, bound_of_a_network(name)) < 0.02


@every_divergence
def test_a_network_that_does_not_learn_does_not_reach_it(name):
    assert shortfall(name, bound_of_a_network(name, rounds=1)) > 0.2
