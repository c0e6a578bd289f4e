"""What the classic discriminators must become, where it can be worked out: three outcomes, a table."""

import math

import pytest
import torch
from torch import nn

from ganarium.core.engine import Engine
from ganarium.core.game import turn
from ganarium.data.modalities.points import Points
from ganarium.data.spec import DataSpec
from ganarium.methods.conditional.acgan import ACGAN
from ganarium.methods.conditional.cgan import CGAN
from ganarium.methods.noise_to_image.ebgan import EBGAN, pulling_away
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.methods.noise_to_image.infogan import InfoGAN
from ganarium.methods.noise_to_image.loss_sensitive_gan import LossSensitiveGAN
from ganarium.methods.two_player import TurnData
from ganarium.networks.conditioning import ConditionedDiscriminator, ProjectionScore
from ganarium.networks.heads import MultiHead
from ganarium.networks.layers.linear_score import Scoring
from ganarium.tasks.base import draw_latents, latent_inputs
from helpers import played

P = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
Q = torch.tensor([0.1, 0.4, 0.5], dtype=torch.float64)


def outcomes(shares, count=10):
    """One-hot rows in just these shares."""
    return torch.eye(3, dtype=torch.float64).repeat_interleave((shares * count).round().long(), 0)


class Table(nn.Module):
    """`outputs` numbers of its own for each outcome."""

    def __init__(self, outputs=1):
        super().__init__()
        self.entries = nn.Parameter(torch.zeros(3, outputs, dtype=torch.float64))

    def forward(self, samples):
        return (samples @ self.entries).squeeze(1)


def best(kind, discriminator, turn_data, **settings):
    """The discriminator once it has reached its optimum, and its last terms."""

    class OnlyTheDiscriminator(kind):
        def play(self, data, clock):
            turn_data = next(data)
            yield turn(self.discriminator, lambda: self.discriminator_terms(turn_data, clock))

    game = OnlyTheDiscriminator(nn.Identity(), discriminator, **settings)
    optimizer = torch.optim.LBFGS(discriminator.parameters(), max_iter=100, line_search_fn="strong_wolfe")
    return played(Engine(game, {"discriminator": optimizer}), iter([turn_data] * 5), 5)


DEAL = TurnData(outcomes(P), outcomes(Q), None)


@pytest.mark.parametrize("targets", [(0, 1, 1), (-1, 1, 0), (0.5, 2, 1)])
def test_the_best_least_squares_discriminator_weighs_its_targets(targets):
    """Mao et al. 2017, equation 5."""
    table, (a, b, _) = Table(), targets
    best(GAN, table, DEAL, objective="least-squares", targets=targets)
    torch.testing.assert_close(table.entries[:, 0].detach(), (b * P + a * Q) / (P + Q), rtol=0, atol=1e-4)


def test_with_the_pearson_targets_the_generator_lowers_the_pearson_divergence():
    """Its theorem 1: 2 C(G) = chi^2(p + q || 2 q), C being E_p + E_q of (D* - c)^2 / 2."""
    a, b, c = -1.0, 1.0, 0.0
    table = Table()
    best(GAN, table, DEAL, objective="least-squares", targets=(a, b, c))
    score = table.entries[:, 0].detach()
    value = ((P + Q) * (score - c).square()).sum() / 2
    divergence = ((2 * Q - (P + Q)).square() / (P + Q)).sum()
    assert 2 * value.item() == pytest.approx(divergence.item(), rel=1e-4)
    assert divergence > 0.1


def test_without_the_pearson_targets_it_is_another_value():
    table = Table()
    best(GAN, table, DEAL, objective="least-squares", targets=(0, 1, 1))
    value = ((P + Q) * (table.entries[:, 0].detach() - 1).square()).sum()
    assert value.item() != pytest.approx(((Q - P).square() / (P + Q)).sum().item(), rel=0.1)


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.direction = nn.Parameter(torch.zeros(3, dtype=torch.float64))

    def forward(self, samples):
        return samples @ self.direction


def test_a_clipped_linear_critic_stands_in_the_corners():
    """Arjovsky et al. 2017: the best direction is the bound with the sign of the means' difference."""

    class OnlyTheDiscriminator(GAN):
        def play(self, data, clock):
            yield turn(self.discriminator, **self.discriminator_terms(next(data), clock))
            self.after_discriminator()

    game = OnlyTheDiscriminator(
        nn.Identity(), Linear(), objective="wasserstein", penalty="clip", clip_bound=0.02
    )
    optimizer = torch.optim.RMSprop(game.discriminator.parameters(), lr=1e-2)
    terms = played(Engine(game, {"discriminator": optimizer}), iter([DEAL] * 20), 20)
    torch.testing.assert_close(game.discriminator.direction.detach(), 0.02 * (P - Q).sign())
    assert -terms["discriminator/adversarial"].item() == pytest.approx(0.02 * (P - Q).abs().sum().item())


class Energies(nn.Module):
    """An autoencoder of numbers `[N, 1]` that stand for outcomes 0, 1, 2, by a table of what it adds."""

    def __init__(self):
        super().__init__()
        self.error = nn.Parameter(torch.full((3,), 0.3, dtype=torch.float64))

    def features(self, samples):
        return samples

    def forward(self, samples):
        return samples + self.error[samples.long()]


def test_the_best_energy_is_zero_where_data_are_denser_and_the_margin_where_samples_are():
    """Zhao et al. 2017, lemma 1 and theorem 1."""
    numbers = torch.arange(3, dtype=torch.float64)
    real, fake = (numbers.repeat_interleave((shares * 10).long()).unsqueeze(1) for shares in (P, Q))

    class OnlyTheDiscriminator(EBGAN):
        def play(self, data, clock):
            yield turn(self.discriminator, **self.discriminator_terms(next(data), clock))

    game = OnlyTheDiscriminator(nn.Identity(), Energies(), margin=0.5)
    optimizer = torch.optim.SGD(game.discriminator.parameters(), lr=0.05)
    played(Engine(game, {"discriminator": optimizer}), iter([TurnData(real, fake, None)] * 600), 600)
    energies = game.discriminator.error.detach().square()
    torch.testing.assert_close(energies, 0.5 * (Q > P).double(), rtol=0, atol=0.04)


def test_pulling_away_is_zero_for_right_angles_and_one_for_one_direction():
    assert pulling_away(torch.eye(4)).item() == pytest.approx(0)
    assert pulling_away(torch.tensor([[1.0, 2.0], [-2.0, -4.0], [3.0, 6.0]])).item() == pytest.approx(1)
    angle = torch.tensor([[1.0, 0.0], [math.cos(0.3), math.sin(0.3)]])
    assert pulling_away(angle).item() == pytest.approx(math.cos(0.3) ** 2)
    with pytest.raises(ValueError, match="batch_size to 2 or more"):
        pulling_away(torch.ones(1, 3))


def test_loss_sensitive_scores_stand_apart_by_the_margin():
    """Qi 2020: where every pair is a margin apart the loss is zero, however far beyond they lie."""
    real, fake = torch.zeros(4, 2, dtype=torch.float64), torch.ones(4, 2, dtype=torch.float64)

    class Score(nn.Module):
        def __init__(self, slope):
            super().__init__()
            self.slope = nn.Parameter(torch.tensor(slope, dtype=torch.float64))

        def forward(self, samples):
            return -self.slope * samples.mean(1)

    def loss(steepness, **settings):
        game = LossSensitiveGAN(nn.Identity(), Score(steepness), margin_weight=2.0, **settings)
        return game.discriminator_terms(TurnData(real, fake, None), None)["adversarial"].item()

    assert loss(2.0) == 0 == loss(5.0)
    assert loss(0.5) == pytest.approx(1.5)
    assert loss(5.0, slope=0.2) == pytest.approx(0.2 * -3)
    with pytest.raises(ValueError, match=r"game\.slope=1\.5"):
        loss(1.0, slope=1.5)


LABELS = torch.tensor([[0.3, 0.1, 0.1], [0.2, 0.1, 0.2]], dtype=torch.float64)
"""Of data: class 0 and 1 by outcome."""
FAKE_LABELS = torch.tensor([[0.1, 0.2, 0.2], [0.0, 0.2, 0.3]], dtype=torch.float64)


@pytest.mark.parametrize("weight", [1.0, 0.4, 0.0])
def test_the_best_acgan_discriminator_names_both_sides_classes(weight):
    """log p/q, and beside it the posterior of the class among real samples and, as they weigh, fake ones."""
    real, fake = (torch.cat([outcomes(row) for row in rows]) for rows in (LABELS, FAKE_LABELS))
    labels = torch.arange(2).repeat_interleave(5)
    table = Table(outputs=3)
    best(ACGAN, table, TurnData(real, fake, labels), fake_classification_weight=weight)
    entries = table.entries.detach()
    torch.testing.assert_close(entries[:, 0], (LABELS.sum(0) / FAKE_LABELS.sum(0)).log(), rtol=0, atol=1e-4)
    joint = LABELS + weight * FAKE_LABELS
    torch.testing.assert_close(entries[:, 1:].softmax(1).T, joint / joint.sum(0), rtol=0, atol=1e-4)


JOINT = torch.tensor([[0.3, 0.1, 0.1], [0.1, 0.1, 0.3]], dtype=torch.float64)
"""Code 0 and 1, each half of the time, and the sample that the generator makes of it."""


def test_the_best_information_bound_is_the_mutual_information():
    """Chen et al. 2016, eq. 5: H(c) + L(G, Q) = I(c; G) where Q is the posterior."""
    samples = torch.cat([outcomes(row) for row in JOINT])
    codes = torch.eye(2, dtype=torch.float64).repeat_interleave(5, 0)
    table = Table(outputs=3)
    settings = {"categorical_codes": (2,), "continuous_codes": 0}
    terms = best(InfoGAN, table, TurnData(outcomes(P), samples, codes), **settings)
    information = (JOINT * (JOINT / (0.5 * JOINT.sum(0))).log()).sum().item()
    bound = math.log(2) - terms["discriminator/categorical"].item()
    assert bound == pytest.approx(information, abs=1e-6)
    assert information > 0.05


def test_a_continuous_code_is_read_as_its_mean():
    """A Gaussian of deviation one is most likely at the posterior mean."""
    samples = torch.cat([outcomes(row) for row in JOINT])
    codes = torch.linspace(-1, 1, 10, dtype=torch.float64).unsqueeze(1)
    table = Table(outputs=2)
    settings = {"categorical_codes": (), "continuous_codes": 1}
    best(InfoGAN, table, TurnData(outcomes(P), samples, codes), **settings)
    means = torch.stack([codes[samples[:, i] == 1].mean() for i in range(3)])
    torch.testing.assert_close(table.entries[:, 1].detach(), means, rtol=0, atol=1e-4)


class OneHotFeatures(Scoring):
    """Features are the outcome itself, so that a projection is a table of its own for each class."""

    def __init__(self):
        super().__init__()
        self.score = nn.Linear(3, 1, bias=False, dtype=torch.float64)

    def features(self, samples):
        return samples


def test_the_best_projection_discriminator_is_the_joint_log_ratio():
    """Miyato & Koyama 2018, eq. 3 to 8: log p(x, y)/q(x, y) = y^T V phi(x) + psi(phi(x))."""
    projection = ProjectionScore(OneHotFeatures(), (), 2).double()
    fakes = torch.tensor([[0.1, 0.2, 0.2], [0.1, 0.1, 0.3]], dtype=torch.float64)
    real, fake = (torch.cat([outcomes(row) for row in rows]) for rows in (LABELS, fakes))
    labels = torch.arange(2).repeat_interleave(5)
    best(
        CGAN, ConditionedDiscriminator(projection), TurnData(real, fake, labels), condition_score="projection"
    )
    scores = torch.stack([projection(torch.eye(3).double(), torch.full((3,), y)) for y in range(2)])
    torch.testing.assert_close(scores.detach(), (LABELS / fakes).log(), rtol=0, atol=1e-3)


def test_the_projection_is_the_inner_product_beside_the_bodys_score():
    body = OneHotFeatures().float()
    projection = ProjectionScore(body, (), 4)
    samples, labels = torch.randn(5, 3), torch.randint(4, (5,))
    vectors = projection.vector.encode.weight[labels]
    wanted = body.score(samples).squeeze(1) + torch.einsum("nd,nd->n", vectors, samples)
    torch.testing.assert_close(projection(samples, labels), wanted)


def test_a_head_reads_the_features_that_the_score_is_read_from():
    body = OneHotFeatures().float()
    headed = MultiHead(body, 5)
    samples = torch.randn(6, 3)
    read = headed(samples)
    torch.testing.assert_close(read[:, 0], body(samples))
    torch.testing.assert_close(read[:, 1:], headed.head(samples))


def test_infogan_varies_one_code_only():
    game = InfoGAN.assemble(
        lambda role, *shape: OneHotFeatures().float() if role == "discriminator" else nn.Linear(shape[0], 3),
        DataSpec(Points(), (3,)),
        noise_dim=4,
        categorical_codes=(3, 2),
        continuous_codes=2,
        head_width=8,
    )
    assert [latent.argument for latent in game.latents] == [
        "z",
        "categorical_0",
        "categorical_1",
        "continuous",
    ]
    drawn = draw_latents(latent_inputs(game), 2, seed=0)
    whole = torch.cat(list(drawn.values()), 1)
    assert whole.shape == (2, 4 + 3 + 2 + 2)
    game.generator = nn.Identity()
    assert game.generate(**drawn).equal(whole)
    for code, places in {"categorical-1": [7, 8], "continuous-1": [10]}.items():
        made = game.traverse(**drawn, code=code, steps=6).view(2, 6, 11)
        others = [i for i in range(11) if i not in places]
        assert made[:, :, others].equal(whole[:, None, others].expand(-1, 6, -1))
        assert made[0, :, places].equal(made[1, :, places])
    assert made[0, :, 10].tolist() == pytest.approx([-1, -0.6, -0.2, 0.2, 0.6, 1])
    assert game.traverse(**drawn, steps=4)[:4, 4:7].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    with pytest.raises(
        ValueError, match=r"'categorical-2'.*choose from categorical-0, categorical-1, continuous-0"
    ):
        game.traverse(**drawn, code="categorical-2")
